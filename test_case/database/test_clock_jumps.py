"""The server's clock may be wrong: whatever it says, each frame is stored once and none is lost."""

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest
from node import Node, frame

from database.mysql_append import WHOLE
from database.segments import backlog, list_segments
from database.snapshot import snapshot
from utils.clock import DAY, SECOND, day_of, now_us, start_of

NOW = now_us()
MIDNIGHT = start_of(day_of(NOW))


@pytest.fixture
def node(any_node: Node) -> Node:
    """A fresh node on each kind of store."""
    return any_node


@contextmanager
def in_use(path: Path) -> Iterator[None]:
    """A segment while its worker lives: it is drained, and stays."""
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.mark.parametrize("jump", [-400 * DAY, -DAY, DAY, 400 * DAY])
def test_after_a_jump_in_a_segment_a_restart_stores_nothing_again(node: Node, jump: int) -> None:
    """The position behind the jump lies in a day long before the segment, or long after it."""
    path = node.write_segment(frame(["a"], at=NOW), frame(["b"], at=NOW + jump), at=NOW)
    with in_use(path):
        assert node.drain() == 2
        assert node.drain() == 0
    assert node.drain() == 0
    assert sorted(node.stored()) == ["a", "b"]
    assert node.counters() == {"received": 2, "stored": 2}
    assert list_segments(node.folder) == []
    left = node.store.positions({path.stem})  # MySQL remembers that all of it is stored
    assert left == ({} if node.engine.dialect.name == "sqlite" else {path.stem: WHOLE})


def test_counters_that_a_killed_writer_did_not_publish_are_found_in_any_day(node: Node) -> None:
    path = node.write_segment(frame(["a"], at=NOW - 9 * DAY), at=NOW)
    with in_use(path):
        killed = node.writer()
        assert killed.elected()
        killed.log_store.publish = lambda: None  # type: ignore[method-assign]
        assert killed.drain() == 1
        killed.resign()
        node.drain()
        assert node.counters() == {"received": 1, "stored": 1}


@pytest.mark.parametrize("jump", [-2 * DAY, -DAY, DAY, 2 * DAY])
def test_a_batch_sent_again_after_a_jump_is_a_duplicate(node: Node, jump: int) -> None:
    for at in (NOW, NOW + jump):
        node.write_segment(frame(["a"], "key", at=at), at=at)
        node.drain()
    assert node.stored() == ["a"]
    assert node.counters() == {"received": 2, "stored": 1, "duplicate": 1}


def test_a_clock_that_was_years_ahead_is_set_back(node: Node) -> None:
    for days in range(800, 810):
        node.write_segment(frame(["a"], f"key {days}", at=NOW + days * DAY))
    node.drain()
    node.write_segment(frame(["a"], "key 809"), frame(["a"], "key 808"))
    node.drain()
    assert node.counters() == {"received": 12, "stored": 10, "duplicate": 2}


def test_a_batch_sent_again_at_midnight_may_be_stored_before_the_first(node: Node) -> None:
    """Each lies in its own worker's segment, and the later worker's is drained first."""
    node.write_segment(frame(["a"], "key", at=MIDNIGHT + SECOND), at=MIDNIGHT - SECOND)
    node.drain()
    node.write_segment(frame(["a"], "key", at=MIDNIGHT - SECOND), at=MIDNIGHT)
    node.drain()
    assert node.stored() == ["a"]


@pytest.mark.parametrize("year", [1970, 1999, 2001, 9999])
def test_a_report_received_in_any_year_is_found(node: Node, year: int) -> None:
    at = (year - 1970) * 31_556_952 * SECOND
    node.write_segment(frame(["a"], at=at), frame(["b"], at=NOW))
    node.drain()
    assert sorted(node.stored()) == ["a", "b"]
    assert node.counters() == {"received": 2, "stored": 2}


def test_the_writer_tells_how_far_it_is_when_the_clock_was_set_back(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else all that is stored would seem to wait, until reports are refused."""
    path = node.write_segment(frame(["a"]))
    with in_use(path):
        writer = node.writer()
        assert writer.elected() and writer.drain() == 1
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() - 86_400)
        with path.open("ab") as file:
            file.write(frame(["b"], at=NOW - DAY))
        time.sleep(0.15)
        assert writer.drain() == 1
        assert backlog(node.folder) == 0
        writer.resign()


def test_a_backup_holds_the_days_that_a_wrong_clock_adds_to(tmp_path: Path) -> None:
    node = Node(tmp_path / "data")
    path = node.write_segment(frame(["a"], at=NOW), frame(["b"], at=NOW - 9 * DAY), at=NOW)
    with in_use(path):
        node.drain()
        with snapshot(node.data, node.data / "redlog.db") as taken:
            with path.open("ab") as file:
                file.write(frame(["c"], at=NOW - 9 * DAY))
            node.drain()
            (tmp_path / "logs").mkdir()
            taken.copy_days(tmp_path / "logs")
        copied = [_records(tmp_path / "logs" / f"{day_of(NOW - n * DAY)}.db") for n in (0, 9)]
    assert copied == [1, 1]  # without what came after its moment
    node.close()


def _records(path: Path) -> int:
    (number,) = apsw.Connection(str(path)).execute("SELECT count(*) FROM log").fetchone() or (0,)
    return int(number)


def test_finding_the_positions_among_a_year_of_days_is_quick(tmp_path: Path) -> None:
    node = Node(tmp_path / "data")
    node.write_segment(frame(["a"]))
    node.drain()
    node.store.close_writer()
    (file,) = (node.data / "logs").glob("*.db")
    for day in range(1, 365):
        shutil.copy(file, file.with_stem(day_of(NOW - day * DAY)))
    node.write_segment(frame(["b"]))
    writer = node.writer()
    begun = time.monotonic()
    assert writer.elected()
    seconds = time.monotonic() - begun
    print(f"{seconds:.3f} s")
    assert seconds < 3.0
    writer.resign()
    node.close()
