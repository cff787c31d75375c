"""Records out of a day's file, so that nothing of them is left in it.

An erased record is overwritten where it lies, and belongs to app 0, which nobody may ask for. A
DELETE would not do: SQLite then moves the neighbours to other pages, and leaves copies of them
behind, which no later DELETE finds. Nor would the last id be given only once. When more than a
quarter of an old day is erased, `shrink` gives its disk back: one of the erased rows stays then,
and its `time` says for how many others.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw
from sqlalchemy import String

from database.blocks import BY_BLOCK, MADE, STALE, TEXT, part_id
from database.day_file import BUSY_MS, open_for_reading
from database.log_store import Erased, Target
from database.rollup import ADD, KEY_OF, REMOVE_EMPTY
from database.tables import log

ROWS_AT_ONCE = 1000  # looked at, and erased at most, in one step
SHRINK_ABOVE = 1 / 4
_OVERWRITE = "UPDATE log SET {} WHERE id = ?".format(  # our names  # nosec B608
    ", ".join(
        f"{column.name} = zeroblob(octet_length({column.name}))"
        if isinstance(column.type, String)
        else f"{column.name} = {'NULL' if column.nullable else 0}"
        for column in log.c
        if not column.primary_key
    )
)
_NEXT_OF_APP = f"SELECT id, {KEY_OF} FROM log WHERE app_id = ? LIMIT ?"  # nosec B608
_NEXT_OF_PERSON = f"SELECT id, {KEY_OF} FROM log WHERE id > ? AND id <= ? AND {{}} = ?"  # our names  # nosec B608
_COUNT = "SELECT count(*) + coalesce(sum(time), 0) FROM log WHERE app_id = 0"
_COUNTS = """
SELECT (SELECT max(id) FROM log), count(*), coalesce(sum(time), 0) FROM log WHERE app_id = 0
"""
_TEXTS_OF = f"text = {MADE} AND first <= :high AND last >= :low"
_OVERWRITE_TEXTS = f"""
UPDATE block_part SET data = zeroblob(length(data)) WHERE id IN
(SELECT number * {BY_BLOCK.by_block} + {part_id(BY_BLOCK, 0, TEXT)} FROM block WHERE {_TEXTS_OF})
"""  # our names and numbers  # nosec B608
_TEXTS_ARE_STALE = f"UPDATE block SET text = {STALE} WHERE {_TEXTS_OF}"  # nosec B608
_FORGET_COUNTERS = "DELETE FROM day_counter WHERE app_id = ?"
_SHRINK = """
BEGIN IMMEDIATE;
CREATE TEMP TABLE erased AS
    SELECT max(id) AS kept, count(*) + coalesce(sum(time), 0) - 1 AS others
    FROM log WHERE app_id = 0;
DELETE FROM log WHERE app_id = 0 AND id < (SELECT kept FROM erased);
UPDATE log SET time = (SELECT others FROM erased) WHERE id = (SELECT kept FROM erased);
COMMIT;
VACUUM;
"""


def erase(connection: apsw.Connection, target: Target, after: int) -> Erased:
    """Erase the target's records among the next rows behind the id `after`, in one transaction.

    Raises apsw.BusyError when another process, which shrinks the file, is at it.
    """
    found, reached, last = _next(connection, target, after)
    if found or target.for_ever:
        with _changing(connection):
            connection.executemany(_OVERWRITE, ((number,) for number, *_ in found))
            if found:
                _forget_texts(connection, [number for number, *_ in found])
            _take_out(connection, Counter(tuple(key) for _, *key in found))
            if target.for_ever:
                connection.execute(_FORGET_COUNTERS, (int(target.value),))
    return Erased(Counter(app_id for _, app_id, *_ in found), reached, last)


def _forget_texts(connection: apsw.Connection, ids: list[int]) -> None:
    """Overwrite the texts of blocks with these records; they are made anew later."""
    theirs = {"low": min(ids), "high": max(ids)}
    connection.execute(_OVERWRITE_TEXTS, theirs)
    connection.execute(_TEXTS_ARE_STALE, theirs)


def _take_out(connection: apsw.Connection, minutes: Counter[tuple[int, ...]]) -> None:
    """Take so many records out of the roll-up; what tells of no other record goes."""
    connection.executemany(ADD, ((*key, -records) for key, records in minutes.items()))
    connection.executemany(REMOVE_EMPTY, minutes)


def _next(
    connection: apsw.Connection, target: Target, after: int
) -> tuple[list[tuple[int, ...]], int | None, int | None]:
    """The target's next records, (id, *MinuteKey); from where to go on and how far, as `Erased`."""
    if target.field == "app":
        found: list[Any] = connection.execute(
            _NEXT_OF_APP, (int(target.value), ROWS_AT_ONCE)
        ).fetchall()
        return found, after if len(found) == ROWS_AT_ONCE else None, None
    end = after + ROWS_AT_ONCE
    statement = _NEXT_OF_PERSON.format(target.field)
    rows: list[Any] = connection.execute(statement, (after, end, target.value)).fetchall()
    last = connection.execute("SELECT max(id) FROM log").fetchone()
    last_id: int = (last and last[0]) or 0
    found = [(number, *key) for number, *key in rows if target.covers(key[0])]
    return found, end if end < last_id else None, last_id


def count_erased(connection: apsw.Connection) -> int:
    """How many of a day's records have been erased."""
    row = connection.execute(_COUNT).fetchone()
    return int(row[0]) if row else 0


def wipe_log(connection: apsw.Connection) -> bool:
    """Empty the write-ahead log, where the overwritten still stands; False while it is read."""
    try:
        with _impatient(connection):
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.BusyError:
        return False
    return True


def is_worth_shrinking(connection: apsw.Connection) -> bool:
    """Whether so many of a day's rows are erased that its disk should come back."""
    rows: list[Any] = connection.execute(_COUNTS).fetchall()
    last, erased, others = rows[0]  # of the erased ones, `others` have no row any more
    if erased > max(1, ((last or 0) - others) * SHRINK_ABOVE):
        return True
    free, pages = connection.pragma("freelist_count"), connection.pragma("page_count")
    return bool(free > pages * SHRINK_ABOVE)  # it was stopped before the disk came back


def shrink(path: Path) -> None:
    """Give the disk of a day's erased records back, beside readers; nobody may write meanwhile.

    Killed at any moment, it has been done or not. Raises apsw.Error.
    """
    with closing(open_for_reading(path)) as connection:
        connection.execute("PRAGMA query_only = OFF")
        connection.execute(_SHRINK)
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


@contextmanager
def _changing(connection: apsw.Connection) -> Iterator[None]:
    """A transaction that overwrites what it frees."""
    connection.execute("PRAGMA secure_delete = ON")
    try:
        with _impatient(connection):
            connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA secure_delete = OFF")


@contextmanager
def _impatient(connection: apsw.Connection) -> Iterator[None]:
    """Don't wait for others: what is not free now will be free later."""
    connection.set_busy_timeout(0)
    try:
        yield
    finally:
        connection.set_busy_timeout(BUSY_MS)
