"""The writer: each frame is stored once, whatever happens, and what can't be stored is counted."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest
from node import Node, frame, raw_frame, segment_name
from started import PATIENCE, ROOT, wait_until

from database import day_file, drainer, engine
from database import writer as writer_module
from database.day_file import AWAY
from database.frame import SEGMENT_HEADER, VERSION, Frame, unpack
from database.progress import read_progress
from database.segments import backlog, list_segments
from database.writer import Writer
from utils.clock import DAY, SECOND, day_of, now_us, start_of
from utils.record import Form

NOW = now_us()
MIDNIGHT = start_of(day_of(NOW))
TODAY, YESTERDAY = day_of(NOW), day_of(NOW - DAY)


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{n}" for n in range(count)]


def day_path(node: Node, day: str = TODAY) -> Path:
    return node.data / "logs" / f"{day}.db"


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer keeps house after each chunk."""
    monkeypatch.setattr(drainer, "TIDY_SECONDS", 0.0)
    monkeypatch.setattr(drainer, "RETENTION_SECONDS", 0.0)


# The way of a frame.


def test_what_the_journal_holds_is_stored_and_then_removed(node: Node) -> None:
    node.write_segment(frame(["a", "b"]), frame(["c"], app_id=2))
    node.write_segment(frame(["d"]))
    assert node.drain() == 3
    assert sorted(node.stored()) == ["a", "b", "c", "d"]
    assert list_segments(node.folder) == []
    assert node.counters() == {"received": 4, "stored": 4}


def test_a_segment_that_is_still_written_is_drained_but_stays(node: Node) -> None:
    journal = node.journal()
    journal.append(1, 1, Form.ARRAY, "", b'[{"message": "a"}]')
    assert node.drain() == 1
    journal.append(1, 1, Form.ARRAY, "", b'[{"message": "b"}]')
    assert node.drain() == 1
    assert len(list_segments(node.folder)) == 1 and backlog(node.folder) == 0
    journal.stop()
    assert node.drain() == 0
    assert sorted(node.stored()) == ["a", "b"]
    assert list_segments(node.folder) == []


def test_many_chunks_and_many_segments(node: Node) -> None:
    sent = [names(f"{segment}-{n}-", 5) for segment in range(5) for n in range(20)]
    for at in range(0, 100, 20):
        node.write_segment(*(frame(messages) for messages in sent[at : at + 20]))
    assert node.drain(batch_bytes=300) == 100
    assert sorted(node.stored()) == sorted(message for messages in sent for message in messages)


def test_a_frame_longer_than_a_chunk_is_stored(node: Node) -> None:
    node.write_segment(frame(["a"]), frame(["." * 50_000]), frame(["b"]))
    assert node.drain(batch_bytes=100) == 3


def test_a_segment_that_crosses_midnight_goes_to_two_partitions(node: Node) -> None:
    before, after = MIDNIGHT - SECOND, MIDNIGHT + SECOND
    node.write_segment(
        frame(["late"], at=before), frame(["early", "early too"], at=after), at=before
    )
    node.drain()
    found = {p.name: p.records for p in node.store.catalogue.partitions()}
    assert found == {YESTERDAY: 1, TODAY: 2}
    assert sorted(node.stored()) == ["early", "early too", "late"]


def test_rejected_records_are_counted_with_their_reason(node: Node) -> None:
    payload = b'{"sent_at":null,"logs":[{"message":"good"}],"rejected":{"invalid_level":3}}'
    node.write_segment(raw_frame(payload, 1, form=Form.CLEANED))
    node.drain()
    assert node.counters() == {"received": 4, "stored": 1, "rejected:invalid_level": 3}


# Once, and only once.


@pytest.mark.parametrize("same_transaction", [True, False])
def test_a_batch_sent_again_is_counted_as_duplicate(node: Node, same_transaction: bool) -> None:
    node.write_segment(frame(["a", "b"], "key"), frame(["a", "b"], "key"), frame(["c"]))
    node.drain(batch_bytes=1 << 16 if same_transaction else 1)
    node.write_segment(frame(["a", "b"], "key"))
    node.drain()
    assert sorted(node.stored()) == ["a", "b", "c"]
    assert node.counters() == {"received": 7, "stored": 3, "duplicate": 4}


def test_another_app_may_use_the_same_batch_key(node: Node) -> None:
    node.write_segment(frame(["a"], "key", app_id=1), frame(["b"], "key", app_id=2))
    node.drain()
    assert node.counters() == {"received": 2, "stored": 2}


