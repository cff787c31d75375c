"""Where each microsecond of a record goes, acknowledging and draining, in one process.

    python bench/profile.py [FRAMES]

Parts overlap where one calls another; the sums are of the indented ones.
"""

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bodies import write_bodies
from database import day_append, drainer, frame, journal, preparing, segments, sqlite_store
from database.engine import migrate, open_engine
from database.writer import Writer
from service import batch as batches
from utils.record import Form
from utils.settings import load_settings

ROOT = Path(__file__).resolve().parent.parent
SIZE = 100
spent: dict[str, float] = defaultdict(float)


def timed(owner: Any, name: str) -> None:
    """Add up the seconds that a function takes, under its name."""
    function: Callable[..., Any] = getattr(owner, name)

    def measured(*arguments: Any, **options: Any) -> Any:
        begun = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            spent[name] += time.perf_counter() - begun

    setattr(owner, name, measured)


def main(frames: int) -> None:
    """Acknowledge so many reports of 100 records without HTTP, then drain them; print both."""
    for owner, name in (
        (batches, "_array"),
        (batches, "_needs_cleaning"),
        (journal, "pack"),
        (journal.os, "writev"),
        (segments, "read_chunk"),
        (frame, "unpack"),
        (preparing, "decode"),
        (preparing, "make_rows"),
        (preparing, "_count_minutes"),
        (day_append, "roll_up"),
        (day_append.Inserting, "add"),
        (sqlite_store, "append"),
        (drainer.Drainer, "_store"),
        (drainer.Drainer, "_housekeep"),
    ):
        timed(owner, name)
    settings = load_settings(ROOT / "setting.yaml", {})
    with tempfile.TemporaryDirectory(prefix="redlog-bench-") as directory:
        data = Path(directory)
        (data / "journal").mkdir()
        bodies = write_bodies(data / "bodies", SIZE, frames, 1)
        lines = Path(f"{bodies.prefix}.0").read_bytes().splitlines()[:frames]
        acknowledging = journal.Journal(settings.journal, data)
        begun = time.perf_counter()
        for body in lines:
            validated = batches.decode_batch(body, False, settings.ingest.max_records)
            acknowledging.append(1, validated.count, Form.ARRAY, "", validated.payload)
        show("acknowledging", time.perf_counter() - begun, frames)
        acknowledging.stop()
        engine = open_engine(settings.database, data)
        migrate(engine)
        store = sqlite_store.SQLiteStore(engine, data)
        writer = Writer(data, store, settings.writer, settings.retention)
        assert writer.elected()
        begun = time.perf_counter()
        writer.drain()
        show("draining", time.perf_counter() - begun, frames)
        writer.resign()


def show(what: str, seconds: float, frames: int) -> None:
    """Print the parts of a phase in microseconds a record, and forget them."""
    records = frames * SIZE / 1e6
    print(f"{what:18} {seconds / records:6.2f} µs a record")
    for name, part in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"  {name:16} {part / records:6.2f}")
    spent.clear()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
