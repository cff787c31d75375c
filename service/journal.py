"""What waits in the journal, for operators."""

import sys
from pathlib import Path
from typing import Any

from database.frame import Frame
from database.progress import read_progress
from database.segments import backlog, list_segments, read_chunks

COUNT_BYTES = 64 * 2**20  # as much is read while a reader waits


def status(folder: Path) -> dict[str, Any]:
    """Segments, waiting bytes and records, and the writer's state."""
    if not folder.is_dir():
        return {"segments": 0, "waiting_bytes": 0, "waiting_records": {}}
    progress = read_progress(folder)
    return {
        "segments": len(list_segments(folder)),
        "waiting_bytes": backlog(folder),
        "waiting_records": _count(folder, progress.positions),
        "stored_bytes_per_second": round(progress.bytes_per_second),
        "error": progress.error,
        "quarantined": progress.quarantined,
    }


def waiting_records(folder: Path, start: int, end: int) -> dict[int, int] | None:
    """Records by app that arrived from `start` to before `end` (µs) and wait on this node; None
    when more than COUNT_BYTES wait.
    """
    if not folder.is_dir():
        return {}
    progress = read_progress(folder)
    few = backlog(folder, progress) <= COUNT_BYTES
    return _count(folder, progress.positions, start, end) if few else None


def _count(
    folder: Path, positions: dict[str, int], start: int = 0, end: int = sys.maxsize
) -> dict[int, int]:
    waiting: dict[int, int] = {}
    for chunk in read_chunks(folder, positions, 1 << 22, lambda: False):
        for piece in chunk.pieces:
            if isinstance(piece, Frame) and start <= piece.received_at < end:
                waiting[piece.app_id] = waiting.get(piece.app_id, 0) + piece.records
    return waiting