@pytest.mark.parametrize(("days", "stored"), [(0, 1), (1, 1), (2, 1), (3, 1), (5, 2)])
def test_a_batch_key_is_known_for_three_days(node: Node, days: int, stored: int) -> None:
    earlier = NOW - days * DAY
    node.write_segment(frame(["a"], "key", at=earlier), at=earlier)
    node.drain()
    node.write_segment(frame(["a"], "key", at=NOW), at=NOW)
    node.drain()
    assert len(node.stored()) == stored
    assert node.counters().get("duplicate", 0) == 2 - stored


CRASH = """
import os, signal, sys
from pathlib import Path

import apsw

from database import sqlite_store
from node import Node

data, wanted, call = sys.argv[1:]
calls = []

def reached(point):
    calls.extend([point] * (point == wanted))
    if len(calls) == int(call):
        os.kill(os.getpid(), signal.SIGKILL)
    return 0

def watch(connection):
    connection.set_update_hook(lambda *row: reached("in the transaction"))
    connection.set_commit_hook(lambda: reached("before the commit"))

def watched(owner, name):
    real = getattr(owner, name)
    def call(*arguments):
        reached("before " + name)
        done = real(*arguments)
        reached("after " + name)
        return done
    setattr(owner, name, call)

apsw.connection_hooks.append(watch)
watched(sqlite_store, "append")
for name in ("positions", "publish", "_checkpoint", "forget_segment"):
    watched(sqlite_store.SQLiteStore, name)
Node(Path(data)).drain(batch_bytes=200)
"""

POINTS = [
    ("after positions", 1),
    ("in the transaction", 1),
    ("in the transaction", 8),
    ("before the commit", 1),  # of a new day's schema
    *[("before the commit", n) for n in (3, 4, 7)],
    *[("after append", n) for n in (1, 4, 7)],
    ("before publish", 1),
    ("after publish", 2),
    ("before _checkpoint", 2),
    ("after _checkpoint", 3),
    ("before forget_segment", 1),  # after its file was removed
    ("after forget_segment", 2),
]


@pytest.mark.fault
@pytest.mark.parametrize(("point", "call"), POINTS)
def test_kill_9_at_any_point_stores_each_frame_once(node: Node, point: str, call: int) -> None:
    """The first process dies at the point; a second one takes over."""
    yesterday, sent = MIDNIGHT - SECOND, []
    for segment in ("a", "b"):
        messages = names(segment, 12)
        ats = [yesterday] * 6 + [NOW] * 6
        frames = [frame([m], f"key-{m}", at) for m, at in zip(messages, ats, strict=True)]
        node.write_segment(*frames, frames[3], raw_frame(b"poison", 2, at=NOW), at=yesterday)
        sent += messages
    died = subprocess.run(
        [sys.executable, "-c", CRASH, str(node.data), point, str(call)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "test_case")))},
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    node.drain()
    assert sorted(node.stored()) == sorted(sent)
    assert node.counters() == {
        "received": 30,
        "stored": 24,
        "duplicate": 2,
        "rejected:quarantined": 4,
    }
    assert list_segments(node.folder) == []
    assert node.quarantined() == ["frame", "frame"]


def test_segments_go_only_after_a_checkpoint(node: Node, eager: None) -> None:
    """A reader that began before the rows holds the checkpoint back, and so the segment."""
    node.write_segment(frame(["a"]))
    node.drain()
    reader = apsw.Connection(str(day_path(node)))
    reader.execute("BEGIN; SELECT count(*) FROM log")
    segment = node.write_segment(frame(["b"]))
    writer = node.writer()
    assert writer.elected() and writer.drain() == 1
    assert writer.drain() == 0
    assert segment.exists() and backlog(node.folder) == 0
    reader.close()
    writer.drain()
    assert not segment.exists()
    assert sorted(node.stored()) == ["a", "b"]


# The election.


def test_one_drains_and_another_takes_over_when_it_resigns(node: Node) -> None:
    journal = node.journal()
    first, second = node.writer(), node.writer()
    for n, (writer, other) in enumerate([(first, second), (second, first), (first, second)]):
        assert writer.elected() and not other.elected()
        journal.append(1, 1, Form.ARRAY, "", b'[{"message": "m%d"}]' % n)
        assert writer.drain() == 1
        writer.resign()
    assert sorted(node.stored()) == ["m0", "m1", "m2"]
    assert node.counters() == {"received": 3, "stored": 3}


