"""Reading the journal: chunks of frames from all segments, in order, whoever wrote them."""

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from database.frame import SEGMENT_HEADER, Damage, Frame, scan
from database.progress import Progress, read_progress
from utils.files import is_locked, ordered_name, ordered_name_time, replace_file

UNNAMED_SECONDS = 60
WISH = "end-segments"


class Chunk(NamedTuple):
    """What was read at once from a segment; `end` is where the next reading begins.

    `finished`: nobody will append to the segment any more and all of it has been read.
    `readable` is False for a segment that is none of ours, or of a newer format.
    """

    segment: str
    pieces: list[Frame | Damage]
    end: int
    finished: bool
    readable: bool = True


def list_segments(folder: Path) -> list[Path]:
    """The node's segments, the oldest first."""
    return sorted(folder.glob("*.seg"))


def segment_times(folder: Path) -> Iterator[int]:
    """When the node's segments were begun, in µs; a name that is none of ours tells nothing."""
    for path in list_segments(folder):
        with suppress(ValueError):
            yield ordered_name_time(path.stem)


def end_segments(folder: Path) -> set[str]:
    """Have all processes of the node end their segments soon; the names of those that there are.

    When these are gone, all that was acknowledged before is stored, and nowhere else any more.
    """
    names = {path.stem for path in list_segments(folder)}
    replace_file(folder / WISH, ordered_name().encode())
    return names


def last_wish(folder: Path) -> str:
    """What tells one call of `end_segments` from the next; a segment begun before one must end."""
    try:
        return (folder / WISH).read_text("ascii")
    except FileNotFoundError:
        return ""


def read_chunk(path: Path, start: int, limit: int) -> Chunk:
    """Read about `limit` bytes of frames, or one frame that is longer."""
    is_final = not is_locked(path)  # asked first: what follows then sees all that was written
    with path.open("rb") as file:
        header = file.read(len(SEGMENT_HEADER))
        if header != SEGMENT_HEADER:
            torn = is_final and SEGMENT_HEADER.startswith(header)
            return Chunk(path.stem, [], 0, torn, torn or not is_final)
        start = max(start, len(SEGMENT_HEADER))
        while True:
            file.seek(start)
            data = file.read(limit)
            at_end = not file.read(1)
            pieces = list(scan(data, is_final and at_end, start))
            if pieces or at_end:
                end = pieces[-1].end if pieces else start
                finished = is_final and at_end
                return Chunk(path.stem, pieces, start + len(data) if finished else end, finished)
            limit *= 2


def read_chunks(
    folder: Path,
    positions: dict[str, int],
    limit: int,
    stop: Callable[[], bool],
    finished: Collection[str] = (),
) -> Iterator[Chunk]:
    """All that is not stored yet, chunk by chunk, segment after segment in turn.

    `positions` says where to begin in each segment, and is not changed; those that are `finished`
    are left out.
    """
    reached = dict(positions)
    done = set(finished)
    found = True
    while found:
        found = False
        for path in list_segments(folder):
            if stop():
                return
            if path.stem in done:
                continue
            try:
                chunk = read_chunk(path, reached.get(path.stem, 0), limit)
            except FileNotFoundError:  # the writer has stored and removed it meanwhile
                done.add(path.stem)
                continue
            reached[path.stem] = chunk.end
            if chunk.finished or not chunk.readable:
                done.add(path.stem)
            if chunk.pieces or path.stem in done:
                found = True
                yield chunk


def backlog(
    folder: Path, progress: Progress | None = None, only: Collection[str] | None = None
) -> int:
    """Bytes in the journal, or in `only` these segments of it, that are not stored yet."""
    positions = (progress or read_progress(folder)).positions
    waiting = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name.removesuffix(".seg")
            if name != entry.name and (only is None or name in only):
                with suppress(FileNotFoundError):
                    size = entry.stat().st_size
                    waiting += max(0, size - positions.get(name, len(SEGMENT_HEADER)))
    return waiting


def sweep(folder: Path) -> None:
    """Delete segments that never got their name, because their maker died."""
    for path in folder.glob("*.new"):
        with suppress(FileNotFoundError):  # it got its name meanwhile
            if time.time() - path.stat().st_mtime > UNNAMED_SECONDS:
                path.unlink()
