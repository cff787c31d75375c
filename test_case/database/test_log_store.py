"""The store: pages in one order over all partitions, and partitions that come and go."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from node import APPS, MESSAGE, Node, frame, messages_of
from started import wait_until

from database import drainer
from database.day_file import delete_day, path_of
from database.journal import Journal
from database.log_query import LogFilter, Position
from database.log_reader import Page, position_of
from utils.clock import DAY, MINUTE, SECOND, day_of, now_us
from utils.record import Form

NOW = now_us()
MINUTE_AGO = NOW - MINUTE
TODAY = day_of(NOW)


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer keeps house after each chunk."""
    monkeypatch.setattr(drainer, "TIDY_SECONDS", 0.0)
    monkeypatch.setattr(drainer, "RETENTION_SECONDS", 0.0)


def store_on(node: Node, messages: list[str], at: int) -> str:
    """Store records received at `at`; their partition."""
    node.write_segment(frame(messages, at=at), at=at)
    node.drain()
    return day_of(at)


def everything(node: Node) -> Page:
    return node.store.search(LogFilter(APPS), 10_000)


# Pages.


class Known(NamedTuple):
    """A record as the test knows it; its place in the order comes first."""

    time: int
    day: str
    id: int
    app_id: int
    message: str


def fill(node: Node, chance: random.Random, first_day: int = 4) -> list[Known]:
    """Five days with many equal times, late records and several apps."""
    known = []
    moments = [NOW - chance.randrange(6 * DAY) for _ in range(12)]
    for days_ago in range(first_day, -1, -1):
        received = NOW - days_ago * DAY
        frames, number = [], 0
        for _ in range(chance.randint(1, 8)):
            app_id = chance.choice((1, 2, 3))
            times = [
                chance.choice(moments) if chance.random() < 0.7 else received - chance.randrange(99)
                for _ in range(chance.randint(1, 30))
            ]
            times = [min(time, received + DAY // 2) for time in times]
            names = [f"{days_ago}-{number + n}" for n in range(len(times))]
            frames.append(frame(names, at=received, app_id=app_id, times=times))
            for name, time in zip(names, times, strict=True):
                number += 1
                known.append(Known(time, day_of(received), number, app_id, name))
        node.write_segment(*frames, at=received)
        node.drain(batch_bytes=2000)
    return known


def walk(
    node: Node, wanted: LogFilter, limit: int, newest_first: bool
) -> Iterator[tuple[Position, str]]:
    after = None
    while True:
        page = node.store.search(wanted, limit, newest_first, after)
        assert page.unreadable == []
        for row in page.rows:
            yield position_of(row), row[1][MESSAGE]
        if len(page.rows) < limit:
            return
        after = position_of(page.rows[-1])


@pytest.mark.parametrize("seed", range(4))
def test_pages_are_in_order_over_all_partitions(node: Node, seed: int) -> None:
    known = fill(node, random.Random(seed))
    low, high = sorted(random.Random(seed).sample([record.time for record in known], 2))
    for wanted, limit, newest_first in [
        (LogFilter((1, 2, 3)), 7, True),
        (LogFilter((1, 2, 3)), 7, False),
        (LogFilter((1, 2, 3)), 1, True),
        (LogFilter((1, 2, 3)), 1000, False),
        (LogFilter((2,)), 3, True),
        (LogFilter((3, 1)), 5, False),
        (LogFilter((1, 2, 3), start=low, end=high), 4, True),
        (LogFilter((1, 2, 3), start=low, end=high), 4, False),
        (LogFilter((1, 2, 3), start=high), 2, True),
        (LogFilter((1, 2, 3), end=low), 2, False),
    ]:
        expected = sorted(
            (
                (Position(*record[:3]), record.message)
                for record in known
                if record.app_id in wanted.apps
                and (wanted.start is None or record.time >= wanted.start)
                and (wanted.end is None or record.time < wanted.end)
            ),
            reverse=newest_first,
        )
        assert list(walk(node, wanted, limit, newest_first)) == expected, (wanted, limit)


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_walk_visits_each_record_once_while_new_ones_arrive(
    node: Node, newest_first: bool
) -> None:
    chance = random.Random(7)
    known = fill(node, chance)
    seen = []
    for step, (_, message) in enumerate(walk(node, LogFilter((1, 2, 3)), 5, newest_first)):
        seen.append(message)
        if step % 50 == 20:
            times = [chance.choice(known).time for _ in range(5)]
            names = [f"new-{step}-{n}" for n in range(5)]
            node.write_segment(frame(names, times=times))
            node.drain()
    assert max(Counter(seen).values()) == 1
    assert {record.message for record in known} <= set(seen)


def test_counts_are_those_of_the_records(node: Node) -> None:
    known = fill(node, random.Random(11))
    counts, unreadable = node.store.count(LogFilter((1, 3)), 60 * SECOND)
    assert unreadable == []
    expected = Counter(record.time // (60 * SECOND) for record in known if record.app_id in (1, 3))
    assert {bucket: n for (bucket, _), n in counts.items()} == expected


def test_a_record_is_got_by_its_day_and_id_by_those_who_may(node: Node) -> None:
    day = store_on(node, ["a", "b"], NOW - DAY)
    found = node.store.get(day, 2, (1,))
    assert found is not None and found[1][MESSAGE] == "b"
    assert node.store.get(day, 2, (2, 3)) is None
    assert node.store.get(day, 3, (1,)) is None
    assert node.store.get(TODAY, 2, (1,)) is None


# Damage.

DAMAGES = {
    "garbage": lambda content: b"\x5a" * len(content),
    "garbage behind the first page": lambda content: content[:4096] + b"\x5a" * 40_960,
    "half of it": lambda content: content[: len(content) // 2],
    "a few bytes": lambda content: content[:50],
    "nothing": lambda content: b"",
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_day_does_not_harm_queries_of_the_others(node: Node, kind: str) -> None:
    days = [store_on(node, [f"{n}-{m}" for m in range(300)], NOW - n * DAY) for n in range(3)]
    running = node.writer().log_store  # a worker that has read the day before
    assert len(running.search(LogFilter(APPS), 1000).rows) == 900
    path = path_of(node.data / "logs", days[1])
    path.write_bytes(DAMAGES[kind](path.read_bytes()))
    page = everything(node)
    assert page.unreadable == [days[1]]
    assert sorted(messages_of(page)) == sorted(f"{n}-{m}" for n in (0, 2) for m in range(300))
    counts, unreadable = node.store.count(LogFilter(APPS), DAY)
    assert unreadable == [days[1]] and counts.total() == 600
    assert node.store.get(days[1], 1, APPS) is None
    assert node.store.get(days[2], 1, APPS) is not None
    page = running.search(LogFilter(APPS), 1000)  # it may still know the day's pages
    assert page.unreadable == [days[1]] or len(page.rows) == 900
    assert len(page.rows) >= 600


def test_a_directory_in_the_place_of_a_day_is_an_unreadable_day(node: Node) -> None:
    day = store_on(node, ["a"], NOW)
    delete_day(node.data / "logs", day)
    path_of(node.data / "logs", day).mkdir()
    assert everything(node) == Page([], [day])


def test_a_day_whose_file_is_gone_is_an_empty_day(node: Node) -> None:
    day = store_on(node, ["a"], NOW)
    assert messages_of(everything(node)) == ["a"]
    delete_day(node.data / "logs", day)
    assert everything(node) == Page([], [])


# Dropping.


def days_of(node: Node) -> list[str]:
    """The days in the catalogue, which must be those that have files."""
    days = [partition.name for partition in node.store.catalogue.partitions()]
    assert sorted(days) == sorted(path.stem for path in (node.data / "logs").glob("*.db"))
    return days


def test_old_partitions_are_dropped_after_some_days(node: Node) -> None:
    days = [store_on(node, ["m"], NOW - n * DAY) for n in (0, 1, 2, 3, 9)]
    assert days_of(node) == days
    node.drain(days=2)
    assert days_of(node) == days[:3]
    assert len(everything(node).rows) == 3


def test_for_ever_is_for_ever(node: Node) -> None:
    days = [store_on(node, ["m"], NOW - n * DAY) for n in (0, 4000)]
    node.drain(days=0)
    assert days_of(node) == days


def test_the_oldest_partitions_are_dropped_above_a_size(node: Node) -> None:
    days = [store_on(node, ["." * 50_000] * 10, NOW - n * DAY) for n in (3, 2, 1, 0)][::-1]
    others = sum(p.bytes for p in node.store.catalogue.partitions()[1:])
    assert others > 1_500_000
    node.drain(max_bytes=others + path_of(node.data / "logs", TODAY).stat().st_size - 1)
    assert days_of(node) == days[:3]
    node.drain(max_bytes=1)
    assert days_of(node) == days[:1]  # the newest is being written


def test_a_drop_gives_the_disk_back(node: Node) -> None:
    day = store_on(node, ["m"], NOW - DAY)
    store_on(node, ["n"], NOW)
    assert len(everything(node).rows) == 2
    assert node.store.catalogue.request_drop(day)
    node.drain()
    assert [path.name for path in (node.data / "logs").glob(f"{day}*")] == []
    assert open_files(day) != []  # a reader of this process that waits for the next query
    node.store.release_dropped()
    assert open_files(day) == []
    assert messages_of(everything(node)) == ["n"]


def open_files(day: str) -> list[str]:
    """What this process holds open of a day."""
    links = [path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return [str(link) for link in links if f"{day}.db" in link.name]


def test_every_process_lets_go_of_dropped_partitions(node: Node) -> None:
    """Also the one whose writer is not elected."""
    day = store_on(node, ["m"], NOW - DAY)
    elected, other = node.writer(), node.writer()
    assert elected.elected()
    assert other.log_store.search(LogFilter(APPS), 10).rows
    other.start()
    assert open_files(day)
    node.store.catalogue.request_drop(day)
    elected.drain()
    wait_until(lambda: not open_files(day), "the file to be let go", 5)


def test_a_day_that_comes_back_after_its_drop_is_read_anew(node: Node) -> None:
    yesterday = NOW - DAY
    day = store_on(node, ["old"], yesterday)
    reader = node.writer().log_store  # another worker's
    assert messages_of(reader.search(LogFilter(APPS), 10)) == ["old"]
    node.store.catalogue.request_drop(day)
    node.drain()
    store_on(node, ["new"], yesterday)
    assert messages_of(reader.search(LogFilter(APPS), 10)) == ["new"]


def report(journal: Journal, *messages: str) -> None:
    for message in messages:
        payload = b'[{"message": "%s"}]' % message.encode()
        journal.append(1, 1, Form.ARRAY, f"key of {message[:9]}", payload)


def test_dropping_today_does_not_forget_what_the_journal_has_stored(node: Node) -> None:
    """The segment is still written to: its frames must not come back, nor its batches twice."""
    journal = node.journal()
    writer = node.writer()
    assert writer.elected()
    report(journal, "a", "b")
    writer.drain()
    before = path_of(node.data / "logs", TODAY).stat().st_ino
    assert node.store.catalogue.request_drop(TODAY)
    writer.drain()
    assert everything(node).rows == []
    report(journal, "c", "a")
    writer.drain()
    assert messages_of(everything(node)) == ["c"]
    writer.resign()
    assert path_of(node.data / "logs", TODAY).stat().st_ino == before
    assert not any(p.drop_requested for p in node.store.catalogue.partitions())

    journal.stop()
    node.drain()
    assert messages_of(everything(node)) == ["c"]
    assert node.counters() == {"received": 4, "stored": 3, "duplicate": 1}


def test_emptying_today_gives_its_disk_back(node: Node) -> None:
    journal = node.journal()
    report(journal, *(f"{n:09}" + "." * 20_000 for n in range(200)))
    node.drain()
    path = path_of(node.data / "logs", TODAY)
    assert path.stat().st_size > 4_000_000
    node.store.catalogue.request_drop(TODAY)
    node.drain()
    assert path.stat().st_size < 100_000
    assert node.store.catalogue.partitions()[0].bytes < 100_000