def test_threads_of_many_writers_store_each_frame_once(node: Node) -> None:
    journal = node.journal(segment_bytes=4096)
    writers = [node.writer() for _ in range(3)]
    for writer in writers:
        writer.start()
    sent = names("m", 300)
    for n, message in enumerate(sent):
        journal.append(1, 1, Form.ARRAY, "", b'[{"message": "%s"}]' % message.encode())
        if n % 120 == 60:
            writers[n // 120].stop(0)
    wait_until(lambda: backlog(node.folder) == 0, "the drain")
    for writer in writers:
        writer.stop(0)
    assert sorted(node.stored()) == sorted(sent)
    assert node.counters() == {"received": 300, "stored": 300}


def test_stopping_drains_first(node: Node) -> None:
    writer = node.writer(poll_ms=60_000)
    writer.start()
    own = node.write_segment(*(frame([name]) for name in names("m", 50)))
    writer.stop(30, [own.stem])
    assert len(node.stored()) == 50
    assert list_segments(node.folder) == []


def ends_soon(writer: Writer, own: Collection[str]) -> bool:
    """Whether it stops though it might go on for an hour."""
    stopping = threading.Thread(target=writer.stop, args=(3600, own), daemon=True)
    stopping.start()
    stopping.join(PATIENCE)
    return not stopping.is_alive()


def test_stopping_waits_for_no_more_than_its_own(node: Node) -> None:
    """Each record that it stores brings another one: others go on to report without a pause."""
    journal, other = node.journal(), node.journal(segment_bytes=4096)
    stored: list[int] = []

    def report(_: object) -> None:
        stored.append(1)
        other.append(1, 1, Form.ARRAY, "", b'[{"message": "theirs"}]')

    writer = node.writer()
    writer._drainer.on_stored = report
    journal.append(1, 1, Form.ARRAY, "", b'[{"message": "own"}]')
    journal.stop()
    writer.start()
    wait_until(lambda: len(stored) > 3, "its work")
    assert ends_soon(writer, journal.segments)
    assert "own" in node.stored()


def test_stopping_does_not_wait_for_what_another_is_to_drain(node: Node) -> None:
    elected, second = node.writer(), node.writer()
    assert elected.elected()
    node.write_segment(frame(["theirs"]))
    second.start()
    assert ends_soon(second, [])
    assert elected.drain() == 1


def test_stopping_at_once_leaves_the_rest_in_the_journal(node: Node) -> None:
    writer = node.writer(poll_ms=60_000)
    writer.start()
    node.write_segment(frame(["a"]))
    writer.stop(0)
    assert len(node.waiting()) == 1
    node.drain()
    assert node.stored() == ["a"]


def test_stop_is_harmless_when_never_started(node: Node) -> None:
    node.writer().stop(5)


def test_an_election_that_fails_half_way_forgets_no_position(node: Node) -> None:
    """Draining without the positions would store the frames again."""
    journal = node.journal()
    journal.append(1, 1, Form.ARRAY, "", b'[{"message": "a"}]')
    node.drain()
    path, aside = day_path(node), node.data / "aside"
    path.rename(aside)
    path.mkdir()
    writer = node.writer()
    for _ in range(2):
        with pytest.raises(AWAY):
            writer.elected()
    path.rmdir()
    aside.rename(path)
    assert writer.elected()
    assert writer.drain() == 0
    assert node.stored() == ["a"]


# What can't be stored.


def refuse_in_store(node: Node) -> bytes:
    """A frame that decodes, and whose row the store refuses."""
    node.write_segment(frame(["first"]))
    node.drain()
    connection = apsw.Connection(str(day_path(node)))
    connection.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON log WHEN NEW.message = 'poison' "
        "BEGIN SELECT RAISE(ABORT, 'never'); END"
    )
    connection.close()
    return frame(["poison", "fellow"], "its key")


POISONS: dict[str, Callable[[Node], bytes]] = {
    "no JSON": lambda node: raw_frame(b"[{", 2),
    "JSON of another kind": lambda node: raw_frame(b'{"a": [1]}', 2),
    "no UTF-8": lambda node: raw_frame(b'[{"message": "\xff\xfe"}]', 2),
    "an unknown form": lambda node: raw_frame(b'[{"message": "a"}]', 2, form=99),
    "a time that no calendar has": lambda node: raw_frame(b'[{"message": "a"}]', 2, at=2**62),
    "refused by the store": refuse_in_store,
}


@pytest.mark.parametrize("kind", POISONS)
def test_a_poison_frame_never_blocks_the_line(node: Node, kind: str) -> None:
    poison = POISONS[kind](node)
    before = node.counters()
    node.write_segment(frame(["a"]), poison, frame(["b"]))
    node.drain()
    assert sorted(set(node.stored()) - {"first"}) == ["a", "b"]
    after = node.counters()
    assert after["rejected:quarantined"] == 2
    assert after["received"] - before.get("received", 0) == 4
    assert list_segments(node.folder) == []
    assert node.quarantined() == ["frame"]
    (kept,) = node.data.glob("quarantine/*.frame")
    assert isinstance(unpack(kept.read_bytes(), 0), Frame)
    assert kept.read_bytes() == poison
    assert len(Path(f"{kept}.txt").read_text()) > 5
    assert read_progress(node.folder).quarantined == 1


