"""Rows, batch keys, counters and the journal position into a day's file, in one transaction."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import apsw

from database.day_file import DAMAGED
from database.frame import UNTRUSTED, Frame
from database.rollup import ADD, MinuteKey, Minutes
from database.rows import COLUMNS, WIDTH, Values
from utils.clock import MINUTE
from utils.record import LEFT_OUT, LOST

# Rows in one INSERT. A step of SQLite runs without the interpreter lock, so many rows in a step
# leave more of it to the requests beside; past a hundred the statement outgrows the caches.
ROWS_AT_ONCE = 25

_ROW = f"({','.join('?' * len(COLUMNS))})"
_INSERT = f"INSERT INTO log ({', '.join(COLUMNS)}) VALUES "  # our names  # nosec B608
_INSERT_ONE = _INSERT + _ROW
_VALUES_AT_ONCE = ROWS_AT_ONCE * WIDTH
_INSERT_MANY = _INSERT + ",".join([_ROW] * ROWS_AT_ONCE)
_ADD_TO_COUNTER = (
    "INSERT INTO day_counter (app_id, minute, outcome, records) VALUES (?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET records = records + excluded.records"
)
_REMEMBER_POSITION = "INSERT OR REPLACE INTO journal_position (segment, position) VALUES (?, ?)"
_REMEMBER_BATCH = "INSERT INTO log_batch (app_id, batch_key) VALUES (?, ?)"
_KNOWS_BATCH = "SELECT 1 FROM log_batch WHERE app_id = ? AND batch_key = ?"

CounterKey = tuple[int, int, str]  # app id, minute, outcome


class Prepared(NamedTuple):
    """A frame, its records as their store wants them (`LogStore.pack`), and those rejected.

    `times` are the earliest and the latest `time` of the rows, `minutes` how many of them belong to
    each minute and severity (once they are packed).
    """

    frame: Frame
    records: int
    rows: Any
    rejected: Mapping[str, int]
    times: tuple[int, int]
    minutes: Minutes = ()


class Appended(NamedTuple):
    """What one transaction did: rows stored, additions to the counters, the position reached."""

    stored: int
    counters: Counter[CounterKey]
    end: int


def append(
    connection: apsw.Connection,
    beside: list[apsw.Connection],
    segment: str,
    batch: Iterable[Prepared],
    before_commit: Callable[[int, int], None],
) -> Appended:
    """Store frames of one segment and one day, and that they are stored, or nothing at all.

    The batch is best made while it is taken: rows that are still in the processor's caches are
    stored faster, and never many of them are there. `beside` are the files of the other days in
    which a batch key may stand already; `before_commit` is told the range of `time` that they have.
    """
    counters: Counter[CounterKey] = Counter()
    minutes: Counter[MinuteKey] = Counter()
    keys: set[tuple[int, str]] = set()
    rows = Inserting(connection)
    end, received_at = 0, 0
    connection.execute("BEGIN IMMEDIATE")
    try:
        for prepared in batch:
            if _count(prepared, counters, keys, connection, beside):
                rows.add(prepared.rows, prepared.times)
                roll_up(minutes, prepared)
            end, received_at = prepared.frame.end, prepared.frame.received_at
        rows.finish()
        connection.executemany(_REMEMBER_BATCH, keys)
        connection.executemany(_ADD_TO_COUNTER, ((*key, n) for key, n in counters.items()))
        connection.executemany(ADD, ((*key, n) for key, n in minutes.items()))
        connection.execute(_REMEMBER_POSITION, (segment, end))
        before_commit(*(rows.range or (received_at, received_at)))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return Appended(rows.number, counters, end)


class Inserting:
    """Rows on their way into a day's file: how many, and the range of their `time`."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.number = 0
        self.range: tuple[int, int] | None = None
        self._connection = connection
        self._waiting: Values = []

    def add(self, values: Values, times: tuple[int, int]) -> None:
        """Insert rows, but for a few that wait for more."""
        if not values:
            return
        self.number += len(values) // WIDTH
        low, high = self.range or times
        self.range = min(low, times[0]), max(high, times[1])
        if self._waiting:
            self._waiting += values
            values = self._waiting
        whole = len(values) - len(values) % _VALUES_AT_ONCE
        if whole:
            for start in range(0, whole, _VALUES_AT_ONCE):
                self._connection.execute(_INSERT_MANY, values[start : start + _VALUES_AT_ONCE])
        if whole or not self._waiting:
            self._waiting = values[whole:]

    def finish(self) -> None:
        """Insert those that wait."""
        for start in range(0, len(self._waiting), WIDTH):
            self._connection.execute(_INSERT_ONE, self._waiting[start : start + WIDTH])


def _count(
    prepared: Prepared,
    counters: Counter[CounterKey],
    keys: set[tuple[int, str]],
    connection: apsw.Connection,
    beside: list[apsw.Connection],
) -> bool:
    """Count a frame's records by outcome; True when its rows are to be stored."""
    frame = prepared.frame
    key = (frame.app_id, frame.key)
    is_new = not frame.key or not (
        key in keys or _knows(connection, key) or _known_beside(beside, key)
    )
    if is_new and frame.key and prepared.records:
        keys.add(key)
    tally(counters, prepared, is_new)
    return is_new


def tally(counters: Counter[CounterKey], prepared: Prepared, is_new: bool) -> None:
    """Count a frame's records by outcome."""
    frame = prepared.frame
    minute = frame.received_at // MINUTE
    received = prepared.records
    for reason, records in prepared.rejected.items():
        if reason.startswith(LOST):
            counters[frame.app_id, minute, reason] += records
            continue
        received += records
        outcome = reason if reason in LEFT_OUT else f"rejected:{reason}"
        counters[frame.app_id, minute, outcome] += records
    counters[frame.app_id, minute, "received"] += received
    counters[frame.app_id, minute, "stored" if is_new else "duplicate"] += prepared.records


def roll_up(minutes: Counter[MinuteKey], prepared: Prepared) -> None:
    """Add a frame's rows, which are stored, to a roll-up."""
    frame = prepared.frame
    for minute, severity, records in prepared.minutes:
        minutes[frame.app_id, minute, severity, frame.flags & UNTRUSTED] += records


def _knows(file: apsw.Connection, key: tuple[int, str]) -> bool:
    return file.execute(_KNOWS_BATCH, key).fetchone() is not None


def _known_beside(files: list[apsw.Connection], key: tuple[int, str]) -> bool:
    """Whether another day has the batch; a damaged one must not keep this from being stored."""
    for file in files:
        with suppress(*DAMAGED):
            if _knows(file, key):
                return True
    return False
