"""The roll-up by minute says what the records say, on SQLite and on a real MariaDB.

That it does so after every other test of the stores, too, is checked by the fixtures.
"""

import random
from collections import Counter
from typing import Any, NamedTuple

import msgspec
import pytest
from node import APPS, Node, raw_frame
from sqlalchemy import update

from database import drainer, erasing
from database.day_file import SCHEMA_VERSION, open_for_writing, path_of
from database.erasures import Erasures
from database.expression import EVERYTHING, All, Compares, Either, IsSet, Not
from database.expression import Node as Condition
from database.frame import UNTRUSTED
from database.log_query import LogFilter
from database.tables import log_partition
from utils.clock import DAY, MINUTE, SECOND, day_of, now_us
from utils.level import SEVERITIES
from utils.record import Form

NOW = now_us()
USERS = ("eve", "bob", "")


@pytest.fixture
def node(any_node: Node, monkeypatch: pytest.MonkeyPatch) -> Node:
    """A fresh node on each kind of store, whose writer does at once what it does now and then."""
    monkeypatch.setattr(drainer, "TIDY_SECONDS", 0.0)
    monkeypatch.setattr(drainer, "RETENTION_SECONDS", 0.0)
    return any_node


class Known(NamedTuple):
    """A record as the test knows it."""

    app_id: int
    time: int
    severity: int
    untrusted: bool
    user: str


CONDITIONS: list[tuple[Condition, Any]] = [
    (EVERYTHING, lambda known: True),
    (Compares("severity", ">=", 13), lambda known: known.severity >= 13),
    (
        All((Compares("severity", ">=", 9), Compares("severity", "<=", 12))),
        lambda known: 9 <= known.severity <= 12,
    ),
    (Not(IsSet("untrusted")), lambda known: not known.untrusted),
    (IsSet("untrusted"), lambda known: known.untrusted),
    (
        Either((Compares("severity", "=", 17), Not(IsSet("untrusted")))),
        lambda known: known.severity == 17 or not known.untrusted,
    ),
    (Compares("user_id", "=", "eve"), lambda known: known.user == "eve"),  # from the records
]


def store_some(node: Node, chance: random.Random) -> list[Known]:
    """Frames of a few days, some sent twice and some of rubbish; many come late."""
    known = []
    for days_ago in range(3, -1, -1):
        received, pieces = NOW - days_ago * DAY, []
        for number in range(chance.randint(1, 12)):
            app_id, flags = chance.choice((1, 2)), chance.choice((0, 0, UNTRUSTED))
            spread = chance.choice((SECOND, 2 * MINUTE, 3 * DAY))
            records = [
                Known(
                    app_id,
                    received - chance.randrange(spread),
                    chance.choice(sorted(set(SEVERITIES.values()))),
                    bool(flags),
                    chance.choice(USERS),
                )
                for _ in range(chance.randint(1, 40))
            ]
            known += records
            key = chance.choice(("", f"key {days_ago} {number} {chance.random()}"))
            whole = raw_frame(payload_of(records), len(records), key, received, app_id, flags=flags)
            pieces += [whole, whole] if key else [whole]
            if chance.random() < 0.2:
                pieces.append(raw_frame(b"rubbish", 1, at=received))
        node.write_segment(*pieces, at=received)
        node.drain(batch_bytes=chance.choice((500, 1 << 17)))
    return known


def payload_of(records: list[Known]) -> bytes:
    return msgspec.json.encode(
        [
            {"message": "m", "time": one.time, "level": one.severity, "user_id": one.user or None}
            for one in records
        ]
    )


