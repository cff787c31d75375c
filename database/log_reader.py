"""The reading half of the door to the records: search and get."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import repeat
from typing import Any, NamedTuple

from sqlalchemy import Engine

from database import log_query
from database.blocks import SCHEMA_SINCE
from database.catalogue import DROPPING, Catalogue, Partition, overlapping, range_of
from database.log_query import LogFilter, Position, Shape
from database.log_terms import Terms
from database.minutes import within_minutes
from database.narrowing import NOWHERE, Among, has_value, narrow
from database.rollup import SCHEMA_SINCE as ROLLED_UP_SINCE
from database.scan import OutOfTime, Scan
from utils.log import log as logger

RELEASE_SECONDS = 1.0  # queries ask as seldom whether they still hold what was dropped

# A stored record: its partition's day, and its values in the order of `log_query.COLUMNS`.
Row = tuple[str, tuple[Any, ...]]
Rows = list[tuple[Any, ...]]


class Unreadable(Exception):
    """A partition is damaged; the others answer."""


class Page(NamedTuple):
    """Records in order, the days whose partitions could not be read, and how far it came.

    `reached` is set when the time was up: the page goes so far, and the next one begins there.
    """

    rows: list[Row]
    unreadable: list[str]
    reached: Position | None = None


class LogReader(ABC):
    """Queries over all partitions, from any thread; `terms` are the database's way to say them.

    A search or count takes about `seconds`.
    """

    def __init__(self, engine: Engine, terms: Terms, seconds: float) -> None:
        self.catalogue = Catalogue(engine)
        self.terms = terms
        self.seconds = seconds
        self._released_at = 0.0

    def search(
        self,
        wanted: LogFilter,
        limit: int,
        newest_first: bool = True,
        after: Position | None = None,
    ) -> Page:
        """The first `limit` records after a position, in order of (time, day, id)."""
        page = Page([], [])
        there = self.partitions_of(wanted, newest_first)
        low, high = range_of(there, wanted)
        if after is not None and newest_first:
            high = min(high, after.time + 1 if after.day else after.time)
        elif after is not None:
            low = max(low, after.time)

        def look(low: int, high: int, deadline: float | None) -> bool:
            part = wanted._replace(start=low, end=high)
            most, within = limit - len(page.rows), overlapping(there, part)
            asked = (most, newest_first, after, deadline)
            page.rows.extend(self._slice(within, part, asked, page.unreadable))
            return len(page.rows) >= limit

        edge = Scan(low, high, newest_first, self.seconds).run(look)
        # Before or after all of that time, as no day is before "".
        return page if edge is None else page._replace(reached=Position(edge, "", 0))

    def _slice(
        self, partitions: list[Partition], wanted: LogFilter, asked: "_Asked", unreadable: list[str]
    ) -> list[Row]:
        limit, newest_first, after, deadline = asked
        rows: list[Row] = []
        for partition in partitions:
            if rows and len(rows) >= limit and _is_beyond(partition, rows[-1], newest_first):
                break
            day = partition.name
            side = _side(day, after, newest_first)
            sql_of = partial(
                log_query.page_sql, newest_first=newest_first, after=side, terms=self.terms
            )
            values = {"limit": limit}
            if after is not None:
                values |= {"cursor_time": after.time, "cursor_id": after.id}
            in_order, found = not rows and len(wanted.apps) == 1, Rows()
            parts = self.split(partition, wanted, deadline)
            for part in reversed(parts) if newest_first else parts:
                found += self.select_from(partition, sql_of, part, values, unreadable, deadline)
                if len(found) >= limit:
                    break
            rows += zip(repeat(day), found)
            if not in_order:
                rows.sort(key=position_of, reverse=newest_first)
            del rows[limit:]
        return rows

    def get(self, day: str, number: int, apps: tuple[int, ...]) -> Row | None:
        """One record of these apps by its partition and id."""
        for partition in self._open_partitions():
            if partition.name == day:
                wanted, own = LogFilter(apps), {"id": number}
                found = self.select_from(partition, self._record_sql, wanted, own, [], None)
                return (day, found[0]) if found else None
        return None

    def _record_sql(self, _: Shape) -> str:
        return log_query.record_sql(self.terms)

    def select_from(
        self,
        partition: Partition,
        sql_of: Callable[[Shape], str],
        wanted: LogFilter,
        values: dict[str, Any],
        unreadable: list[str],
        deadline: float | None,
    ) -> Rows:
        """Run a statement on one partition, app by app; a damaged one must not harm the others.

        Where the partition's index tells in which records a filter's rarest part may be found, only
        those are looked at. Raises OutOfTime.
        """
        day = partition.name
        if day in unreadable:
            return []
        if deadline is not None and time.monotonic() >= deadline:
            raise OutOfTime
        shape, values = log_query.shape_of(wanted), log_query.values_of(wanted, self.terms) | values
        try:
            among = self._among(partition, wanted, deadline)
            if among == NOWHERE:
                return []
            if among is not None:
                shape = shape._replace(among=True)
                values |= {"ids": self.terms.numbers_value(among.ids), "tail": among.tail}
            bindings = [values | {"app_id": app_id} for app_id in wanted.apps]
            return self._rows(day, sql_of(shape), bindings, deadline)
        except Unreadable as error:
            logger.error("partition %s can't be read: %s", day, error)
            unreadable.append(day)
            return []

    def split(
        self, partition: Partition, wanted: LogFilter, deadline: float | None
    ) -> list[LogFilter]:
        """Filters that find in a partition what one finds, and for which less is looked at.

        They are apart in time, the earliest first. Raises OutOfTime.
        """
        if partition.schema_version < ROLLED_UP_SINCE or has_value(wanted.where):
            return [wanted]
        with suppress(Unreadable):  # which is told when it is searched
            ask = partial(self._rows, partition.name, deadline=deadline)
            return within_minutes(wanted, self.terms, ask)
        return [wanted]

    def _among(
        self, partition: Partition, wanted: LogFilter, deadline: float | None
    ) -> Among | None:
        def ask(sql: str, values: dict[str, Any]) -> Rows:
            return self._rows(partition.name, sql, [values], deadline)

        is_indexed = partition.schema_version >= SCHEMA_SINCE
        return narrow(wanted, self.terms, ask, deadline) if is_indexed else None

    @abstractmethod
    def _rows(
        self, day: str, sql: str, bindings: list[dict[str, Any]], deadline: float | None
    ) -> Rows:
        """What a statement finds in a partition, with each of the bindings in turn.

        Nothing when the partition was dropped meanwhile. Raises Unreadable when it is damaged, and
        OutOfTime at the deadline, when the database has given up the statement.
        """

    def partitions_of(self, wanted: LogFilter, newest_first: bool) -> list[Partition]:
        """The partitions that can hold what is wanted, in the order in which a page fills."""
        if time.monotonic() - self._released_at > RELEASE_SECONDS:
            self._released_at = time.monotonic()
            self.release_dropped()
        there = overlapping(self._open_partitions(), wanted)
        if newest_first:
            return sorted(there, key=lambda partition: partition.max_time, reverse=True)
        return sorted(there, key=lambda partition: partition.min_time)

    def version(self) -> str | None:
        """What is another one after every change of the records; None: no cheaper than a search.

        As with SQLite, which finds the newest in less time than Redis needs to hand them over.
        """
        return None

    def _open_partitions(self) -> list[Partition]:
        """All but those being dropped: a drop waits for queries, and others would wait for it."""
        return [p for p in self.catalogue.partitions() if p.drop_requested < DROPPING]

    @abstractmethod
    def release_dropped(self) -> None:
        """Let go of what this process still holds of dropped partitions."""


def position_of(row: Row) -> Position:
    """A record's place in the order of a query."""
    day, values = row
    return Position(values[2], day, values[0])


_Asked = tuple[int, bool, Position | None, float | None]  # limit, newest first, after, deadline


def _is_beyond(partition: Partition, last: Row, newest_first: bool) -> bool:
    """Whether all of a partition comes after a page that is full."""
    time: int = last[1][2]
    return partition.max_time < time if newest_first else partition.min_time > time


def _side(day: str, after: Position | None, newest_first: bool) -> str:
    """Where a partition stands to a cursor (see `log_query.page_sql`)."""
    if after is None:
        return ""
    if day == after.day:
        return "day"
    return "time_too" if (day < after.day) == newest_first else "time"
