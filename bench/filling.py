"""A day filled with records by the real writer, without HTTP: prepared reports go into a segment of
the journal, which is then drained in this process.
"""

import sys
import time
from pathlib import Path
from types import TracebackType

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bodies import SPAN_SECONDS, records
from database.engine import migrate, open_engine
from database.frame import SEGMENT_HEADER, pack
from database.stores import open_store
from database.writer import Writer
from server import ROOT
from utils.clock import DAY, SECOND
from utils.files import ordered_name
from utils.record import Form
from utils.settings import Database, load_settings

APP = 1
SIZE = 100  # records in a report
TEMPLATES = 200_000  # records that differ in more than their time
TRACED = 8  # records in a trace
AFTER_TIME = len('{"time":"2026-11-20T10:00:00.123Z"')


class Filling:
    """A store, empty at first, and the times of the `total` records that it is to be given.

    `received_at` (µs) says in which day they come to lie; their times reach back four hours. With
    `days` they reach back so many days, each report is received when its last record was made, and
    each eight records have a trace.
    """

    def __init__(self, data: Path, url: str, received_at: int, total: int, days: int = 0) -> None:
        self._folder = data / "journal"
        self._folder.mkdir(parents=True)
        self.engine = open_engine(Database(url), data)
        migrate(self.engine)
        self.store = open_store(self.engine, data)
        settings = load_settings(ROOT / "setting.yaml", {})
        self._writer = Writer(data, self.store, settings.writer, settings.retention)
        if not self._writer.elected():
            raise RuntimeError("another process drains this journal")
        self._received_at = received_at
        self._templates = [record[AFTER_TIME:] for record in records(min(total, TEMPLATES))]
        span_us = days * DAY or SPAN_SECONDS * SECOND
        self._start_us = received_at - span_us
        self._step_us = span_us / total
        self._days = days
        self._made = 0

    def add(self, number: int) -> float:
        """Store so many more records; the seconds that it took, from the journal to the store."""
        self._write_segment(number // SIZE)
        begun = time.perf_counter()
        if self._writer.drain() != number // SIZE:
            raise RuntimeError("the writer did not store all reports")
        return time.perf_counter() - begun

    def _write_segment(self, reports: int) -> None:
        with (self._folder / f"{ordered_name()}.seg").open("wb") as segment:
            segment.write(SEGMENT_HEADER)
            for first in range(self._made, self._made + reports * SIZE, SIZE):
                at = self._time_of(first + SIZE - 1) if self._days else self._received_at
                body = ",".join(map(self._record, range(first, first + SIZE)))
                segment.writelines(pack(APP, at, SIZE, Form.ARRAY, b"", f"[{body}]".encode()))
        self._made += reports * SIZE

    def _record(self, number: int) -> str:
        trace = f',"trace_id":"{number // TRACED:032x}"' if self._days else ""
        template = self._templates[number % len(self._templates)]
        return f'{{"time":{self._time_of(number)}{trace}{template}'

    def _time_of(self, number: int) -> int:
        return self._start_us + int(number * self._step_us)

    def __enter__(self) -> "Filling":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.resign()
        self.engine.dispose()
