"""The index of blocks in the day files, made by the writer's process (see `database.blocks`)."""

from pathlib import Path
from typing import Any

import apsw

from database.block_making import Made, make_block
from database.day_file import DAMAGED
from database.log_reader import Unreadable
from database.log_terms import SQLITE
from database.open_days import OpenDays

_BLOCK = "INSERT OR REPLACE INTO block VALUES (?, ?, ?, ?, ?, ?)"
_PART = "INSERT INTO block_part (id, data) VALUES (?, ?)"
_OVERWRITE_PART = "UPDATE block_part SET data = ?2 WHERE id = ?1"


class DayIndexer:
    """Has connections of its own, for the same reason as `day_eraser.DayEraser`."""

    def __init__(self, folder: Path) -> None:
        self._days = OpenDays(folder)

    def index(self, day: str, is_thorough: bool) -> bool:
        """As `LogStore.index`."""
        if not self._days.is_there(day):
            return False
        try:
            made = _make(self._days.writable(day), is_thorough)
        except apsw.BusyError:  # it is being shrunk
            return False
        except DAMAGED as error:
            raise Unreadable(str(error)) from error
        if is_thorough and not made:
            self.forget(day)
        return made

    def forget(self, day: str | None = None) -> None:
        """Let go of a day, which is dropped, or of all, which another may write to."""
        if day is None:
            self._days.close()
        else:
            self._days.checkpoints.wait()
            self._days.let_go(day)


def _make(connection: apsw.Connection, is_thorough: bool) -> bool:
    def read(sql: str, values: dict[str, Any]) -> list[Any]:
        return connection.execute(sql, values).fetchall()

    settled = read("SELECT max(id) FROM log", {})[0][0] or 0
    made = make_block(SQLITE, read, settled, is_thorough)
    if made is not None:
        _store(connection, made)
    return made is not None


def _store(connection: apsw.Connection, made: Made) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_BLOCK, made.block)
        connection.executemany(_OVERWRITE_PART if made.was_stale else _PART, made.parts)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
