"""What is asked of levels is looked for only in the minutes of which the roll-up tells: the same is
found, on SQLite and on a real MariaDB.
"""

import random
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from node import APPS, Node, raw_frame

from database import drainer, minutes, scan
from database.expression import All, Compares, Contains, Either, IsSet, Not
from database.expression import Node as Condition
from database.log_query import LogFilter
from database.log_reader import position_of
from utils.clock import DAY, MINUTE, now_us

NOW = now_us()
FATAL = Compares("severity", ">=", 21)
CONDITIONS: list[Condition] = [
    FATAL,
    Not(Compares("severity", "<", 17)),
    All((FATAL, Contains("3"))),
    All((Contains("3"), All((FATAL, Compares("severity", "<=", 22))))),
    All((FATAL, Compares("user_id", "=", "eve"))),
    Either((FATAL, IsSet("untrusted"))),
    Either((FATAL, Contains("33"))),
    IsSet("untrusted"),
    Compares("severity", "=", 24),
    Contains("33"),
]


@pytest.fixture
def node(any_node: Node, monkeypatch: pytest.MonkeyPatch) -> Node:
    """A fresh node on each kind of store; a query looks through a day in a few slices."""
    monkeypatch.setattr(scan, "FIRST_WIDTH", 300 * MINUTE)
    monkeypatch.setattr(minutes, "MAX_SPANS", 5)
    monkeypatch.setattr(drainer, "TIDY_SECONDS", 0.0)
    return any_node


def store_some(node: Node, chance: random.Random, days: int = 2) -> None:
    """Records of some days, few of them fatal, and of two apps."""
    for days_ago in range(days, -1, -1):
        received, frames = NOW - days_ago * DAY, []
        for _ in range(8):
            records = [
                {
                    "message": str(chance.randrange(100)),
                    "time": received - chance.randrange(chance.choice((MINUTE, DAY))),
                    "level": chance.choice((*[9] * 30, 17, 21, 24)),
                    "user_id": chance.choice(("eve", "bob")),
                }
                for _ in range(chance.randint(1, 40))
            ]
            payload, app_id = msgspec.json.encode(records), chance.choice((1, 1, 2))
            flags = chance.choice((0, 0, 0, 1))
            frames.append(raw_frame(payload, len(records), at=received, app_id=app_id, flags=flags))
        node.write_segment(*frames, at=received)
        node.drain()


def answers(node: Node, wanted: LogFilter, limit: int, newest_first: bool) -> Any:
    """All records that are found, page by page, and how many there are of each kind."""
    rows: list[Any] = []
    while True:
        after = position_of(rows[-1]) if rows else None
        page = node.store.search(wanted, limit, newest_first, after)
        assert (page.unreadable, page.reached) == ([], None)
        assert len(page.rows) <= limit
        rows += page.rows
        if len(page.rows) < limit:
            break
    counts = (
        node.store.count(wanted, 7 * MINUTE).records,
        node.store.count(wanted, MINUTE // 2).records,
        node.store.count_values(wanted, "user_id").records,
    )
    return rows, counts


@pytest.mark.parametrize("seed", range(3))
def test_the_same_is_found_as_by_looking_everywhere(
    node: Node, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    store_some(node, chance)
    split, found_any = [0, 0], 0
    real = node.store.split

    def counting(*asked: Any) -> list[LogFilter]:
        parts = real(*asked)
        split[parts != [asked[1]]] += 1
        return parts

    for condition in CONDITIONS:
        start = NOW - chance.randrange(3 * DAY)
        some = LogFilter((1,), start, start + chance.randrange(2 * DAY), condition)
        for wanted in (LogFilter((1, 2), where=condition), some):
            asked = (wanted, chance.choice((2, 1000)), chance.random() < 0.7)
            with monkeypatch.context() as patch:
                patch.setattr(node.store, "split", counting)
                found = answers(node, *asked)
            with monkeypatch.context() as patch:
                patch.setattr(node.store, "split", lambda _, wanted, __: [wanted])
                assert answers(node, *asked) == found, wanted
            found_any += bool(found[0])
    assert min(split) > 20 and found_any > 10


def test_a_level_that_nobody_has_costs_no_look_at_records(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_some(node, random.Random(1))
    asked = node.statements(monkeypatch)
    none = Compares("severity", "=", 1)
    for nobody in (none, All((none, Contains("3")))):
        asked.clear()
        assert node.store.search(LogFilter(APPS, where=nobody), 10).rows == []
        assert not node.store.count_values(LogFilter(APPS, where=nobody), "user_id").records
        assert asked and all("FROM rollup" in sql for sql in asked)


@pytest.mark.parametrize("seed", range(20))
def test_a_few_stretches_hold_all_minutes(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(minutes, "MAX_SPANS", most := chance.randint(1, 5))
    there = sorted(chance.sample(range(200), chance.randint(0, 12)))
    spans = list(minutes._spans(there))
    assert len(spans) <= most
    assert [one for begin, end in spans for one in there if begin <= one <= end] == there
    assert all(begin in there and end in there for begin, end in spans)
    assert all(left[1] + 1 < right[0] for left, right in pairwise(spans))
    left_out = [right[0] - left[1] for left, right in pairwise(spans)]
    within = [b - a for a, b in pairwise(there) if b - a not in left_out]
    assert max(within, default=0) <= min(left_out, default=999)
