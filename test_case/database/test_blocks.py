"""The index of blocks finds what a look at all records finds, on SQLite and on a real MariaDB."""

import random
from typing import Any, NamedTuple

import msgspec
import pytest
from node import APPS, Node, raw_frame
from sqlalchemy import update

from database import block_making, blocks, drainer, erasing, indexing, mysql_index, narrowing
from database.blocks import (
    BY_BLOCK,
    BY_KIND,
    ROWS,
    Block,
    Order,
    ids_of_text,
    ids_of_value,
    is_indexed,
    kind_of,
    part_id,
    text_of,
    value_parts,
)
from database.erasures import Erasures
from database.expression import ANY, All, Compares, Contains, Either, IsSet, Not
from database.expression import Node as Condition
from database.indexing import Indexer
from database.log_query import LogFilter
from database.log_reader import position_of
from database.tables import log_partition
from utils.clock import DAY, MINUTE, day_of, now_us

NOW = now_us()
REAL_TURN = Indexer.turn
SMALL = 16  # records in a block
USERS = ("eve", "bob", "ève", "", None, "a" * 128)
TEXTS = (
    *("支付失败 {}", "Straße {} İ", "STRASSE {}", "plain {} text", "100% sure_{}"),
    *("line\n{}\ttab", ""),
)
CONDITIONS: list[Condition] = [
    Compares("user_id", "=", "eve"),
    Compares("user_id", "=", "nobody"),
    Compares("user_id", "=", ""),
    Compares("session_id", "=", "s-3"),
    Compares("trace_id", "=", "t-7"),
    All((Compares("device_id", "=", "d-1"), Compares("severity", ">=", 13))),
    All((All((Compares("device_id", "=", "d-1"),)), Contains("PLAIN"))),
    Contains("支付"),
    Contains("strasse"),
    Contains("STRASSE"),
    Contains("i̇"),
    Contains("100%"),
    Contains("nowhere"),
    Contains("n 1" + ANY + "TEXT"),
    Contains("7"),
    All((Contains("7"), Contains("plain"))),
    Not(Compares("user_id", "=", "eve")),
    Either((Compares("user_id", "=", "eve"), Contains("支付"))),
    IsSet("user_id"),
]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks are small and are made when a test says so; ids are settled at once."""
    monkeypatch.setattr(Indexer, "turn", lambda self: None)
    for module in (blocks, block_making, narrowing):
        monkeypatch.setattr(module, "ROWS", SMALL, raising=False)
    monkeypatch.setattr(narrowing, "MAX_BEHIND", 10**9)
    monkeypatch.setattr(narrowing, "SPARE", 10**9)
    monkeypatch.setattr(mysql_index, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(indexing, "SLICE_SECONDS", 60.0)
    monkeypatch.setattr(drainer, "TIDY_SECONDS", 0.0)
    for name in ("POLL_SECONDS", "WAIT_SECONDS", "KEYS_KNOWN_SECONDS"):
        monkeypatch.setattr(erasing, name, 0.001)


@pytest.fixture
def node(any_node: Node) -> Node:
    """A fresh node on each kind of store."""
    return any_node


def store_some(node: Node, chance: random.Random, days: int = 2) -> None:
    """Records of some days, out of order, of two apps."""
    for days_ago in range(days, -1, -1):
        received, frames = NOW - days_ago * DAY, []
        for _ in range(chance.randint(1, 9)):
            records = [
                {
                    "message": chance.choice(TEXTS).format(chance.randrange(100)) or "-",
                    "time": received - chance.randrange(chance.choice((MINUTE, 2 * DAY))),
                    "level": chance.choice((5, 9, 13, 17)),
                    "user_id": chance.choice(USERS),
                    "session_id": f"s-{chance.randrange(9)}",
                    "device_id": chance.choice((None, "d-1", "d-2")),
                    "trace_id": f"t-{chance.randrange(30)}",
                }
                for _ in range(chance.randint(1, 20))
            ]
            payload = msgspec.json.encode(records)
            app_id = chance.choice((1, 1, 2))
            frames.append(raw_frame(payload, len(records), at=received, app_id=app_id))
        node.write_segment(*frames, at=received)
        node.drain()


def make_all(node: Node, is_thorough: bool = True) -> int:
    """Make all blocks that there are to make; how many there were."""
    made = 0
    for _ in range(2):  # MariaDB's ids are settled when they are looked at again
        for partition in node.store.catalogue.partitions():
            while node.store.index(partition.name, is_thorough):
                made += 1
    return made


def check(node: Node, chance: random.Random) -> None:
    """With and without the index the same is found and counted."""
    for condition in CONDITIONS:
        start = NOW - chance.randrange(3 * DAY)
        some = LogFilter((1,), start, start + chance.randrange(2 * DAY), condition)
        wanted = chance.choice((LogFilter((1, 2), where=condition), some))
        found = answers(node, wanted, chance.choice((20, 1000)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(node.store), "_among", lambda *_: None)
            assert answers(node, wanted, 1000) == found, wanted


def answers(node: Node, wanted: LogFilter, limit: int) -> Any:
    """All records that are found, page by page, and how many there are by minute and level."""
    rows: list[Any] = []
    while True:
        page = node.store.search(wanted, limit, after=position_of(rows[-1]) if rows else None)
        assert (page.unreadable, page.reached) == ([], None)
        rows += page.rows
        if len(page.rows) < limit:
            return rows, node.store.count(wanted, MINUTE).records


@pytest.mark.parametrize("seed", range(3))
def test_the_same_is_found_with_and_without_it(node: Node, seed: int) -> None:
    chance = random.Random(seed)
    store_some(node, chance)
    check(node, chance)
    assert make_all(node, is_thorough=False) > 0
    check(node, chance)
    store_some(node, chance)  # some of it behind blocks that are made
    check(node, chance)
    assert make_all(node) > 0
    assert make_all(node) == 0
    check(node, chance)
    store_some(node, chance)
    check(node, chance)


def test_it_is_asked_for_fewer_records(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    store_some(node, random.Random(1))
    make_all(node)
    asked = node.statements(monkeypatch)
    for nobody in (Compares("user_id", "=", "nobody"), Contains("nowhere")):
        asked.clear()
        assert node.store.search(LogFilter(APPS, where=nobody), 10).rows == []
        assert asked and not any("message" in sql for sql in asked)  # no record was looked at
    assert node.store.search(LogFilter(APPS, where=Contains("plain")), 10).rows
    assert any(node.store.terms.by_id in sql and "message" in sql for sql in asked)


def test_one_of_an_older_version_is_made_anew(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parts lie in another order."""
    chance = random.Random(4)
    store_some(node, chance)
    is_moved = node.store.terms.parts != BY_BLOCK
    with monkeypatch.context() as patch:
        patch.setattr(type(node.store.terms), "parts", BY_BLOCK)
        made = make_all(node)
    with node.engine.begin() as connection:
        connection.execute(update(log_partition).values(schema_version=3))
    check(node, chance)
    node.store.upgrade()
    check(node, chance)
    assert make_all(node) == made * is_moved and made > 0
    check(node, chance)


