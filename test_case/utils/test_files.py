"""Locks that die with their owner, names in order of time, small files replaced at once."""

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from started import ROOT, wait_until

from utils import files
from utils.clock import LAST, now_us
from utils.files import (
    is_locked,
    ordered_name,
    ordered_name_time,
    replace_file,
    sync_directory,
    try_lock,
)

HOLDER = """
import sys
from utils.files import try_lock
assert try_lock(sys.argv[1]) is not None
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock of `tmp_path / "lock"`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "lock")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_lock_has_one_owner(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    owned = try_lock(path)
    assert owned is not None
    assert try_lock(path) is None
    assert is_locked(path)
    os.close(owned)
    assert not is_locked(path)
    again = try_lock(str(path))
    assert again is not None
    os.close(again)


def test_looking_at_a_lock_does_not_take_it(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    assert not is_locked(tmp_path / "lock")
    owned = try_lock(tmp_path / "lock")
    assert owned is not None
    os.close(owned)


def test_a_failed_attempt_leaves_nothing_open(tmp_path: Path) -> None:
    owned = try_lock(tmp_path / "lock")
    assert owned is not None
    before = len(os.listdir("/dev/fd"))
    assert try_lock(tmp_path / "lock") is None
    assert is_locked(tmp_path / "lock")
    assert len(os.listdir("/dev/fd")) == before
    os.close(owned)


def test_a_lock_of_another_process_goes_when_it_is_killed(
    tmp_path: Path, holder: subprocess.Popen[bytes]
) -> None:
    path = tmp_path / "lock"
    assert is_locked(path)
    assert try_lock(path) is None
    holder.kill()
    owned = wait_until(lambda: try_lock(path), "the lock")
    os.close(owned)


def test_a_lock_is_not_inherited_by_programs_that_are_started(tmp_path: Path) -> None:
    owned = try_lock(tmp_path / "lock")
    assert owned is not None and not os.get_inheritable(owned)
    os.close(owned)


# Names.


def test_a_name_is_a_uuid_of_version_7_that_knows_its_time() -> None:
    before = now_us() // 1000 * 1000
    name = ordered_name()
    parsed = uuid.UUID(name)
    assert (str(parsed), parsed.version, parsed.variant) == (name, 7, uuid.RFC_4122)
    assert before <= ordered_name_time(name) <= now_us()


def test_names_are_not_repeated() -> None:
    assert len({ordered_name() for _ in range(1000)}) == 1000


@given(st.lists(st.integers(0, LAST // 1000), unique=True))
def test_names_made_later_sort_later(moments: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        names = []
        for milliseconds in moments:
            patch.setattr(files.time, "time_ns", lambda ms=milliseconds: ms * 1_000_000)
            names.append(ordered_name())
    assert [ordered_name_time(name) for name in names] == [ms * 1000 for ms in moments]
    assert [ordered_name_time(name) for name in sorted(names)] == [
        ms * 1000 for ms in sorted(moments)
    ]


# Small files.


def test_a_replaced_file_has_the_new_content_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    for content in (b"first", b"", b"third" * 1000):
        replace_file(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]
    sync_directory(tmp_path)


def test_a_reader_finds_the_old_or_the_new_file_never_half_of_it(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    contents = [bytes([letter]) * 50_000 for letter in b"ab"]
    replace_file(path, contents[0])
    done = threading.Event()

    def write() -> None:
        for turn in range(200):
            replace_file(path, contents[turn % 2])
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    found = set()
    while not done.is_set():
        found.add(path.read_bytes())
    thread.join()
    assert found <= set(contents)
