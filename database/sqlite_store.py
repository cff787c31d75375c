"""The store on SQLite: a file for each received day (`database.day_file`)."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import apsw
from sqlalchemy import Engine

from database import day_file
from database.checkpoints import Checkpoints
from database.day_append import Appended, Prepared, append
from database.log_reader import Rows, Unreadable
from database.log_store import LogStore
from database.log_terms import SQLITE
from exceptions import StartError
from utils.clock import DAY, day_of, start_of
from utils.log import log as logger

BATCH_MEMORY_DAYS = 3  # a batch key is known for 72 h


class SQLiteStore(LogStore):
    """All day files."""

    def __init__(self, engine: Engine, data_dir: Path) -> None:
        super().__init__(engine, SQLITE)
        self.folder = data_dir / "logs"
        self._readers = day_file.Readers(self.folder)
        self._checkpoints = Checkpoints()
        self._open: dict[str, apsw.Connection] = {}
        self._ranges: dict[str, tuple[int, int]] = {}
        self._changed: dict[str, set[tuple[int, int]]] = {}
        self._damaged: set[str] = set()
        self._all_days: list[str] = []
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
        connection = self._writable(day)
        widen = partial(self._widen, day)
        appended = append(connection, self._beside(day), segment, batch, widen)
        changed = self._changed.setdefault(day, set())
        changed.update((app_id, minute) for app_id, minute, _ in appended.counters)
        return appended

    def _writable(self, day: str) -> apsw.Connection:
        connection = self._open.get(day)
        if connection is None:
            path = day_file.path_of(self.folder, day)
            connection = day_file.open_for_writing(path)
            self._checkpoints.follow(connection, path)
            self._open[day] = connection
            self._all_days = []
        return connection

    def _days(self) -> list[str]:
        """All days that have a file, the oldest first. Only the elected writer makes and drops."""
        if not self._all_days:
            self._all_days = sorted(path.stem for path in self.folder.glob("*.db"))
        return self._all_days

    def _beside(self, day: str) -> list[apsw.Connection]:
        """The other days in which a batch key of this one may stand.

        A later day has it when a repeated batch is stored before the first one, as from another
        worker's segment at midnight, or when the clock was set back.
        """
        first = day_of(start_of(day) - BATCH_MEMORY_DAYS * DAY)
        days = self._days()
        earlier = [other for other in days if first <= other < day]
        later = [other for other in days if other > day][-BATCH_MEMORY_DAYS:]
        sound = (self._sound(other) for other in earlier + later)
        return [connection for connection in sound if connection is not None]

    def _sound(self, day: str) -> apsw.Connection | None:
        """A day's file; None when it is damaged."""
        if day not in self._damaged:
            with self._apart(day):
                return self._writable(day)
        return None

    @contextmanager
    def _apart(self, day: str) -> Iterator[None]:
        """Note that a day's file is damaged, and go on: it must not harm the other days."""
        try:
            yield
        except day_file.DAMAGED as error:
            if day not in self._damaged:
                logger.error("partition %s is damaged: %s", day, error)
            self._damaged.add(day)
            self._changed.pop(day, None)

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
        for day in self._days() if segments else ():
            with self._apart(day):
                positions = day_file.read_positions(day_file.path_of(self.folder, day))
                here = {name: positions[name] for name in positions if name in segments}
                for segment, position in here.items():
                    furthest[segment] = max(position, furthest.get(segment, 0))
                if here:
                    self._changed.setdefault(day, set()).update(self._minutes(day))
        return furthest

    def _minutes(self, day: str) -> Iterator[tuple[int, int]]:
        yield from self._writable(day).execute("SELECT DISTINCT app_id, minute FROM day_counter")

    def forget_segment(self, segment: str) -> None:
        """Drop the position of a segment that is gone."""
        for day, connection in self._open.items():
            with self._apart(day):
                connection.execute("DELETE FROM journal_position WHERE segment = ?", (segment,))

    def make_durable(self, segments: Collection[str]) -> Collection[str]:
        """All of the segments, or none while a checkpoint is held back."""
        return segments if self._checkpoint() else ()

    def _checkpoint(self) -> bool:
        """Checkpoint what was appended; False when a reader or damage holds some of it back."""
        for day, connection in self._open.items():
            with self._apart(day):
                if self._checkpoints.finish(connection):
                    continue
            return False
        return True

    def publish(self) -> None:
        """Copy the changed counters and sizes into the lasting tables."""
        for day, minutes in list(self._changed.items()):
            with self._apart(day):
                self._publish_day(day, minutes)
                del self._changed[day]

    def _publish_day(self, day: str, minutes: set[tuple[int, int]]) -> None:
        connection = self._writable(day)
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
        records = connection.execute("SELECT max(id) FROM log").fetchone()
        self.catalogue.measure(
            day, (records and records[0]) or 0, day_file.size_of(self.folder, day)
        )

    def close_writer(self) -> None:
        """Close the files that are open for writing, when another takes over."""
        self._checkpoints.wait()
        for connection in self._open.values():
            connection.close()
        self._open.clear()
        self._ranges.clear()
        self._changed.clear()
        self._damaged.clear()
        self._all_days = []
        self._current = ""

    def drop(self, day: str, segments: Collection[str]) -> None:
        """Drop a partition; its disk comes back as soon as readers let go, within a second.

        `segments` are those in the journal. A file that tells how far one of them is stored is
        emptied instead: without it a replay would bring the dropped records back.
        """
        self._checkpoints.wait()
        if self._is_needed(day, segments):
            if day_file.empty(self._writable(day)):
                logger.info("partition %s emptied", day)
            self.catalogue.note_emptied(day, day_file.size_of(self.folder, day))
        else:
            connection = self._open.pop(day, None)
            if connection is not None:
                connection.close()
            self._ranges.pop(day, None)
            self._changed.pop(day, None)
            self._damaged.discard(day)
            day_file.delete_day(self.folder, day)
            self._all_days = []
            self._readers.release_dropped()
            self.catalogue.remove(day)
            logger.info("partition %s dropped", day)

    def _is_needed(self, day: str, segments: Collection[str]) -> bool:
        if self._has(day) and day not in self._damaged:
            with self._apart(day):
                rows = self._writable(day).execute("SELECT segment FROM journal_position")
                return any(segment in segments for (segment,) in rows)
        return False

    def upgrade(self) -> None:
        """Bring day files of an older version to this version's schema."""
        for partition in self.catalogue.partitions():
            if partition.schema_version > day_file.SCHEMA_VERSION:
                raise StartError(
                    f"partition {partition.name} has schema {partition.schema_version}, newer than "
                    f"this version's {day_file.SCHEMA_VERSION}"
                )
            if partition.schema_version < day_file.SCHEMA_VERSION and self._has(partition.name):
                with self._apart(partition.name):
                    day_file.open_for_writing(day_file.path_of(self.folder, partition.name)).close()
                    self.catalogue.note_version(partition.name, day_file.SCHEMA_VERSION)

    # Reading.

    def _rows(self, day: str, sql: str, bindings: list[dict[str, Any]]) -> Rows:
        rows: Rows = []
        try:
            with self._readers.reading(day) as connection:
                for values in bindings:
                    rows += connection.execute(sql, values)
        except apsw.Error as error:
            if self._has(day):  # else it was dropped meanwhile
                raise Unreadable(str(error)) from error
        return rows

    def _has(self, day: str) -> bool:
        return day_file.path_of(self.folder, day).exists()

    def release_dropped(self) -> None:
        """Close what this process still holds open of dropped partitions."""
        self._readers.release_dropped()