def test_a_poison_frame_behind_midnight_does_not_double_the_day_before(node: Node) -> None:
    poison = refuse_in_store(node)
    before = MIDNIGHT - SECOND
    node.write_segment(frame(["a"], at=before), poison, frame(["b"]), at=before)
    node.drain()
    assert sorted(node.stored()) == ["a", "b", "first"]


# The store away.


@contextmanager
def directory_in_place(node: Node) -> Iterator[None]:
    path = day_path(node)
    path.mkdir(parents=True)
    yield
    path.rmdir()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    connection = apsw.Connection(str(path))
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.close()


@contextmanager
def day_locked(node: Node) -> Iterator[None]:
    day_file.open_for_writing(day_path(node)).close()
    with locked(day_path(node)):
        yield


LOCK_REDLOG_DB = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
input()
"""


@contextmanager
def catalogue_locked(node: Node) -> Iterator[None]:
    """Another process, because a file is opened through one SQLite library in each."""
    command = [sys.executable, "-c", LOCK_REDLOG_DB, str(node.data / "redlog.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"locked\n"
        yield
        process.kill()


AWAYS = {
    "a directory in its place": directory_in_place,
    "its file locked": day_locked,
    "the catalogue locked": catalogue_locked,
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a lock."""
    monkeypatch.setattr(day_file, "BUSY_MS", 20)
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.02)


@pytest.mark.parametrize("kind", AWAYS)
def test_what_comes_while_the_store_is_away_is_stored_later(
    impatient: None, node: Node, kind: str
) -> None:
    writer = node.writer()
    assert writer.elected()
    with AWAYS[kind](node):
        node.write_segment(frame(["a"], "key"), frame(["b"]))
        for _ in range(4):
            with pytest.raises(AWAY):
                writer.drain()
    assert node.quarantined() == [] and len(node.waiting()) == 2
    assert writer.drain() == 2
    writer.resign()
    assert sorted(node.stored()) == ["a", "b"]
    assert node.counters() == {"received": 2, "stored": 2}


