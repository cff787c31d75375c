"""What can't be stored is put aside with its reason: it neither blocks the line nor is lost."""

from pathlib import Path

from database.frame import Damage, Frame, pack
from utils.log import log


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

    def _keep(self, name: str, data: bytes, why: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(data)
        self._explain(name, why)

    def _explain(self, name: str, why: str) -> None:
        (self.folder / f"{name}.txt").write_text(why + "\n", "utf-8")
        log.error("put into quarantine: %s (%s)", name, why)
