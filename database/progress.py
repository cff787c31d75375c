"""What the elected writer tells every process of its node: how far it is and how it fares.

It is a hint, kept in a small file beside the segments. The truth about positions stands with the
rows, in the store.
"""

from pathlib import Path

import msgspec

from utils.files import replace_file


class Progress(msgspec.Struct, frozen=True):
    """`positions` maps a segment's name to the bytes of it that are stored."""

    pid: int = 0
    at: float = 0.0  # time.time() of the writer's last sign of life
    positions: dict[str, int] = {}
    bytes_per_second: float = 0.0
    error: str | None = None  # what keeps it from storing, if anything does
    quarantined: int = 0  # frames and pieces of segments put aside since the node exists


_decode = msgspec.json.Decoder(Progress).decode


def read_progress(folder: Path) -> Progress:
    """The last word of the writer; an empty one when there was none yet."""
    try:
        return _decode((folder / "progress.json").read_bytes())
    except (OSError, msgspec.DecodeError):
        return Progress()


def write_progress(folder: Path, progress: Progress) -> None:
    """Tell how far the writer is."""
    replace_file(folder / "progress.json", msgspec.json.encode(progress))