@pytest.mark.parametrize("kind", AWAYS)
def test_the_thread_says_so_and_goes_on_when_the_store_is_back(
    impatient: None, node: Node, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MAX_BACKOFF_SECONDS", 0.1)
    writer = node.writer()
    with AWAYS[kind](node):
        writer.start()
        node.write_segment(frame(["a"]))
        wait_until(lambda: read_progress(node.folder).error, "the error to be told")
    wait_until(lambda: node.stored() == ["a"], "the record")
    wait_until(lambda: read_progress(node.folder).error is None, "the good news")


def test_a_day_that_is_away_behind_midnight_does_not_double_the_day_before(
    impatient: None, node: Node
) -> None:
    before = MIDNIGHT - SECOND
    writer = node.writer()
    assert writer.elected()
    with day_locked(node):
        node.write_segment(frame(["a"], at=before), frame(["b"]), at=before)
        for _ in range(3):
            with pytest.raises(AWAY):
                writer.drain()
    assert writer.drain() == 1
    writer.resign()
    assert sorted(node.stored()) == ["a", "b"]
    assert node.counters() == {"received": 2, "stored": 2}


def test_the_thread_survives_when_it_cannot_even_tell(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk its note for the other processes can't be written either."""
    monkeypatch.setattr(writer_module, "MAX_BACKOFF_SECONDS", 0.1)
    failed: list[str] = []
    real = Writer._failed
    monkeypatch.setattr(
        Writer, "_failed", lambda self, what: (failed.append(what), real(self, what))[1]
    )
    note = node.folder / "progress.json"
    note.mkdir()
    with directory_in_place(node):
        node.write_segment(frame(["a"]))
        node.writer().start()
        wait_until(lambda: len(failed) > 2, "it to try again and again")
    note.rmdir()
    wait_until(lambda: node.stored() == ["a"], "the record")


# Damage.


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


A, B, C = frame(["a"], at=NOW), frame(["b"], at=NOW), frame(["c"], at=NOW)
HEADER = len(SEGMENT_HEADER)
DAMAGED: dict[str, tuple[bytes, list[str], list[str]]] = {
    "torn last frame": (A + B + C[:-1], ["a", "b"], []),
    "torn in its header": (A + C[:9], ["a"], []),
    "torn after a byte": (A + C[:1], ["a"], []),
    "zeros at the end": (A + bytes(4096), ["a"], []),
    "flipped payload byte": (A + flipped(B, len(B) - 3) + C, ["a", "c"], ["piece"]),
    "flipped magic": (A + flipped(B, 0) + C, ["a", "c"], ["piece"]),
    "flipped length": (A + flipped(B, 11) + C, ["a", "c"], ["piece"]),
    "flipped byte in the first frame": (flipped(A, 20) + B, ["b"], ["piece"]),
    "flipped byte in the last frame": (A + flipped(B, len(B) - 3), ["a"], ["piece"]),
    "two damaged in a row": (A + flipped(B, 5) + flipped(B, 6) + C, ["a", "c"], ["piece"]),
    "damage in two places": (
        flipped(A, 5) + B + flipped(B, 5) + C,
        ["b", "c"],
        ["piece", "piece"],
    ),
    "zeros in the middle": (A + bytes(500) + C, ["a", "c"], ["piece"]),
    "nothing but the header": (b"", [], []),
}


@pytest.mark.parametrize("chunk", [1, 1 << 16], ids=["small chunks", "one chunk"])
@pytest.mark.parametrize("kind", DAMAGED)
def test_what_is_readable_of_a_damaged_segment_is_stored(node: Node, kind: str, chunk: int) -> None:
    data, stored, quarantined = DAMAGED[kind]
    node.write_segment(data)
    node.drain(batch_bytes=chunk)
    assert sorted(node.stored()) == stored
    assert node.quarantined() == quarantined
    assert read_progress(node.folder).quarantined == len(quarantined)
    assert list_segments(node.folder) == []
    assert backlog(node.folder) == 0


NEWER = SEGMENT_HEADER[:6] + (VERSION + 1).to_bytes(2, "little")
FOREIGN: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", []),
    "torn header": (SEGMENT_HEADER[:5], []),
    "a newer format": (NEWER + A, ["seg"]),
    "no segment": (b"what is this\n", ["seg"]),
}


@pytest.mark.parametrize("name", [None, "notes", "zz"], ids=["our name", "notes", "zz"])
@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_that_is_no_segment_of_ours_is_put_aside(
    node: Node, kind: str, name: str | None
) -> None:
    content, quarantined = FOREIGN[kind]
    path = node.folder / f"{name or segment_name(NOW)}.seg"
    path.write_bytes(content)
    node.write_segment(A)
    node.drain()
    assert node.stored() == ["a"]
    assert node.quarantined() == quarantined
    assert list_segments(node.folder) == []
    if quarantined:
        assert (node.data / "quarantine" / path.name).read_bytes() == content


def test_damage_in_a_segment_that_is_still_written_waits_for_its_neighbour(node: Node) -> None:
    """What looks damaged at the end may be a frame that is being written at this moment."""
    journal = node.journal()
    journal.append(1, 1, Form.ARRAY, "", b'[{"message": "a"}]')
    (segment,) = list_segments(node.folder)
    with segment.open("ab") as file:
        file.write(B[: len(B) // 2])
    writer = node.writer()
    assert writer.elected() and writer.drain() == 1
    assert node.quarantined() == []
    with segment.open("ab") as file:
        file.write(B[len(B) // 2 :])
    assert writer.drain() == 1
    assert sorted(node.stored()) == ["a", "b"]


@pytest.mark.parametrize("sound_bytes", [0, 4096], ids=["whole file", "all but the first page"])
def test_a_damaged_earlier_day_does_not_keep_today_from_being_stored(
    node: Node, sound_bytes: int
) -> None:
    yesterday = NOW - DAY
    node.write_segment(frame(["old"], "key", at=yesterday), at=yesterday)
    node.drain()
    path = day_path(node, YESTERDAY)
    content = path.read_bytes()
    path.write_bytes(content[:sound_bytes] + b"\x5a" * (len(content) - sound_bytes))
    node.write_segment(frame(["new"], "another key"), at=yesterday)
    node.drain()
    assert node.stored() == ["new"]


def test_a_damaged_today_waits_until_it_is_dropped(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MAX_BACKOFF_SECONDS", 0.1)
    monkeypatch.setattr(drainer, "RETENTION_SECONDS", 0.0)
    node.write_segment(frame(["lost"]))
    node.drain()
    day_path(node).write_bytes(b"this is no database" * 1000)
    node.write_segment(frame(["new"]))
    node.writer().start()
    wait_until(lambda: read_progress(node.folder).error, "the damage to be told")
    assert node.store.catalogue.request_drop(TODAY)
    wait_until(lambda: node.stored() == ["new"], "the record")
