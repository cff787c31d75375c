"""The store on MySQL or MariaDB: a table for each received day, shared by any number of nodes."""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from sqlalchemy import Engine, between, delete, select, update
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.exc import SQLAlchemyError

from database import mysql_append, mysql_days, mysql_erase, mysql_tail
from database.day_append import Appended, Prepared
from database.engine import migrate
from database.log_reader import Rows, Unreadable
from database.log_store import Erased, LogStore, Target
from database.mysql_bulk import Bulk, Packed, pack
from database.mysql_engine import flush_seconds, patient, reading, within
from database.mysql_errors import (
    BROKEN,
    NO_TABLE,
    TOOK_TOO_LONG,
    Away,
    explain,
    explained,
    number_of,
)
from database.mysql_index import MySQLIndexer
from database.mysql_tables import of_day
from database.mysql_terms import MYSQL
from database.rows import Values
from database.scan import QUERY_SECONDS, OutOfTime
from database.tables import shared_batch, shared_position
from exceptions import StartError
from utils.clock import DAY, day_of, now_us

FORGET_SECONDS = 60.0
FORGET_AFTER = 10 * DAY
FORGET_AT_ONCE = 10_000
FORGOTTEN = ""  # in place of a segment: how many were forgotten


class MySQLStore(LogStore):
    """All day tables. It has connections of its own, whose statements may take long."""

    settle_seconds = 0.1

    def __init__(self, engine: Engine, seconds: float = QUERY_SECONDS) -> None:
        self._reading = reading(engine)
        super().__init__(self._reading, MYSQL, seconds)
        self.engine = patient(engine)
        self._bulk = Bulk()
        self._indexer = MySQLIndexer()
        self._ranges: dict[str, tuple[int, int]] = {}
        self._changed: set[str] = set()
        self._appended_at: dict[str, float] = {}
        self._taken_over_at = 0.0
        self._forgot_at = 0.0
        self._flush_seconds = 0.0

    def pack(self, values: Values) -> Packed:
        """Rows as LOAD DATA nearly reads them."""
        return pack(values)

    def append(self, segment: str, batch: Iterable[Prepared]) -> Iterator[Appended]:
        """Store frames of one segment, a transaction for each run of one received day."""
        for day, run in groupby(batch, lambda prepared: day_of(prepared.frame.received_at)):
            yield self._append_day(day, segment, list(run))

    def _append_day(self, day: str, segment: str, batch: list[Prepared]) -> Appended:
        with explained():
            low, high = mysql_append.range_of(batch)
            known = self._ranges.get(day)
            if known is None or low < known[0] or high > known[1]:
                self._ranges[day] = mysql_days.widen(self.engine, day, low, high)
        self._changed.add(day)
        try:
            return mysql_append.append(self.engine, self._bulk, day, segment, batch)
        except Away:
            self._ranges.pop(day, None)  # another node may have dropped it
            raise
        finally:
            self._appended_at[segment] = time.monotonic()  # after the commit, which may take long

    def positions(self, segments: Collection[str]) -> dict[str, int]:
        """How far each segment of any node is stored."""
        try:
            migrate(self.engine)  # the database may have been away when this node started
        except StartError as error:
            raise Away(str(error)) from error
        self._taken_over_at = time.monotonic()
        with explained(), self.engine.connect() as connection:
            self._flush_seconds = flush_seconds(connection)
            return {
                row.segment: mysql_append.reached(row.position)
                for row in connection.execute(select(shared_position))
                if row.segment != FORGOTTEN
            }

    def forget_segment(self, segment: str) -> None:
        """Note that a segment is gone, since it was stored as a whole.

        A backup may hold a copy of it, and be restored with a dump that was made later.
        """
        with explained(), self.engine.begin() as connection:
            place = update(shared_position).where(shared_position.c.segment == segment, _IS_THERE)
            if connection.execute(place.values(position=-now_us())).rowcount:
                connection.execute(_COUNT_FORGOTTEN)
        self._appended_at.pop(segment, None)

    def make_durable(self, segments: Collection[str]) -> Collection[str]:
        """Those whose last transaction is as old as the server may leave one unwritten."""
        safe = time.monotonic() - self._flush_seconds
        last = self._appended_at
        return [name for name in segments if last.get(name, self._taken_over_at) <= safe]

    def publish(self) -> None:
        """Measure the changed days; the counters were added to with the rows."""
        with explained():
            for day in tuple(self._changed):
                with self.engine.begin() as connection:
                    mysql_days.measure(connection, day)
                self._changed.discard(day)
            self._forget()

    def _forget(self) -> None:
        """Forget batch keys a while after their 72 hours, and segments a while after their end.

        A journal may be days behind, and so may a dump be behind the backup that it belongs to.
        """
        if time.monotonic() - self._forgot_at < FORGET_SECONDS:
            return
        self._forgot_at = time.monotonic()
        before = now_us() - FORGET_AFTER
        is_long_gone = between(shared_position.c.position, -before, -1)
        for old in (
            delete(shared_batch).where(shared_batch.c.received_at < before),
            delete(shared_position).where(is_long_gone),
        ):
            with self.engine.begin() as connection:
                connection.execute(old.with_dialect_options(mysql_limit=FORGET_AT_ONCE))

    def close_writer(self) -> None:
        """Forget what was known of the database, when another takes over."""
        self._ranges.clear()
        self._changed.clear()
        self._appended_at.clear()
        self._bulk = Bulk()
        self._indexer.forget()

    def drop(self, day: str, segments: Collection[str]) -> None:
        """Drop a partition; positions are kept elsewhere, so nothing comes back."""
        self._ranges.pop(day, None)
        self._changed.discard(day)
        with explained():
            mysql_days.drop(self.engine, day)

    def erase(self, day: str, target: Target, after: int) -> Erased:
        """Erase a target's records among the next rows of a partition, behind the id `after`."""
        if not self._has(day):
            return Erased(Counter(), None)
        with self._unless_broken(), self.engine.begin() as connection:
            erased = mysql_erase.erase(connection, day, target, after)
            if erased.records:
                connection.execute(_COUNT_FORGOTTEN)  # another version of the store
            return erased

    @contextmanager
    def _unless_broken(self) -> Iterator[None]:
        try:
            with explained():
                yield
        except Away as error:
            if number_of(error.__cause__ or error) in BROKEN:
                raise Unreadable(str(error)) from error
            raise

    def settle(self, day: str) -> bool:
        """Have the day measured; what was deleted is InnoDB's to purge."""
        self._changed.add(day)
        return True

    def index(self, day: str, is_thorough: bool) -> bool:
        """Make the next block of a partition's index; False: there is none."""
        with self._unless_broken():
            return self._has(day) and self._indexer.index(self.engine, day, is_thorough)

    def upgrade(self) -> None:
        """Bring day tables of an older version to this version's schema."""
        with explained():
            mysql_days.upgrade(self.engine)
        self.engine.dispose()  # what comes next may be a fork

    # Reading.

    def _rows(
        self, day: str, sql: str, bindings: list[dict[str, Any]], deadline: float | None
    ) -> Rows:
        own = of_day(sql, day)
        rows: Rows = []
        try:
            with self._reading.connect() as connection:
                for values in bindings:
                    limited = within(own, deadline, connection.dialect)
                    rows += map(tuple, connection.exec_driver_sql(limited, values))
        except SQLAlchemyError as error:
            number = number_of(error)
            if number in TOOK_TOO_LONG and deadline is not None:
                raise OutOfTime from None
            if number in BROKEN or (number == NO_TABLE and self._has(day)):
                raise Unreadable(explain(error)) from error
            if number != NO_TABLE:
                raise
        return rows

    def settled(self, day: str, after: int, up_to: int) -> int:
        """The last id up to which no node is storing."""
        return mysql_tail.settled(self.engine, day, after, up_to)

    def is_anew(self, day: str, after: int) -> bool:
        """Whether the day was dropped and made again since its last id was `after`."""
        return mysql_tail.is_anew(self.engine, day, after)

    def version(self) -> str | None:
        """The days and how far each segment is stored in them, which is noted with the rows.

        A position only grows, and `FORGOTTEN` counts those that are gone: it never comes back.
        """
        days = [(p.name, p.drop_requested) for p in self.catalogue.partitions()]
        with explained(), self.engine.connect() as connection:
            places = connection.execute(_PLACES).all()
        return repr((days, places))

    def _has(self, day: str) -> bool:
        return any(partition.name == day for partition in self._open_partitions())

    def release_dropped(self) -> None:
        """Nothing is held: each query opens the tables that it reads."""


_IS_THERE = shared_position.c.position >= 0
_PLACES = select(shared_position).where(_IS_THERE).order_by(shared_position.c.segment)
_COUNT_FORGOTTEN = (
    insert(shared_position)
    .values(segment=FORGOTTEN, position=1)
    .on_duplicate_key_update(position=shared_position.c.position + 1)
)
