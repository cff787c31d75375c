"""Sessions and revoked tokens, on SQLite and on a real MariaDB."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from node import Node
from sqlalchemy import func, select

from database import sessions as module
from database.access_tables import session
from database.redis_bus import RedisBus
from database.redis_link import RedisLink
from database.revoked import RevokedTokens
from database.sessions import SessionTable
from database.tables import revoked_token
from utils.clock import DAY
from utils.settings import Token

SETTINGS = Token(days=90, access_minutes=15, refresh_days=30)
NOW = 1_800_000_000_000_000


@pytest.fixture
def table(any_node: Node) -> SessionTable:
    return process_of(any_node)


def process_of(node: Node) -> SessionTable:
    """As one worker has it."""
    bus = RedisBus(RedisLink("", "one", threads=1))
    return SessionTable(node.engine, RevokedTokens(node.engine, bus), SETTINGS)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the clock."""

    def set_clock(now: int) -> None:
        monkeypatch.setattr(module, "now_us", lambda: now)
        monkeypatch.setattr(module.time, "monotonic", lambda: now / 1_000_000)

    set_clock(NOW)
    return set_clock


def rows(table: SessionTable) -> int:
    with table.engine.connect() as connection:
        return int(connection.scalar(select(func.count()).select_from(session)) or 0)


def test_only_the_hash_of_a_refresh_token_is_kept(table: SessionTable) -> None:
    session_id, token = table.begin(7, "192.0.2.1", "x" * 300)
    assert module.id_of(token) == session_id
    with table.engine.connect() as connection:
        (row,) = connection.execute(select(session))
    assert all(token.rpartition("_")[2] not in str(value) for value in row)
    assert row.user_agent == "x" * 255


def test_all_sessions_of_an_account_end_but_the_one_that_is_named(
    table: SessionTable, any_node: Node
) -> None:
    mine = [table.begin(7, None, None) for _ in range(3)]
    other, _ = table.begin(8, None, None)
    assert table.end_all(7, but=mine[0][0]) == 2
    assert [found.id for found in table.of(7)] == [mine[0][0]]
    assert [found.id for found in table.of(8)] == [other]
    for process in (table, process_of(any_node)):
        ended = [process._revoked.is_revoked(each) for each, _ in mine]
        assert ended == [False, True, True]
    assert table.end_all(7) == 1 and table.end_all(7) == 0
    assert [table.refresh(token) for _, token in mine] == [None] * 3


def test_a_session_is_over_when_it_is_not_refreshed(
    table: SessionTable, at: Callable[[int], None]
) -> None:
    session_id, token = table.begin(7, None, None)
    at(NOW + 29 * DAY)
    continued = table.refresh(token)
    assert continued is not None
    found, token = continued
    assert (found.id, found.account_id) == (session_id, 7)
    at(NOW + 59 * DAY)
    assert table.find(token) is None and table.of(7) == []
    assert table.refresh(token) is None
    table.begin(8, None, None)
    assert rows(table) == 1


def test_of_two_who_bring_one_token_at_once_at_most_one_goes_on(any_node: Node) -> None:
    """And the session ends: one of them may be a thief."""
    processes = [process_of(any_node) for _ in range(4)]
    _, token = processes[0].begin(7, None, None)
    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(lambda process: process.refresh(token), processes))
    assert sum(each is not None for each in given) <= 1
    assert processes[0].of(7) == []
    for each in given:
        assert each is None or processes[1].find(each[1]) is None


def test_logins_and_logouts_do_not_hinder_each_other(any_node: Node) -> None:
    """Deadlocks on MySQL would be errors here."""
    processes = [process_of(any_node) for _ in range(4)]

    def come_and_go(process: SessionTable) -> None:
        for account in range(8):
            process._next_purge = 0.0
            session_id, _ = process.begin(account, None, None)
            assert process.end(account, session_id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(come_and_go, processes))
    assert rows(processes[0]) == 0


def test_a_revocation_is_kept_as_long_as_the_token_would_be_good(
    table: SessionTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoked = table._revoked
    revoked.revoke("a" * 16, 1000)
    for _ in range(2):  # the second time changes nothing
        revoked.revoke("b" * 16, None)
    revoked.purge()
    with table.engine.connect() as connection:
        assert list(connection.scalars(select(revoked_token.c.id))) == ["b" * 16]