def expected(known: list[Known], wanted: LogFilter, width: int, holds: Any) -> Counter[Any]:
    return Counter(
        (one.time // width, one.severity)
        for one in known
        if one.app_id in wanted.apps
        and (wanted.start is None or one.time >= wanted.start)
        and (wanted.end is None or one.time < wanted.end)
        and holds(one)
    )


def check(node: Node, known: list[Known], chance: random.Random) -> None:
    """Histograms are those of the known records, whatever is asked for."""
    for condition, holds in CONDITIONS:
        width = chance.choice((SECOND, MINUTE, 90 * SECOND, 7 * MINUTE, DAY))
        times = [one.time for one in known] + [NOW // MINUTE * MINUTE, NOW - 9 * DAY, NOW + DAY]
        start, end = sorted(chance.choices(times, k=2))
        for wanted in (
            LogFilter((1, 2), where=condition),
            LogFilter((2,), start, end, condition),
            LogFilter((1,), start, None, condition),
            LogFilter((1, 2), start, start + chance.randrange(3 * MINUTE), condition),
        ):
            counts = node.store.count(wanted, width)
            assert counts.records == expected(known, wanted, width, holds), (wanted, width)
            assert (counts.unreadable, counts.partial) == ([], False)


@pytest.mark.parametrize("seed", range(4))
def test_a_histogram_counts_what_was_stored(node: Node, seed: int) -> None:
    chance = random.Random(seed)
    known = store_some(node, chance)
    check(node, known, chance)
    known += store_some(node, chance)
    check(node, known, chance)


@pytest.mark.parametrize("seed", range(2))
def test_what_is_erased_is_not_counted_any_more(
    node: Node, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("POLL_SECONDS", "WAIT_SECONDS", "KEYS_KNOWN_SECONDS"):
        monkeypatch.setattr(erasing, name, 0.001)
    chance = random.Random(seed)
    known = store_some(node, chance)
    erasures = Erasures(node.engine)
    asked = erasures.request("user_id", "eve", (1,), "test").id
    writer = node.writer()
    assert writer.elected()
    while (done := erasures.get(asked)) is None or done.finished_at is None:
        writer.drain()
    writer.resign()
    known = [one for one in known if (one.app_id, one.user) != (1, "eve")]
    check(node, known, chance)
    node.check_rollup()
    check(node, known + store_some(node, chance), chance)


def test_whole_minutes_are_not_counted_record_by_record(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_some(node, random.Random(1))
    asked = node.statements(monkeypatch)
    start = NOW // MINUTE * MINUTE - 10 * DAY
    assert node.store.count(LogFilter(APPS, start, start + 11 * DAY), 5 * MINUTE).records
    assert {sql.partition("FROM ")[2].split()[0] for sql in asked} == {"rollup"}
    asked.clear()
    assert node.store.count(LogFilter(APPS, start, start + 11 * DAY), SECOND).records
    assert {sql.partition("FROM ")[2].split()[0] for sql in asked} == {"log"}


def test_a_partition_without_a_roll_up_is_counted_by_its_records_until_it_has_one(
    node: Node,
) -> None:
    chance = random.Random(5)
    known = store_some(node, chance)
    days = [partition.name for partition in node.store.catalogue.partitions()][1:]
    for day in days:
        _take_rollup(node, day)
    check(node, known, chance)
    node.store.upgrade()
    assert {p.schema_version for p in node.store.catalogue.partitions()} == {SCHEMA_VERSION}
    node.check_rollup()
    check(node, known, chance)
    check(node, known + store_some(node, chance), chance)


def test_a_day_that_is_emptied_has_nothing_to_count(node: Node) -> None:
    journal, writer = node.journal(), node.writer()
    assert writer.elected()
    journal.append(1, 1, Form.ARRAY, "", payload_of([Known(1, NOW, 9, False, "")]))
    writer.drain()
    assert node.store.count(LogFilter(APPS), MINUTE).records.total() == 1
    assert node.store.catalogue.request_drop(day_of(NOW))
    writer.drain()
    assert node.store.count(LogFilter(APPS), MINUTE).records == {}
    journal.stop()


def test_no_time_is_told(node: Node) -> None:
    store_some(node, random.Random(2))
    node.store.seconds = 0.0
    assert node.store.count(LogFilter(APPS), MINUTE).partial


def _take_rollup(node: Node, day: str) -> None:
    """Make a partition as it was before there were roll-ups."""
    if node.engine.dialect.name == "sqlite":
        file = open_for_writing(path_of(node.data / "logs", day))
        file.execute("DROP TABLE rollup; PRAGMA user_version = 2")
        file.close()
    with node.engine.begin() as connection:
        if node.engine.dialect.name != "sqlite":
            connection.exec_driver_sql(f"DROP TABLE rollup_{day}")
        older = update(log_partition).where(log_partition.c.name == day)
        connection.execute(older.values(schema_version=2))
