"""The store on SQLite: a file for each received day (`database.day_file`)."""

from collections.abc import Collection, Iterable, Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import apsw
from sqlalchemy import Engine

from database import day_file
from database.day_append import Appended, Prepared, append
from database.day_eraser import BATCH_MEMORY_DAYS, DayEraser
from database.day_index import DayIndexer
from database.log_reader import Rows, Unreadable
from database.log_store import Erased, LogStore, Target
from database.log_terms import SQLITE
from database.open_days import OpenDays
from database.scan import QUERY_SECONDS, OutOfTime
from exceptions import StartError
from utils.clock import DAY, day_of, start_of
from utils.log import log as logger


class SQLiteStore(LogStore):
    """All day files."""

    def __init__(self, engine: Engine, data_dir: Path, seconds: float = QUERY_SECONDS) -> None:
        super().__init__(engine, SQLITE, seconds)
        self.folder = data_dir / "logs"
        self._readers = day_file.Readers(self.folder)
        self._days = OpenDays(self.folder)
        self._ranges: dict[str, tuple[int, int]] = {}
        self._changed: dict[str, set[tuple[int, int]]] = {}
        self._eraser = DayEraser(self.folder)
        self._indexer = DayIndexer(self.folder)
        self._current = ""

    def append(self, segment: str, batch: Iterable[Prepared]) -> Iterator[Appended]:
        """Store frames of one segment, a transaction for each run of one received day."""
        for day, run in groupby(batch, lambda prepared: day_of(prepared.frame.received_at)):
            yield self._append_day(day, segment, run)

    def _append_day(self, day: str, segment: str, batch: Iterable[Prepared]) -> Appended:
        if day != self._current:
            # Positions say that all before them is stored, so what went to another file must be
            # as durable as they will be.
            if not self._checkpoint():
                raise apsw.BusyError("a reader holds back the checkpoint of another day")
            self._current = day
        connection = self._days.writable(day)
        widen = partial(self._widen, day)
        appended = append(connection, self._beside(day), segment, batch, widen)
        changed = self._changed.setdefault(day, set())
        changed.update((app_id, minute) for app_id, minute, _ in appended.counters)
        return appended

    def _beside(self, day: str) -> list[apsw.Connection]:
        """The other days in which a batch key of this one may stand.

        A later day has it when a repeated batch is stored before the first one, as from another
        worker's segment at midnight, or when the clock was set back.
        """
        first = day_of(start_of(day) - BATCH_MEMORY_DAYS * DAY)
        days = self._days.all()
        earlier = [other for other in days if first <= other < day]
        later = [other for other in days if other > day][-BATCH_MEMORY_DAYS:]
        sound = (self._days.sound(other) for other in earlier + later)
        return [connection for connection in sound if connection is not None]

    def _widen(self, day: str, low: int, high: int) -> None:
        """Let the catalogue cover these times before their rows can be seen."""
        known = self._ranges.get(day)
        if known is None or low < known[0] or high > known[1]:
            self._ranges[day] = self.catalogue.widen(day, low, high, day_file.SCHEMA_VERSION)

    def positions(self, segments: Collection[str]) -> dict[str, int]:
        """How far each of these segments is stored, as the partitions of all days say.

        The clock may have been wrong when a frame was received, so no day is left out. Counters
        that are not published yet lie beside such positions.
        """
        furthest: dict[str, int] = {}
        for day in self._days.all() if segments else ():
            with self._days.apart(day):
                positions = day_file.read_positions(day_file.path_of(self.folder, day))
                here = {name: positions[name] for name in positions if name in segments}
                for segment, position in here.items():
                    furthest[segment] = max(position, furthest.get(segment, 0))
                if here:
                    self._changed.setdefault(day, set()).update(self._minutes(day))
        return furthest

    def _minutes(self, day: str) -> Iterator[tuple[int, int]]:
        connection = self._days.writable(day)
        yield from connection.execute("SELECT DISTINCT app_id, minute FROM day_counter")

    def forget_segment(self, segment: str) -> None:
        """Drop the position of a segment that is gone."""
        for day, connection in self._days.opened():
            with self._days.apart(day):
                connection.execute("DELETE FROM journal_position WHERE segment = ?", (segment,))

    def make_durable(self, segments: Collection[str]) -> Collection[str]:
        """All of the segments, or none while a checkpoint is held back."""
        return segments if self._checkpoint() else ()

    def _checkpoint(self) -> bool:
        """Checkpoint what was appended; False when a reader or damage holds some of it back."""
        for day, connection in self._days.opened():
            with self._days.apart(day):
                if self._days.checkpoints.finish(connection):
                    continue
            return False
        return True

    def publish(self) -> None:
        """Copy the changed counters and sizes into the lasting tables."""
        for day, minutes in list(self._changed.items()):
            with self._days.apart(day):
                self._publish_day(day, minutes)
            self._changed.pop(day, None)

    def _publish_day(self, day: str, minutes: set[tuple[int, int]]) -> None:
        connection = self._days.writable(day)
        rows = [
            row
            for app_id, minute in minutes
            for row in connection.execute(
                "SELECT app_id, minute, outcome, records FROM day_counter "
                "WHERE app_id = ? AND minute = ?",
                (app_id, minute),
            )
        ]
        self.catalogue.set_counters(rows)
        records = self._eraser.count(day, connection)
        self.catalogue.measure(day, records, day_file.size_of(self.folder, day))

    def close_writer(self) -> None:
        """Close the files that are open for writing, when another takes over."""
        self._days.close()
        self._ranges.clear()
        self._changed.clear()
        self._eraser.forget()
        self._indexer.forget()
        self._current = ""

    def drop(self, day: str, segments: Collection[str]) -> None:
        """Drop a partition; its disk comes back as soon as readers let go, within a second.

        `segments` are those in the journal. A file that tells how far one of them is stored is
        emptied instead: without it a replay would bring the dropped records back.
        """
        self._eraser.forget(day)
        self._indexer.forget(day)
        self._days.checkpoints.wait()
        if self._is_needed(day, segments):
            if day_file.empty(self._days.writable(day)):
                logger.info("partition %s emptied", day)
            self.catalogue.note_emptied(day, day_file.size_of(self.folder, day))
        else:
            self._ranges.pop(day, None)
            self._changed.pop(day, None)
            self._days.delete(day)
            self._readers.release_dropped()
            self.catalogue.remove(day)
            logger.info("partition %s dropped", day)

    def _is_needed(self, day: str, segments: Collection[str]) -> bool:
        connection = self._days.sound(day) if self._days.is_there(day) else None
        if connection is not None:
            with self._days.apart(day):
                rows = connection.execute("SELECT segment FROM journal_position")
                return any(segment in segments for (segment,) in rows)
        return False

    def erase(self, day: str, target: Target, after: int) -> Erased:
        """Erase a target's records among the next rows of a partition, behind the id `after`."""
        return self._eraser.erase(day, target, after)

    def settle(self, day: str) -> bool:
        """Leave nothing of what was erased, and measure the rest."""
        if not self._days.is_there(day):
            return True
        records = self._eraser.settle(day)
        if records is not None:
            self.catalogue.measure(day, records, day_file.size_of(self.folder, day))
        return records is not None

    def index(self, day: str, is_thorough: bool) -> bool:
        """Make the next block of a partition's index; False: there is none."""
        return self._indexer.index(day, is_thorough)

    def upgrade(self) -> None:
        """Bring day files of an older version to this version's schema."""
        for partition in self.catalogue.partitions():
            if partition.schema_version > day_file.SCHEMA_VERSION:
                raise StartError(
                    f"partition {partition.name} has schema {partition.schema_version}, newer than "
                    f"this version's {day_file.SCHEMA_VERSION}"
                )
            day, is_older = partition.name, partition.schema_version < day_file.SCHEMA_VERSION
            if is_older and self._days.is_there(day):
                with self._days.apart(day):
                    day_file.open_for_writing(day_file.path_of(self.folder, day)).close()
                    self.catalogue.note_version(day, day_file.SCHEMA_VERSION)

    # Reading.

    def _rows(
        self, day: str, sql: str, bindings: list[dict[str, Any]], deadline: float | None
    ) -> Rows:
        rows: Rows = []
        try:
            with self._readers.reading(day) as connection, day_file.until(connection, deadline):
                for values in bindings:
                    rows += connection.execute(sql, values)
        except apsw.InterruptError:
            raise OutOfTime from None
        except apsw.Error as error:
            if self._days.is_there(day):  # else it was dropped meanwhile
                raise Unreadable(str(error)) from error
        return rows

    def release_dropped(self) -> None:
        """Close what this process still holds open of dropped partitions."""
        self._readers.release_dropped()
