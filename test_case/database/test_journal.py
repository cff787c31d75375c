"""The journal: what append promises, how segments come and go, and when it refuses."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from node import Node, frame, pieces_of
from started import ROOT, wait_until

from database import journal as journal_module
from database.frame import SEGMENT_HEADER, Frame
from database.journal import Journal
from database.progress import Progress, write_progress
from database.segments import backlog, list_segments
from exceptions import NotAccepting
from utils.clock import now_us
from utils.files import is_locked
from utils.record import Form

PAYLOAD = b'[{"message": "x"}]'


def append(journal: Journal, payload: bytes = PAYLOAD, key: str = "") -> None:
    journal.append(7, 1, Form.ARRAY, key, payload)


def payloads(node: Node) -> list[bytes]:
    """The payloads in the journal; fails when there is anything but sound frames."""
    waiting = node.waiting()
    assert all(isinstance(piece, Frame) for piece in waiting)
    return [piece.payload for piece in waiting if isinstance(piece, Frame)]


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the disk was told to write, as a list that grows."""
    done: list[float] = []
    real = os.fdatasync

    def fdatasync(descriptor: int) -> None:
        done.append(time.monotonic())
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    return done


@pytest.fixture
def running(node: Node) -> Iterator[Any]:
    """Starts journals (`running(sync="always")`), stopped when the test ends."""
    journals: list[Journal] = []

    def start(**changed: Any) -> Journal:
        journals.append(node.journal(**changed))
        journals[-1].start()
        return journals[-1]

    yield start
    for journal in journals:
        journal.stop()


# Appending.


def test_a_frame_is_read_as_it_was_appended(node: Node) -> None:
    before = now_us()
    node.journal().append(7, 2, Form.LINES, "batch-中", b'{"message": "a"}\n{"message": "b"}')
    (found,) = node.waiting()
    assert isinstance(found, Frame)
    assert found[:1] + found[2:6] == (
        7,
        2,
        Form.LINES,
        "batch-中",
        b'{"message": "a"}\n{"message": "b"}',
    )
    assert before <= found.received_at <= now_us()


def test_nothing_is_opened_before_the_first_append(node: Node) -> None:
    journal = node.journal()
    assert list_segments(node.folder) == []
    journal.stop()
    assert list(node.folder.iterdir()) == []


def test_frames_of_many_threads_lie_whole_side_by_side(node: Node) -> None:
    journal = node.journal(segment_bytes=20_000)
    sent = [b"%d-%d-" % (thread, n) + b"." * (n * 37) for thread in range(8) for n in range(40)]

    def send(thread: int) -> None:
        for payload in sent[thread * 40 : thread * 40 + 40]:
            append(journal, payload)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(payloads(node)) == sorted(sent)
    assert len(list_segments(node.folder)) > 10


def test_a_segment_rotates_by_size_and_the_old_one_is_given_up(node: Node) -> None:
    journal = node.journal(segment_bytes=4096)
    sent = [b"%02d" % n + b"." * 1000 for n in range(10)]
    for payload in sent:
        append(journal, payload)
    segments = list_segments(node.folder)
    assert sorted(payloads(node)) == sent
    assert all(path.stat().st_size <= 4096 for path in segments)
    assert len(segments) == 4
    assert sum(is_locked(path) for path in segments) == 1
    journal.stop()
    assert not any(is_locked(path) for path in segments)


def test_a_frame_larger_than_a_segment_gets_one_of_its_own(node: Node) -> None:
    journal = node.journal(segment_bytes=4096)
    sent = [b"small", b"." * 50_000, b"small too"]
    for payload in sent:
        append(journal, payload)
    assert sorted(payloads(node)) == sorted(sent)


def test_a_segment_gets_its_name_only_when_it_is_locked(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[bool, bytes]] = []
    real = os.rename

    def rename(old: str, new: str) -> None:
        assert list_segments(node.folder) == []
        seen.append((is_locked(Path(old)), Path(old).read_bytes()))
        real(old, new)

    monkeypatch.setattr(os, "rename", rename)
    append(node.journal())
    assert seen == [(True, SEGMENT_HEADER)]


def test_after_a_stop_a_late_request_is_kept_in_a_segment_of_its_own(node: Node) -> None:
    journal = node.journal()
    append(journal, b"in time")
    journal.stop()
    append(journal, b"late")
    assert sorted(payloads(node)) == [b"in time", b"late"]
    assert len(list_segments(node.folder)) == 2


