"""The day files that the elected writer holds open."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from database import day_file
from database.checkpoints import Checkpoints
from utils.log import log


class OpenDays:
    """Connections for writing, by day; a damaged day is noted, and must not harm the others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkpoints = Checkpoints()
        self._open: dict[str, apsw.Connection] = {}
        self._damaged: set[str] = set()
        self._all: list[str] = []

    def writable(self, day: str) -> apsw.Connection:
        """A day's file, which is made when it is not there."""
        connection = self._open.get(day)
        if connection is None:
            path = day_file.path_of(self.folder, day)
            connection = day_file.open_for_writing(path)
            self.checkpoints.follow(connection, path)
            self._open[day] = connection
            self._all = []
        return connection

    def all(self) -> list[str]:
        """All days that have a file, the oldest first. Only the elected writer makes and drops."""
        if not self._all:
            self._all = sorted(path.stem for path in self.folder.glob("*.db"))
        return self._all

    def is_there(self, day: str) -> bool:
        """Whether a day has a file."""
        return day_file.path_of(self.folder, day).exists()

    def opened(self) -> Iterator[tuple[str, apsw.Connection]]:
        """Those that are open."""
        yield from tuple(self._open.items())

    def sound(self, day: str) -> apsw.Connection | None:
        """A day's file; None when it is damaged."""
        if day not in self._damaged:
            with self.apart(day):
                return self.writable(day)
        return None

    @contextmanager
    def apart(self, day: str) -> Iterator[None]:
        """Note that a day's file is damaged, and go on."""
        try:
            yield
        except day_file.DAMAGED as error:
            if day not in self._damaged:
                log.error("partition %s is damaged: %s", day, error)
            self._damaged.add(day)

    def let_go(self, day: str) -> None:
        """Close a day's file, if it is open."""
        connection = self._open.pop(day, None)
        if connection is not None:
            connection.close()

    def delete(self, day: str) -> None:
        """Delete a day's file."""
        self.let_go(day)
        self._damaged.discard(day)
        day_file.delete_day(self.folder, day)
        self._all = []

    def close(self) -> None:
        """Close all, when another takes over."""
        self.checkpoints.wait()
        for day in tuple(self._open):
            self.let_go(day)
        self._damaged.clear()
        self._all = []
