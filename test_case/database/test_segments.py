"""Reading segments: in chunks, while they are written, and when nobody writes any more."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node import frame, segment_name

from database.frame import SEGMENT_HEADER, Damage, Frame
from database.segments import (
    UNNAMED_SECONDS,
    Chunk,
    list_segments,
    read_chunk,
    read_chunks,
    segment_times,
    sweep,
)
from utils.clock import SECOND

START = len(SEGMENT_HEADER)
A, B, C = frame(["a"]), frame(["b"] * 20), frame(["c"])


def never() -> bool:
    return False


def write(folder: Path, *pieces: bytes, at: int = 0, header: bytes = SEGMENT_HEADER) -> Path:
    path = folder / f"{segment_name(at)}.seg"
    path.write_bytes(header + b"".join(pieces))
    return path


@contextmanager
def held(path: Path) -> Iterator[None]:
    """The segment as long as its writer lives."""
    descriptor = os.open(path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


def payloads(pieces: list[Frame | Damage]) -> list[bytes]:
    return [piece.payload for piece in pieces if isinstance(piece, Frame)]


def ends_of(*pieces: bytes) -> list[int]:
    return [START + sum(map(len, pieces[: n + 1])) for n in range(len(pieces))]


def test_a_segment_is_read_to_its_end(tmp_path: Path) -> None:
    path = write(tmp_path, A, B, C)
    chunk = read_chunk(path, 0, 1 << 20)
    assert [piece.end for piece in chunk.pieces] == ends_of(A, B, C)
    assert [piece.start for piece in chunk.pieces] == [START, *ends_of(A, B)]
    assert chunk[2:] == (path.stat().st_size, True, True)
    assert read_chunk(path, chunk.end, 1 << 20) == Chunk(path.stem, [], chunk.end, True)


@pytest.mark.parametrize("limit", [1, 40, len(A), len(A) + 1, len(A + B), 1 << 20])
def test_chunks_of_any_size_give_the_same_frames(tmp_path: Path, limit: int) -> None:
    path = write(tmp_path, A, B, C)
    whole = read_chunk(path, 0, 1 << 20).pieces
    found: list[Frame | Damage] = []
    at = 0
    while not (chunk := read_chunk(path, at, limit)).finished:
        assert chunk.pieces and chunk.end == chunk.pieces[-1].end > at
        found += chunk.pieces
        at = chunk.end
    assert found + chunk.pieces == whole


@pytest.mark.parametrize("start", [0, 3, START])
def test_the_header_is_never_read_as_a_frame(tmp_path: Path, start: int) -> None:
    assert len(read_chunk(write(tmp_path, A), start, 1 << 20).pieces) == 1


def test_while_it_is_written_a_segment_is_not_finished(tmp_path: Path) -> None:
    path = write(tmp_path, A, B[:-1])
    with held(path):
        chunk = read_chunk(path, 0, 1 << 20)
        assert (len(chunk.pieces), chunk.end, chunk.finished) == (1, START + len(A), False)
        assert read_chunk(path, chunk.end, 10) == Chunk(path.stem, [], chunk.end, False)
        with path.open("ab") as file:
            file.write(B[-1:])
        assert len(read_chunk(path, chunk.end, 10).pieces) == 1
    assert read_chunk(path, START + len(A + B), 10).finished


def test_when_its_writer_has_died_a_torn_tail_is_given_up(tmp_path: Path) -> None:
    path = write(tmp_path, A, B[:-1])
    chunk = read_chunk(path, 0, 1 << 20)
    assert len(chunk.pieces) == 1
    assert (chunk.end, chunk.finished) == (path.stat().st_size, True)


@pytest.mark.parametrize("limit", [1, 1 << 20])
def test_damage_is_reported_with_its_place_and_its_neighbours_kept(
    tmp_path: Path, limit: int
) -> None:
    bad = B[:40] + b"!" + B[41:]
    path = write(tmp_path, A, bad, C, b"the end is no frame")
    found: list[Frame | Damage] = []
    at = 0
    while not (chunk := read_chunk(path, at, limit)).finished:
        found += chunk.pieces
        at = chunk.end
    found += chunk.pieces
    size = path.stat().st_size
    places = [(type(piece).__name__, piece.start, piece.end) for piece in found]
    first, second, third = ends_of(A, bad, C)
    assert places == [
        ("Frame", START, first),
        ("Damage", first, second),
        ("Frame", second, third),
        ("Damage", third, size),
    ]


@pytest.mark.parametrize("size", range(START))
def test_a_header_that_was_torn_holds_nothing(tmp_path: Path, size: int) -> None:
    path = write(tmp_path, header=SEGMENT_HEADER[:size])
    assert read_chunk(path, 0, 100) == Chunk(path.stem, [], 0, True)
    with held(path):
        assert read_chunk(path, 0, 100) == Chunk(path.stem, [], 0, False)


@pytest.mark.parametrize("header", [b"REDLOG\x02\0", b"REDLOGGY", b"\0" * 8, b"x"])
def test_a_segment_of_another_format_is_not_readable(tmp_path: Path, header: bytes) -> None:
    path = write(tmp_path, A, header=header)
    assert read_chunk(path, 0, 100) == Chunk(path.stem, [], 0, False, readable=False)
    with held(path):
        assert read_chunk(path, 0, 100).readable


# All segments.


def test_segments_are_listed_and_timed_from_the_oldest(tmp_path: Path) -> None:
    moments = [5 * SECOND, 3 * SECOND, 4 * SECOND]
    paths = [write(tmp_path, at=moment) for moment in moments]
    (tmp_path / "notes.seg").touch()
    (tmp_path / "progress.json").touch()
    (tmp_path / "x.new").touch()
    assert list_segments(tmp_path)[:3] == [paths[1], paths[2], paths[0]]
    assert list(segment_times(tmp_path)) == sorted(moments)


def test_segments_are_read_in_turn_from_where_each_was_left(tmp_path: Path) -> None:
    old, new = write(tmp_path, A, B, at=SECOND), write(tmp_path, C, A, at=2 * SECOND)
    positions = {old.stem: START + len(A)}
    found = list(read_chunks(tmp_path, positions, 1, never))
    names = [chunk.segment for chunk in found if chunk.pieces]
    assert names == [old.stem, new.stem, new.stem]
    assert payloads([piece for chunk in found for piece in chunk.pieces])[1:] == [
        payloads(read_chunk(new, 0, 1000).pieces)[n] for n in (0, 1)
    ]
    assert {chunk.segment for chunk in found if chunk.finished} == {old.stem, new.stem}
    assert positions == {old.stem: START + len(A)}


def test_finished_and_vanished_segments_are_left_out(tmp_path: Path) -> None:
    first, second, third = (write(tmp_path, A, at=n * SECOND) for n in range(3))
    chunks = read_chunks(tmp_path, {}, 1 << 20, never, finished={first.stem})
    assert next(chunks).segment == second.stem
    third.unlink()
    assert list(chunks) == []


def test_reading_ends_when_there_is_no_more_or_no_more_time(tmp_path: Path) -> None:
    path = write(tmp_path, A, C, A)
    with held(path):
        assert len(list(read_chunks(tmp_path, {}, 1, never))) == 3
        asked = iter([False, False, True])
        assert len(list(read_chunks(tmp_path, {}, 1, lambda: next(asked)))) == 2
    assert list(read_chunks(tmp_path, {}, 1, lambda: True)) == []


def test_an_unreadable_segment_is_given_once(tmp_path: Path) -> None:
    write(tmp_path, A, header=b"REDLOG\x09\0")
    (chunk,) = read_chunks(tmp_path, {}, 1, never)
    assert not chunk.readable


@given(
    st.lists(st.lists(st.sampled_from((A, B, C, b"\0" * 9, b"damage")), max_size=5), max_size=4),
    st.integers(1, 3000),
)
def test_chunk_by_chunk_all_frames_of_all_segments_come_once(
    tmp_path_factory: pytest.TempPathFactory, segments: list[list[bytes]], limit: int
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    for number, pieces in enumerate(segments):
        write(folder, *pieces, at=number * SECOND)
    chunks = list(read_chunks(folder, {}, limit, never))
    for number, path in enumerate(list_segments(folder)):
        own = [chunk for chunk in chunks if chunk.segment == path.stem]
        found = payloads([piece for chunk in own for piece in chunk.pieces])
        sent = [piece for piece in segments[number] if piece in (A, B, C)]
        assert len(found) == len(sent)
        assert all(piece.endswith(payload) for piece, payload in zip(sent, found, strict=True))
        assert [chunk.finished for chunk in own] == [False] * (len(own) - 1) + [True]


def test_only_old_segments_without_a_name_are_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    age: dict[str, Callable[[float], float]] = {
        "old.new": lambda now: now - UNNAMED_SECONDS - 5,
        "young.new": lambda now: now - UNNAMED_SECONDS + 30,
        "old.seg": lambda now: now - 10 * UNNAMED_SECONDS,
    }
    for name, when in age.items():
        path = tmp_path / name
        path.touch()
        moment = when(path.stat().st_mtime)
        os.utime(path, (moment, moment))
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"young.new", "old.seg"}
