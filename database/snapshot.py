"""A copy of the databases as they were at one moment, taken while the server runs.

Day files are opened through apsw, the lasting tables through the standard module: one library a
file (see `database.day_file`).
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import apsw

from database.day_file import DAMAGED, open_for_reading, path_of, read_positions
from database.segments import list_segments, segment_times
from utils.clock import MINUTE, day_of, now_us


class Snapshot:
    """The databases of one moment. `segments` names those of the journal that were there then, and
    `damaged` the days that could only be copied as they are.
    """

    def __init__(self, data_dir: Path, lasting: Path, stack: ExitStack) -> None:
        self.folder = data_dir / "logs"
        self.journal = data_dir / "journal"
        self.segments: set[str] = set()
        self.damaged: list[str] = []
        self._live: dict[str, apsw.Connection] = {}
        self._lasting = stack.enter_context(closing(sqlite3.connect(lasting)))
        self._open(stack)

    def _open(self, stack: ExitStack) -> None:
        """Hold the writer for a moment: between its transactions all files agree."""
        days = self._written_days()
        with ExitStack() as locks:
            for day in days:
                with suppress(*DAMAGED):
                    lock = locks.enter_context(closing(self._reading(day)))
                    lock.execute("PRAGMA query_only = OFF; BEGIN IMMEDIATE")
            self.segments = {path.stem for path in list_segments(self.journal)}
            self._lasting.execute("BEGIN")
            self._lasting.execute("SELECT count(*) FROM log_partition").fetchone()
            for day in days:
                with suppress(*DAMAGED):
                    live = stack.enter_context(closing(self._reading(day)))
                    live.execute("BEGIN; SELECT count(*) FROM sqlite_master").fetchall()
                    self._live[day] = live

    def _written_days(self) -> list[str]:
        """The days since the journal's oldest segment began, and what a wrong clock added."""
        oldest = day_of(min([now_us(), *segment_times(self.journal)]) - MINUTE)
        segments = {path.stem for path in list_segments(self.journal)}
        days = []
        for path in sorted(self.folder.glob("*.db")):
            with suppress(*DAMAGED):
                if path.stem >= oldest or segments & read_positions(path).keys():
                    days.append(path.stem)
        return days

    def _reading(self, day: str) -> apsw.Connection:
        return open_for_reading(path_of(self.folder, day))

    def copy_days(self, target: Path) -> None:
        """Copy all days into a folder; the live ones first, as draining may wait for them."""
        for day, source in self._live.items():
            _copy(source, path_of(target, day))
            source.close()
        rows = self._lasting.execute("SELECT name FROM log_partition ORDER BY name DESC")
        for (day,) in rows.fetchall():
            if day not in self._live:
                with suppress(FileNotFoundError):  # dropped meanwhile
                    self._copy_day(day, path_of(target, day))

    def _copy_day(self, day: str, copy: Path) -> None:
        path_of(self.folder, day).stat()
        try:
            with closing(self._reading(day)) as source:
                _copy(source, copy)
        except DAMAGED:
            self.damaged.append(day)
            shutil.copyfile(path_of(self.folder, day), copy)

    def copy_lasting(self, target: Path, days: Path) -> None:
        """Copy the lasting tables, without the partitions that were dropped before their copy."""
        with closing(sqlite3.connect(target)) as copy:
            self._lasting.backup(copy)
            names = [name for (name,) in copy.execute("SELECT name FROM log_partition")]
            gone = [(name,) for name in names if not path_of(days, name).exists()]
            copy.executemany("DELETE FROM log_partition WHERE name = ?", gone)
            copy.commit()
            copy.execute("PRAGMA journal_mode = DELETE")  # leaves one file


@contextmanager
def snapshot(data_dir: Path, lasting: Path) -> Iterator[Snapshot]:
    """The databases as they are now; `lasting` is the file of the lasting tables.

    Raises one of `day_file.AWAY`, or sqlite3.Error.
    """
    with ExitStack() as stack:
        yield Snapshot(data_dir, lasting, stack)


def _copy(source: apsw.Connection, target: Path) -> None:
    with closing(apsw.Connection(str(target))) as copy:
        with copy.backup("main", source, "main") as backup:
            backup.step()
        copy.execute("PRAGMA journal_mode = DELETE")  # leaves one file
