"""The reading half of the door to the records: search, count, get."""

from abc import ABC, abstractmethod
from collections import Counter
from itertools import repeat
from typing import Any, NamedTuple

from sqlalchemy import Engine

from database import log_query
from database.catalogue import DROPPING, Catalogue, Partition
from database.log_query import LogFilter, Position
from database.log_terms import Terms
from utils.log import log as logger

# A stored record: its partition's day, and its values in the order of `log_query.COLUMNS`.
Row = tuple[str, tuple[Any, ...]]
Rows = list[tuple[Any, ...]]


class Unreadable(Exception):
    """A partition is damaged; the others answer."""


class Page(NamedTuple):
    """Records in order, and the days whose partitions could not be read."""

    rows: list[Row]
    unreadable: list[str]


class LogReader(ABC):
    """Queries over all partitions, from any thread; `terms` are the database's way to say them."""

    def __init__(self, engine: Engine, terms: Terms) -> None:
        self.catalogue = Catalogue(engine)
        self.terms = terms

    def search(
        self,
        wanted: LogFilter,
        limit: int,
        newest_first: bool = True,
        after: Position | None = None,
    ) -> Page:
        """The first `limit` records after a position, in order of (time, day, id)."""
        rows: list[Row] = []
        unreadable: list[str] = []
        for partition in self._partitions(wanted, newest_first):
            if len(rows) >= limit and _is_beyond(partition, rows[-1], newest_first):
                break
            day = partition.name
            side = _side(day, after, newest_first)
            sql = log_query.page_sql(log_query.shape_of(wanted), newest_first, side, self.terms)
            values = {"limit": limit}
            if after is not None:
                values |= {"cursor_time": after.time, "cursor_id": after.id}
            found = self._select(day, sql, wanted, values, unreadable)
            in_order = not rows and len(wanted.apps) == 1
            rows += zip(repeat(day), found)
            if not in_order:
                rows.sort(key=position_of, reverse=newest_first)
                del rows[limit:]
        return Page(rows, unreadable)

    def count(self, wanted: LogFilter, width: int) -> tuple[Counter[tuple[int, int]], list[str]]:
        """How many records there are by (bucket of `width` µs, severity); days not readable."""
        counts: Counter[tuple[int, int]] = Counter()
        unreadable: list[str] = []
        sql = log_query.histogram_sql(log_query.shape_of(wanted), self.terms)
        for partition in self._partitions(wanted, newest_first=True):
            found = self._select(partition.name, sql, wanted, {"width": width}, unreadable)
            for bucket, severity, records in found:
                counts[bucket, severity] += records
        return counts, unreadable

    def get(self, day: str, number: int, apps: tuple[int, ...]) -> Row | None:
        """One record of these apps by its partition and id."""
        if not any(partition.name == day for partition in self._open_partitions()):
            return None
        sql = log_query.record_sql(self.terms)
        found = self._select(day, sql, LogFilter(apps), {"id": number}, [])
        return (day, found[0]) if found else None

    def _select(
        self,
        day: str,
        sql: str,
        wanted: LogFilter,
        values: dict[str, Any],
        unreadable: list[str],
    ) -> Rows:
        """Run a statement on one partition, app by app; a damaged one must not harm the others."""
        values = log_query.values_of(wanted, self.terms) | values
        try:
            return self._rows(day, sql, [values | {"app_id": app_id} for app_id in wanted.apps])
        except Unreadable as error:
            logger.error("partition %s can't be read: %s", day, error)
            unreadable.append(day)
            return []

    @abstractmethod
    def _rows(self, day: str, sql: str, bindings: list[dict[str, Any]]) -> Rows:
        """What a statement finds in a partition, with each of the bindings in turn.

        Nothing when the partition was dropped meanwhile. Raises Unreadable when it is damaged.
        """

    def _partitions(self, wanted: LogFilter, newest_first: bool) -> list[Partition]:
        """The partitions that can hold what is wanted, in the order in which a page fills."""
        self.release_dropped()
        there = [
            partition
            for partition in self._open_partitions()
            if (wanted.start is None or partition.max_time >= wanted.start)
            and (wanted.end is None or partition.min_time < wanted.end)
        ]
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
