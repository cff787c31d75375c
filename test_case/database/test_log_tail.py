"""What was stored, in the order in which it was, on SQLite and on a real MariaDB."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mariadb import MariaDB
from node import APPS, MESSAGE, Node, frame, raw_frame
from sqlalchemy import delete

from database import drainer, ends
from database.ends import Ends
from database.expression import EVERYTHING, Compares, Contains, Member
from database.expression import Node as Condition
from database.log_query import COLUMNS, LogFilter
from database.log_tail import WIDTH
from database.mysql_days import table_for
from database.mysql_store import MySQLStore
from utils.clock import DAY, day_of, now_us
from utils.record import dumps

NOW = now_us()
TODAY, YESTERDAY = day_of(NOW), day_of(NOW - DAY)


@pytest.fixture
def node(any_node: Node) -> Node:
    """A fresh node on each kind of store."""
    return any_node


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer keeps house after each chunk, and nothing has to settle."""
    monkeypatch.setattr(drainer, "TIDY_SECONDS", 0.0)
    monkeypatch.setattr(MySQLStore, "settle_seconds", 0.0)


def store(node: Node, *messages: str, at: int = NOW, app_id: int = 1) -> None:
    node.write_segment(frame(messages, at=at, app_id=app_id), at=at)
    node.drain()


def store_records(node: Node, records: list[dict[str, Any]], app_id: int = 1) -> None:
    node.write_segment(raw_frame(dumps(records), len(records), app_id=app_id))
    node.drain()


def followed(node: Node, *wanted: LogFilter, after: int = 0, up_to: int = 2**40) -> list[list[str]]:
    """The messages that each of these readers gets of today's records."""
    readers = [node.store.wanted_by(each, number) for number, each in enumerate(wanted)]
    rows = node.store.follow(TODAY, after, up_to, readers)
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    return [
        [row[MESSAGE] for row in rows if row[WIDTH + number]] for number, _ in enumerate(wanted)
    ]


def where(condition: Condition, apps: tuple[int, ...] = APPS) -> LogFilter:
    return LogFilter(apps, where=condition)


# Filters.


def test_each_reader_gets_what_a_search_would_find(node: Node) -> None:
    records: list[dict[str, Any]] = [
        {"message": "100% 支付 {any}", "user_id": "a", "attributes": {"n": 1}},
        {"message": "plain", "level": "error", "release": "1.0", "attributes": {"n": 2}},
        {"message": "PLAIN", "user_id": "b", "time": NOW - DAY},
    ]
    store_records(node, records)
    store_records(node, records[:2], app_id=2)
    filters = [
        where(EVERYTHING),
        where(EVERYTHING, (2,)),
        where(EVERYTHING, (2, 7, 1)),
        where(EVERYTHING, ()),
        where(Contains("plain")),
        where(Contains("支付 {")),
        where(Contains("100%")),
        where(Compares("release", "=", "1.0"), (2,)),
        where(Compares("user_id", "like", "a%\0")),
        where(Member("attributes", "n", ">", 1)),
        LogFilter(APPS, start=NOW - 1000),
        LogFilter(APPS, end=NOW - 1000),
        LogFilter(APPS, NOW - 2 * DAY, NOW + DAY, Compares("severity", ">=", 17)),
    ]
    for wanted, got in zip(filters, followed(node, *filters), strict=True):
        page = node.store.search(wanted, 100, newest_first=False)
        assert sorted(got) == sorted(values[MESSAGE] for _, values in page.rows), wanted
        assert followed(node, wanted) == [got]
    assert len(followed(node, *filters)[2]) == 5


def test_a_stretch_is_of_ids_and_whole_records(node: Node) -> None:
    store(node, *(f"m{n}" for n in range(10)))
    everything = where(EVERYTHING)
    assert followed(node, everything, after=3, up_to=6) == [["m3", "m4", "m5"]]
    assert followed(node, everything, after=10) == [[]]
    wanted = [node.store.wanted_by(everything, 0)]
    (row,) = node.store.follow(TODAY, 4, 5, wanted)
    (found,) = (r for d, r in node.store.search(everything, 100).rows if r[0] == 5)
    assert dict(zip(COLUMNS, row, strict=False)) == dict(zip(COLUMNS, found, strict=True))
    assert node.store.follow("19990101", 0, 9, wanted) == []


def test_where_a_time_begins(node: Node) -> None:
    old = NOW - 3600_000_000
    assert node.store.begin(APPS, NOW) == {}
    frames = (
        frame(["a", "b", "c"], at=NOW, times=[old, NOW, old]),
        frame(["d"], at=NOW, times=[old - 1], app_id=2),
    )
    node.write_segment(*frames)
    node.drain()
    assert node.store.begin(APPS, old + 1) == {TODAY: 1}
    assert node.store.begin((2,), old) == {}
    assert node.store.begin(APPS, old) == {TODAY: 0}
    assert node.store.begin(APPS, 0) == {TODAY: 0}
    assert node.store.begin(APPS, NOW + DAY) == {}


