"""The store: pages in one order over all partitions, and partitions that come and go."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from node import APPS, Node, frame, messages_of
from started import wait_until

from database import day_file, drainer
from database.day_file import delete_day, path_of
from database.journal import Journal
from database.log_query import LogFilter
from database.log_reader import Page
from utils.clock import DAY, MINUTE, day_of, now_us
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
    counts = node.store.count(LogFilter(APPS), DAY)
    assert counts.unreadable == [days[1]] and counts.records.total() == 600
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
    assert open_files(node, day) != []  # a reader of this process that waits for the next query
    node.store.release_dropped()
    wait_until(lambda: open_files(node, day) == [], "the disk to come back", 5)
    assert messages_of(everything(node)) == ["n"]


def test_who_drops_a_day_is_the_last_to_let_go_of_it(node: Node) -> None:
    """It takes long for a large file, and the others have requests to answer."""
    day = store_on(node, ["m"], NOW - DAY)
    path = path_of(node.data / "logs", day)
    code = (
        f"import apsw; c = apsw.Connection({str(path)!r});"
        "print(c.execute('SELECT count(*) FROM log').fetchall(), flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "[(1,)]\n"
        node.store.drop(day, ())
        time.sleep(3 * day_file.FREE_POLL_SECONDS)
        assert open_files(node, day) == [f"{path} (deleted)"]
        other.communicate("\n")
    wait_until(lambda: open_files(node, day) == [], "the disk to come back", 5)


def open_files(node: Node, day: str) -> list[str]:
    """What this process holds open of a day of this node."""
    links = [path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    begin = str(path_of(node.data / "logs", day))
    return [str(link) for link in links if str(link).startswith(begin)]


def test_every_process_lets_go_of_dropped_partitions(node: Node) -> None:
    """Also the one whose writer is not elected."""
    day = store_on(node, ["m"], NOW - DAY)
    elected, other = node.writer(), node.writer()
    assert elected.elected()
    assert other.log_store.search(LogFilter(APPS), 10).rows
    other.start()
    assert open_files(node, day)
    node.store.catalogue.request_drop(day)
    elected.drain()
    wait_until(lambda: not open_files(node, day), "the file to be let go", 5)


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
    assert path.stat().st_size < 150_000
    assert node.store.catalogue.partitions()[0].bytes < 150_000
