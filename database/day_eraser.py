"""Erasing in the day files, for the writer's process."""

import threading
from collections import Counter
from pathlib import Path

import apsw

from database import day_erase, day_file
from database.log_reader import Unreadable
from database.log_store import Erased, Target
from database.open_days import OpenDays
from utils.clock import DAY, day_of, now_us
from utils.log import log

BATCH_MEMORY_DAYS = 3  # a batch key is known for 72 h
SHRINK_TRIES = 20  # then it is for the next time that the day is settled


class DayEraser:
    """Erases, and knows how many records of each day were erased.

    It has connections of its own: while somebody reads an old day, that day's checkpoint must wait,
    and what is appended to others must not wait for it.
    """

    def __init__(self, folder: Path) -> None:
        self._days = OpenDays(folder)
        self._erased: dict[str, int] = {}
        self._shrinking: threading.Thread | None = None

    def count(self, day: str, connection: apsw.Connection) -> int:
        """How many records a day has."""
        if day not in self._erased:
            self._erased[day] = day_erase.count_erased(connection)
        last = connection.execute("SELECT max(id) FROM log").fetchone()
        return int((last and last[0]) or 0) - self._erased[day]

    def forget(self, day: str | None = None) -> None:
        """Let go of a day, which is dropped, or of all, which another may write to."""
        if day is None:
            self._erased.clear()
            self._days.close()
        else:
            self._erased.pop(day, None)
            self._days.checkpoints.wait()
            self._days.let_go(day)

    def erase(self, day: str, target: Target, after: int) -> Erased:
        """As `LogStore.erase`."""
        if not self._days.is_there(day):
            return Erased(Counter(), None)
        try:
            connection = self._days.writable(day)
            self.count(day, connection)
            erased = day_erase.erase(connection, target, after)
        except apsw.BusyError:  # it is being shrunk
            return Erased(Counter(), after)
        except day_file.DAMAGED as error:
            raise Unreadable(str(error)) from error
        self._erased[day] += erased.records.total()
        return erased

    def settle(self, day: str) -> int | None:
        """Empty the write-ahead log; how many records the day has. None while a reader needs it.

        The disk of an old day comes back. It is old when no batch key is looked for in it, so that
        nobody writes to it. Raises Unreadable.
        """
        try:
            connection = self._days.writable(day)
            if not day_erase.wipe_log(connection):
                return None
            is_old = day < day_of(now_us() - (BATCH_MEMORY_DAYS + 1) * DAY)
            worth = is_old and day_erase.is_worth_shrinking(connection)
            records = self.count(day, connection)
        except day_file.DAMAGED as error:
            raise Unreadable(str(error)) from error
        self._days.let_go(day)
        if worth:
            self._shrink(day)
        return records

    def _shrink(self, day: str) -> None:
        """It takes seconds for a gigabyte, so it is done beside; when one is at it, later."""
        if self._shrinking is None or not self._shrinking.is_alive():
            path = day_file.path_of(self._days.folder, day)
            self._shrinking = threading.Thread(target=_shrink, args=(path,), daemon=True)
            self._shrinking.start()


def _shrink(path: Path) -> None:
    for _ in range(SHRINK_TRIES):
        try:
            day_erase.shrink(path)
            log.info("partition %s gave the disk of its erased records back", path.stem)
            return
        except apsw.BusyError:  # by a checkpoint or a reader: each try has waited for some seconds
            continue
        except apsw.Error as error:  # a full disk, or it was dropped: all is as before
            log.warning("partition %s keeps the disk of its erased records: %s", path.stem, error)
            return