def test_what_is_found_too_often_is_looked_for_without_it(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_some(node, random.Random(2))
    make_all(node)
    monkeypatch.setattr(narrowing, "SPARE", 0.0)
    monkeypatch.setattr(narrowing, "MOST", 0.0)
    check(node, random.Random(2))
    monkeypatch.setattr(narrowing, "MAX_BEHIND", 0)
    store_some(node, random.Random(3))
    check(node, random.Random(3))


@pytest.mark.parametrize("seed", range(2))
def test_an_erased_record_is_not_found_and_its_neighbours_are(node: Node, seed: int) -> None:
    chance = random.Random(seed)
    store_some(node, chance)
    make_all(node)
    erasures = Erasures(node.engine)
    asked = erasures.request("user_id", "eve", None, "test").id
    writer = node.writer()
    assert writer.elected()
    while (done := erasures.get(asked)) is None or done.finished_at is None:
        writer.drain()
    writer.resign()
    eve = LogFilter(APPS, where=Compares("user_id", "=", "eve"))
    assert node.store.search(eve, 10).rows == []
    check(node, chance)
    make_all(node)
    assert make_all(node) == 0
    check(node, chance)
    for partition in node.store.catalogue.partitions():
        texts = node.store._rows(partition.name, "SELECT text FROM block", [{}], None)
        assert {text for (text,) in texts} <= {blocks.MADE, blocks.NONE}


def test_the_writer_makes_it_when_nothing_waits(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Indexer, "turn", REAL_TURN)
    store_some(node, random.Random(4))
    node.drain()
    node.drain()
    made = {
        partition.name: node.store._rows(partition.name, "SELECT last FROM block", [{}], None)
        for partition in node.store.catalogue.partitions()
    }
    today = day_of(NOW)
    is_sqlite = node.engine.dialect.name == "sqlite"
    assert all(made[day] for day in made if day != today and is_sqlite)
    check(node, random.Random(4))


def test_texts_that_are_too_long_are_left_out(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_making, "MAX_TEXT_BYTES", 50)
    store_some(node, random.Random(6))
    make_all(node)
    check(node, random.Random(6))


# The parts.


class Many(NamedTuple):
    """A full block and its values."""

    block: Block
    values: list[str]


@pytest.fixture
def many() -> Many:
    chance = random.Random(7)
    values = [chance.choice(("", "eve", f"u-{chance.randrange(5000)}")) for _ in range(ROWS)]
    return Many(Block(3, 100_000, 100_000 + ROWS - 1, 0, 1, blocks.MADE), values)


@pytest.mark.parametrize("order", [BY_BLOCK, BY_KIND])
def test_a_values_records_are_named(many: Many, order: Order) -> None:
    parts = dict(value_parts(order, 3, 1, range(ROWS), many.values))
    for value in ("eve", "u-1", "u-4999", "nobody"):
        data = parts.get(part_id(order, 3, kind_of(1, value)), b"")
        named = ids_of_value(many.block.first, data, value)
        truly = [many.block.first + n for n, each in enumerate(many.values) if each == value]
        assert set(truly) <= set(named)
        assert len(named) <= len(truly) + 20
    assert is_indexed("eve") and not is_indexed("")


def test_a_text_is_found_in_its_records(many: Many) -> None:
    data = text_of(list(range(ROWS)), many.values)
    first = many.block.first
    for needle in ("eve", "u-49", "u-4999", "nobody", "-1"):
        truly = [first + n for n, each in enumerate(many.values) if needle in each]
        assert ids_of_text(first, data, needle.encode(), ROWS) == truly
        assert ids_of_text(first, data, needle.encode(), 10) == truly[:11]
    assert ids_of_text(first, data.ljust(len(data) + 99, b"\0"), b"eve", ROWS)


def test_ids_may_be_missing() -> None:
    data = text_of([2, 5, 9], ["a", "b", "ab"])
    assert ids_of_text(1, data, b"b", 10) == [6, 10]
    assert ids_of_text(1, text_of([], []), b"b", 10) == []
