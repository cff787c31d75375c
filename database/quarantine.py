"""What can't be stored is put aside with its reason: it neither blocks the line nor is lost."""

import re
from pathlib import Path

from database.frame import Damage, Frame, pack, unpack
from database.log_store import Target
from utils.log import log

_ESCAPED = re.compile(r"((?:\\u[0-9a-fA-F]{4})+)|\\(.)", re.DOTALL)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Quarantine:
    """A folder of frames, pieces of segments and whole segments, each with a `.txt` that says why.

    Putting the same thing aside again (after a crash) gives the same files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep_frame(self, segment: str, frame: Frame, error: Exception) -> None:
        """Put aside a sound frame that the store refuses."""
        head, payload = pack(
            frame.app_id,
            frame.received_at,
            frame.records,
            frame.form,
            frame.key.encode(),
            frame.payload,
            frame.flags,
        )
        why = f"{type(error).__name__}: {error}"
        self._keep(f"{segment}-{frame.start}.frame", head + payload, why)

    def keep_piece(self, journal: Path, segment: str, damage: Damage) -> None:
        """Put aside the bytes between two sound frames."""
        with (journal / f"{segment}.seg").open("rb") as file:
            file.seek(damage.start)
            piece = file.read(damage.end - damage.start)
        self._keep(
            f"{segment}-{damage.start}.piece", piece, "no sound frame: the bytes were changed"
        )

    def move_segment(self, journal: Path, segment: str) -> None:
        """Put aside a whole segment that is none of ours, or of a newer format."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (journal / f"{segment}.seg").rename(self.folder / f"{segment}.seg")
        self._explain(f"{segment}.seg", "not a segment of a format that this version reads")

    def count(self) -> int:
        """How many things have been put aside."""
        return sum(1 for _ in self.folder.glob("*.txt"))

    def erase(self, target: Target) -> int:
        """Delete what holds a record of a target, the whole frame, piece or segment; how many.

        Of which app a piece is can't be told: it goes only when all apps are meant.
        """
        meant = [path for path in self._content() if _is_meant(path, target)]
        for path in meant:
            path.unlink(missing_ok=True)
            path.with_name(f"{path.name}.txt").unlink(missing_ok=True)
        return len(meant)

    def _content(self) -> list[Path]:
        return [path for path in self.folder.glob("*") if path.suffix != ".txt"]

    def _keep(self, name: str, data: bytes, why: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(data)
        self._explain(name, why)

    def _explain(self, name: str, why: str) -> None:
        (self.folder / f"{name}.txt").write_text(why + "\n", "utf-8")
        log.error("put into quarantine: %s (%s)", name, why)


def _is_meant(path: Path, target: Target) -> bool:
    data = path.read_bytes()
    frame = unpack(data, 0) if path.suffix == ".frame" else None
    if target.field == "app":
        return frame is not None and frame.app_id == int(target.value)
    covered = target.apps is None if frame is None else target.covers(frame.app_id)
    return covered and _mentions(data, target)


def _mentions(data: bytes, target: Target) -> bool:
    """Whether a field has the value, in JSON that may be broken."""
    text = _ESCAPED.sub(_unescaped, data.decode("utf-8", "replace"))
    value = re.escape(target.value)
    return re.search(rf'"{target.field}"\s*:\s*"?{value}(?=["\s,}}\]]|$)', text) is not None


def _unescaped(match: re.Match[str]) -> str:
    """What a JSON string means by an escape."""
    if match[1]:
        units = bytes.fromhex(match[1].replace("\\u", ""))
        return units.decode("utf-16-be", "replace")
    return _SHORT.get(match[2], match[2])