def run_worker(node: Node, script: str) -> "subprocess.Popen[str]":
    """A process that has a journal of this node as `journal` and runs a script with it."""
    preamble = (
        "from node import Node\nfrom pathlib import Path\nfrom utils.record import Form\n"
        "from exceptions import NotAccepting\nimport resource\n"
        f"journal = Node(Path({str(node.data)!r})).journal(segment_bytes=1 << 22)\n"
    )
    paths = os.pathsep.join((str(ROOT), str(ROOT / "test_case")))
    return subprocess.Popen(
        [sys.executable, "-c", preamble + script],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_kill_9_gives_the_segment_up_and_loses_nothing(node: Node) -> None:
    script = "for n in range(100): journal.append(1, 1, Form.ARRAY, '', b'%d' % n)\n"
    with run_worker(node, script + "print('done', flush=True); input()") as worker:
        assert worker.stdout is not None and worker.stdout.readline() == "done\n"
        (segment,) = list_segments(node.folder)
        assert is_locked(segment)
        worker.kill()
    assert not is_locked(segment)
    assert payloads(node) == [b"%d" % n for n in range(100)]


# Syncing.


def test_always_syncs_before_it_returns(node: Node, syncs: list[float]) -> None:
    journal = node.journal(sync="always")
    for n in range(1, 4):
        append(journal)
        assert len(syncs) == n


def test_appends_side_by_side_share_one_sync(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = node.journal(sync="always")
    gate, calls = threading.Event(), []
    real = os.fdatasync

    def fdatasync(descriptor: int) -> None:
        calls.append(descriptor)
        gate.wait(30)
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    threads = [threading.Thread(target=append, args=(journal,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(payloads(node)) == 20, "all frames to be written")
    wait_until(lambda: calls, "the first to sync")
    assert len(calls) == 1 and all(thread.is_alive() for thread in threads)
    gate.set()
    for thread in threads:
        thread.join()
    assert len(calls) == 2  # the first one's, and one for the nineteen that came meanwhile


def test_a_sync_that_fails_is_no_receipt_for_anyone_who_waited_for_it(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel tells of lost pages once; a second fdatasync would succeed."""
    journal = node.journal(sync="always")
    gate, calls, outcomes = threading.Event(), [], []

    def fdatasync(descriptor: int) -> None:
        calls.append(descriptor)
        gate.wait(30)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")

    def report() -> None:
        try:
            append(journal)
            outcomes.append("kept")
        except NotAccepting:
            outcomes.append("refused")

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    threads = [threading.Thread(target=report) for _ in range(5)]
    threads[0].start()
    wait_until(lambda: calls, "the sync to begin")
    for thread in threads[1:]:
        thread.start()
    wait_until(lambda: len(payloads(node)) == 5, "all frames to be written")
    gate.set()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["kept"] + ["refused"] * 4
    assert len(calls) == 2
    append(journal)  # what comes later has a sync of its own


def test_interval_syncs_behind_the_appends_and_then_rests(running: Any, syncs: list[float]) -> None:
    journal = running(sync="interval", sync_ms=5)
    assert not syncs
    append(journal)
    wait_until(lambda: syncs, "the sync", 5)
    append(journal)
    wait_until(lambda: len(syncs) == 2, "the next sync", 5)
    time.sleep(0.1)  # twenty intervals in which there is nothing to sync
    assert len(syncs) == 2


def test_off_never_syncs(running: Any, syncs: list[float]) -> None:
    journal = running(sync="off", sync_ms=5, segment_bytes=4096)
    for _ in range(300):
        append(journal)
    journal.stop()
    assert not syncs


# Refusing.


def test_a_frame_written_in_part_is_cut_off_and_refused(node: Node) -> None:
    """The segment may not outgrow 100 kB; when it may again, the next append works."""
    script = """
def fill():
    kept = 0
    try:
        while True:
            journal.append(1, 1, Form.ARRAY, "", b"." * 9_999)
            kept += 1
    except NotAccepting as refused:
        print(kept, refused.headers["Retry-After"])

hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
fill()
journal.refresh()
fill()
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
journal.refresh()
journal.append(1, 1, Form.ARRAY, "", b"again")
"""
    with run_worker(node, script) as worker:
        said, _ = worker.communicate(timeout=30)
    assert worker.returncode == 0
    assert re.fullmatch(r"9 [5-8]\n0 [5-8]\n", said)
    assert payloads(node) == [b"." * 9_999] * 9 + [b"again"]


def test_a_segment_that_cannot_be_begun_leaves_nothing_behind(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(old: str, new: str) -> None:
        raise OSError(28, "No space left on device")

    journal = node.journal()
    with monkeypatch.context() as full:
        full.setattr(os, "rename", rename)
        with pytest.raises(NotAccepting):
            append(journal)
    assert list(node.folder.iterdir()) == []
    with pytest.raises(NotAccepting):  # it does not try with every report
        append(journal)
    journal.refresh()
    append(journal)
    assert payloads(node) == [PAYLOAD]


def test_it_refuses_when_too_much_waits_and_accepts_again_after_the_drain(
    node: Node, running: Any
) -> None:
    journal = running(max_bytes=100_000)
    body = b'[{"message": "' + b"." * 9_000 + b'"}]'
    kept = 0
    with pytest.raises(NotAccepting) as refused:
        for kept in range(1000):  # noqa: B007
            append(journal, body)
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 60
    assert journal.refusal == "the journal is full"
    assert 100_000 < backlog(node.folder) < 100_000 + 2 * len(body)
    with pytest.raises(NotAccepting):  # a refresh does not change it
        journal.refresh()
        append(journal, body)

    assert node.drain() == kept
    wait_until(lambda: journal.refusal is None, "reports to be accepted", 5)
    append(journal, body)
    node.drain()
    assert len(node.stored()) == kept + 1


def test_all_processes_of_a_node_share_the_bound(node: Node) -> None:
    first, second = node.journal(max_bytes=50_000), node.journal(max_bytes=50_000)
    with pytest.raises(NotAccepting):
        while True:
            append(first, b"." * 5_000)
    with pytest.raises(NotAccepting, match="journal is full"):
        append(second)


@pytest.mark.parametrize(
    ("rate", "error", "silent", "least", "most"),
    [
        (0.0, None, 0, 5, 8),
        (100.0, None, 0, 50, 60),
        (500.0, None, 0, 10, 15),
        (500.0, "the store is away", 0, 5, 8),
        (500.0, None, 60, 5, 8),
        (10.0, None, 0, 60, 60),
        (1e9, None, 0, 1, 1),
    ],
)
def test_retry_after_is_how_long_the_drain_takes_to_the_soft_limit(
    node: Node, rate: float, error: str | None, silent: int, least: int, most: int
) -> None:
    node.write_segment(b"." * 10_000)
    write_progress(node.folder, Progress(1, time.time() - silent, {}, rate, error))
    journal = node.journal(soft_bytes=5_000)
    journal.refresh()
    told = {journal.retry_after() for _ in range(200)}
    assert least <= min(told) <= max(told) <= most
    assert (len(told) > 1) == (least < most)  # devices don't come back all at once


def test_it_sheds_above_the_soft_limit_until_the_drain(node: Node, running: Any) -> None:
    journal = running(max_bytes=100_000)
    assert (journal.soft_bytes, journal.shedding) == (50_000, False)
    body = b'[{"message": "' + b"." * 9_000 + b'"}]'
    for _ in range(5):
        append(journal, body)
    assert not journal.shedding
    append(journal, body)
    assert journal.shedding and journal.refusal is None
    assert node.drain() == 6
    wait_until(lambda: not journal.shedding, "the end of shedding", 5)


@pytest.mark.parametrize("never", ["", "off"])
def test_it_never_sheds_when_told_so(node: Node, never: str) -> None:
    journal = node.journal(soft_bytes=1, shed_below=never)
    append(journal)
    assert journal.shed_below == 0 and not journal.shedding
    assert not node.journal(soft_bytes=1).shedding  # not before it has counted
    other = node.journal(soft_bytes=1)
    other.refresh()
    assert other.shedding


def test_it_refuses_when_the_disk_is_nearly_full(node: Node) -> None:
    with pytest.raises(NotAccepting, match="disk is nearly full"):
        append(node.journal(min_free_bytes=1 << 60))
    assert payloads(node) == []


def test_the_watch_survives_a_disk_that_fails(
    running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def free_bytes(folder: Path) -> int:
        raise OSError(5, "Input/output error")

    journal = running()
    with monkeypatch.context() as broken:
        broken.setattr(journal_module, "free_bytes", free_bytes)
        wait_until(lambda: journal.refusal, "reports to be refused", 5)
    wait_until(lambda: journal.refusal is None, "reports to be accepted", 5)


def test_the_backlog_counts_what_is_not_stored(node: Node) -> None:
    one, two = frame(["a"]), frame(["b", "c"])
    first, second = node.write_segment(one, two), node.write_segment(one)
    assert backlog(node.folder) == 2 * len(one) + len(two)
    write_progress(node.folder, Progress(positions={first.stem: len(SEGMENT_HEADER) + len(one)}))
    assert backlog(node.folder) == len(two) + len(one)
    assert len(pieces_of(second)) == 1
    node.drain()
    assert backlog(node.folder) == 0
