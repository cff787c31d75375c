"""Machines' tokens: shown once, kept as a hash, looked up seldom, marked as used in between."""

import re
import string
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from database import api_tokens as module
from database.access_tables import api_token
from database.api_tokens import ApiTokens, id_of
from database.engine import migrate, open_engine
from database.redis_bus import RedisBus
from database.redis_link import RedisLink
from database.revoked import RevokedTokens
from utils.clock import DAY
from utils.settings import Database

NOW = 1_800_000_000_000_000


class Table:
    """The table, with a clock of its own and what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.engine = open_engine(Database(url=""), folder)
        migrate(self.engine)
        self.bus = RedisBus(RedisLink("", "one", threads=1))
        self.now = NOW
        self.later: list[Callable[[], None]] = []
        self.statements: list[str] = []
        event.listen(self.engine, "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.statements.append(statement)

    def process(self) -> ApiTokens:
        """As another worker has it."""
        return ApiTokens(self.engine, RevokedTokens(self.engine, self.bus), self._in_background)

    def _in_background(self, work: Callable[[str], None]) -> Callable[[str], None]:
        return lambda token_id: self.later.append(lambda: work(token_id))

    def do_later(self) -> None:
        for work in self.later:
            work()
        self.later.clear()


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    made = Table(tmp_path)
    monkeypatch.setattr(module, "now_us", lambda: made.now)
    monkeypatch.setattr(module.time, "monotonic", lambda: made.now / 1_000_000)
    yield made
    made.engine.dispose()


def test_a_token_is_found_by_its_text_and_kept_as_a_hash(table: Table) -> None:
    text, made = table.process().create("ci", "admin", [1, 2], 90, 7)
    found = table.process().find(text)
    assert found == made
    assert (made.name, made.scope, made.apps, made.account_id) == ("ci", "admin", [1, 2], 7)
    assert made.expires_at == NOW + 90 * DAY
    assert set(text) <= set(string.ascii_letters + string.digits + "_")
    with table.engine.connect() as connection:
        (row,) = connection.execute(select(api_token))
    assert all(text.rpartition("_")[2] not in str(value) for value in row)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(min_size=1, max_size=128),
    scope=st.sampled_from(["read", "admin"]),
    apps=st.none() | st.lists(st.integers(1, 2**31), max_size=50),
    days=st.integers(1, 3650),
    account=st.none() | st.integers(1, 2**31),
    data=st.data(),
)
def test_any_token_survives_and_any_flipped_byte_is_refused(
    table: Table,
    name: str,
    scope: str,
    apps: list[int] | None,
    days: int,
    account: int | None,
    data: st.DataObject,
) -> None:
    machines = table.process()
    text, made = machines.create(name, scope, apps, days, account)  # type: ignore[arg-type]
    at = data.draw(st.integers(0, len(text) - 1))
    flipped = chr(ord(text[at]) ^ data.draw(st.integers(1, 255)))
    assert machines.find(text[:at] + flipped + text[at + 1 :]) is None
    assert machines.find(text) == made
    assert machines.find(text[:at] + flipped + text[at + 1 :]) is None


@given(st.text() | st.from_regex("rlt_[0-9a-f]{16}_[0-9a-f]{64}", fullmatch=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_anything_else_is_no_token(table: Table, text: str) -> None:
    assert table.process().find(text) is None
    assert (id_of(text) is not None) is bool(re.fullmatch("rlt_[0-9a-f]{16}_[0-9a-f]{64}", text))


def test_a_token_expires(table: Table) -> None:
    machines = table.process()
    text, made = machines.create("ci", "read", None, 1, None)
    table.now = made.expires_at - 1
    assert machines.find(text) is not None
    table.now = made.expires_at
    assert machines.find(text) is None


def test_it_is_looked_up_once_in_a_second(table: Table) -> None:
    machines = table.process()
    text, _ = machines.create("ci", "read", None, 1, None)
    table.statements.clear()
    for _ in range(10):
        assert machines.find(text) is not None
    assert len(table.statements) == 1
    table.now += int(module.KNOWN_SECONDS * 1_000_000)
    assert machines.find(text) is not None
    assert len(table.statements) == 2


def test_its_use_is_noted_at_most_once_a_minute_and_off_the_way(table: Table) -> None:
    machines, other = table.process(), table.process()
    text, _ = machines.create("ci", "read", None, 1, None)

    def last_used() -> int | None:
        return machines.all()[0].last_used_at

    assert machines.find(text) is not None and last_used() is None
    for _ in range(2):
        assert other.find(text) is not None  # another worker does not know of it yet
    assert len(table.later) == 2
    table.do_later()
    first = last_used()
    assert first == table.now
    table.now += module.MARK_US - 1
    for _ in range(3):
        assert machines.find(text) is not None and other.find(text) is not None
    assert table.later == []
    table.now += 1
    assert machines.find(text) is not None and other.find(text) is not None
    table.now += 5
    table.do_later()
    assert last_used() == first + module.MARK_US + 5  # type: ignore[operator]


def test_a_token_is_revoked_by_who_made_it_or_by_an_admin(table: Table) -> None:
    machines = table.process()
    text, made = machines.create("ci", "read", None, 1, 7)
    _, other = machines.create("other", "read", None, 1, 8)
    assert {token.id for token in machines.all()} == {made.id, other.id}
    assert [token.id for token in machines.all(7)] == [made.id]
    assert not machines.revoke(made.id, 8)
    assert not machines.revoke("0" * 16)
    assert machines.find(text) is not None
    assert machines.revoke(made.id, 7)
    assert not machines.revoke(made.id, 7)
    assert machines.revoke(other.id)
    assert machines.all() == []
    for process in (machines, table.process()):
        assert process._revoked.is_revoked(made.id) and process._revoked.is_revoked(other.id)