# How far the store is.


def test_who_begins_is_at_the_end_and_then_hears_of_all_that_is_new(node: Node) -> None:
    here = Ends(node.store)
    assert here.look(anew=True) == {}
    store(node, "a", "b")
    assert here.look() == {TODAY: 2}
    store(node, "late", at=NOW - DAY)
    assert here.look() == {TODAY: 2, YESTERDAY: 1}
    store(node, "c")
    newest = node.store.newest_id(TODAY)  # 3, or more on MariaDB, which gives ids in advance
    assert newest >= 3
    assert here.look() == Ends(node.store).look(anew=True) == {TODAY: newest, YESTERDAY: 1}
    assert not here.is_settling


def test_of_old_days_the_catalogue_tells(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    days = [NOW - n * DAY for n in range(4)]
    for at in days:
        store(node, "m", at=at)
    here = Ends(node.store)
    here.look(anew=True)
    monkeypatch.setattr(ends, "ALWAYS", 0)
    store(node, "late", at=days[3])
    assert here.look() == {day_of(at): 1 + (at == days[3]) for at in days}


def test_a_day_that_was_dropped_begins_anew(node: Node) -> None:
    store(node, "a", "b", "c", at=NOW - DAY)
    here = Ends(node.store)
    assert here.look(anew=True) == {YESTERDAY: 3}
    assert node.store.catalogue.request_drop(YESTERDAY)
    node.drain()
    store(node, "new", at=NOW - DAY)
    assert here.look() == {YESTERDAY: 1}
    assert node.store.is_anew(YESTERDAY, 3) and not node.store.is_anew(YESTERDAY, 1)
    store(node, "newer", at=NOW - DAY)
    assert here.look() == {YESTERDAY: node.store.newest_id(YESTERDAY)}


@pytest.mark.mariadb
class TestSeveralNodes:
    """On MariaDB, where ids are given before the rows that have them are stored."""

    @pytest.fixture
    def node(self, mariadb: MariaDB, tmp_path: Path) -> Iterator[Node]:
        made = Node(tmp_path / "data", mariadb.url(mariadb.new_database()))
        yield made
        made.close()

    def insert(self, node: Node, connection: Any, *messages: str) -> None:
        """As another node does, up to its commit."""
        row = {"app_id": 1, "time": NOW, "received_at": NOW, "severity": 9}
        table = table_for(TODAY)
        connection.execute(table.insert(), [row | {"message": message} for message in messages])

    def test_what_another_node_is_storing_is_waited_for(self, node: Node) -> None:
        store(node, "a", "b")
        here = Ends(node.store)
        assert here.look(anew=True) == {TODAY: 2}
        with node.engine.connect() as other:
            self.insert(node, other, "slow 1", "slow 2")
            store(node, "quick")
            assert node.store.newest_id(TODAY) > 4
            before_it = here.look()  # maybe more than 2: ids that nothing will have
            assert followed(node, where(EVERYTHING), after=2, up_to=before_it[TODAY]) == [[]]
            assert here.is_settling
            assert Ends(node.store).look(anew=True) == before_it
            other.commit()
        assert here.look() == {TODAY: node.store.newest_id(TODAY)}
        assert followed(node, where(EVERYTHING), after=2) == [["slow 1", "slow 2", "quick"]]

    def test_what_is_rolled_back_is_waited_for_no_longer(self, node: Node) -> None:
        store(node, "a")
        here = Ends(node.store)
        here.look(anew=True)
        with node.engine.connect() as other:
            self.insert(node, other, "never")
            store(node, "b", "c")
            newest = node.store.newest_id(TODAY)
            with node.engine.begin() as eraser:  # so that the same number of rows is there
                table = table_for(TODAY)
                eraser.execute(delete(table).where(table.c.id == newest - 1))
            assert here.look()[TODAY] < newest - 1
            other.rollback()
        assert here.look() == {TODAY: newest}

    def test_an_id_must_have_been_there_for_a_moment(
        self, node: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(MySQLStore, "settle_seconds", 3600.0)
        store(node, "a")
        here = Ends(node.store)
        assert here.look(anew=True) == {TODAY: 1}
        store(node, "b")
        assert here.look() == {TODAY: 1} and here.is_settling
        monkeypatch.setattr(MySQLStore, "settle_seconds", 0.0)
        assert here.look() == {TODAY: node.store.newest_id(TODAY)} and not here.is_settling

    def test_when_the_newest_are_erased_nothing_begins_anew(self, node: Node) -> None:
        store(node, "a", "b", "c")
        here = Ends(node.store)
        here.look(anew=True)
        table = table_for(TODAY)
        with node.engine.begin() as connection:
            connection.execute(delete(table).where(table.c.id > 1))
        assert here.look() == {TODAY: 3}
        store(node, "d")
        assert here.look() == {TODAY: node.store.newest_id(TODAY)}
        assert followed(node, where(EVERYTHING), after=3) == [["d"]]
