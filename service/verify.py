"""Checking journal segments, offline or beside a running server: nothing is changed."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from database.frame import SEGMENT_HEADER, VERSION, Damage
from database.segments import list_segments, read_chunk
from exceptions import StartError
from utils.files import is_locked

CHUNK_BYTES = 1 << 22
_MARK = SEGMENT_HEADER[:-2]


def verify(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Check segments, or all segments in a folder.

    Each gives {segment, state, frames, records, damage, torn_bytes, in_use}. `state` is `sound`,
    `damaged`, `foreign` (none of ours) or `newer` (of a later version); `damage` lists the ranges
    [start, end) in bytes. `torn_bytes`, a frame cut off by a crash, was never acknowledged: that is
    no damage. Raises StartError for a path that can't be read.
    """
    checked = []
    for path in paths:
        for segment in list_segments(path) if path.is_dir() else [path]:
            try:
                checked.append(_verify(segment))
            except FileNotFoundError:
                if segment == path:
                    raise StartError(f"there is no {path}") from None
                continue  # the writer has stored and removed it meanwhile
            except OSError as error:
                raise StartError(f"{segment} can't be read: {error.strerror}") from None
    return checked


def _verify(path: Path) -> dict[str, Any]:
    state = _state_of_header(path)
    found: dict[str, Any] = {
        "segment": str(path),
        "state": state,
        "frames": 0,
        "records": 0,
        "damage": [],
        "torn_bytes": 0,
        "in_use": is_locked(path),
    }
    if state == "sound":
        _read_frames(path, found)
    return found


def _state_of_header(path: Path) -> str:
    with path.open("rb") as file:
        header = file.read(len(SEGMENT_HEADER))
    if SEGMENT_HEADER.startswith(header):  # a crash may have torn even this
        return "sound"
    if header.startswith(_MARK) and int.from_bytes(header[len(_MARK) :], "little") > VERSION:
        return "newer"
    return "foreign"


def _read_frames(path: Path, found: dict[str, Any]) -> None:
    end, good_until = 0, 0
    while True:
        chunk = read_chunk(path, end, CHUNK_BYTES)
        for piece in chunk.pieces:
            if isinstance(piece, Damage):
                found["damage"].append([piece.start, piece.end])
                found["state"] = "damaged"
            else:
                found["frames"] += 1
                found["records"] += piece.records
            good_until = piece.end
        if chunk.finished or chunk.end == end:
            break
        end = chunk.end
    if chunk.finished:
        size, header = path.stat().st_size, len(SEGMENT_HEADER)
        found["torn_bytes"] = size - max(good_until, header) if size >= header else size
