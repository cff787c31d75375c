"""The tailing part of the door to the records: in the order in which they were stored.

Within a partition that is the order of ids; a later id is never stored before an earlier one, but
on MySQL, where several nodes store at once (`LogTail.settled`).
"""

import time
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

from sqlalchemy import bindparam, false, func, literal_column, select, text

from database import expression
from database.catalogue import Partition
from database.expression import All, Compares
from database.log_counter import LogCounter
from database.log_query import COLUMNS, LogFilter
from database.log_reader import Rows, Unreadable
from database.log_terms import Terms
from database.scan import OutOfTime
from database.tables import log

APART = 10_000  # from the names of one reader's values to the next one's
WIDTH = len(COLUMNS)
BY_ID = {"sqlite": "NOT INDEXED", "mysql": "FORCE INDEX (PRIMARY)"}  # the next rows, and no others


class Wanted(NamedTuple):
    """What one reader wants of each record: an SQL condition, and the values to bind in it."""

    sql: str
    values: dict[str, Any]


class LogTail(LogCounter):
    """What was stored, stretch by stretch, from any thread."""

    settle_seconds = 0.0  # for so long an id that was given may be in no row that can be seen

    def wanted_by(self, wanted: LogFilter, number: int) -> Wanted:
        """A filter, ready for `follow`, where each reader needs another number."""
        times = ((">=", wanted.start), ("<", wanted.end))
        bounds = (Compares("time", sign, at) for sign, at in times if at is not None)
        where, first = All((wanted.where, *bounds)), number * APART
        apps = {f"app{number}_{n}": app_id for n, app_id in enumerate(wanted.apps)}
        is_own = log.c.app_id.in_(map(bindparam, apps)) if apps else false()
        asked = expression.condition_of(expression.shape_of(where), self.terms, count(first))
        sql = str((is_own & asked).compile(dialect=self.terms.dialect))
        return Wanted(sql, apps | expression.values_of(where, self.terms, count(first)))

    def follow(
        self,
        day: str,
        after: int,
        up_to: int,
        readers: Sequence[Wanted],
        deadline: float | None = None,
    ) -> Rows:
        """The records of a partition with `after` < id ≤ `up_to` that any of the readers wants.

        Each row is a record's values and then, for each reader, whether it wants this one. Raises
        Unreadable and OutOfTime.
        """
        conditions = [f"({reader.sql})" for reader in readers]
        flags, any_of = ", ".join(conditions), " OR ".join(conditions)
        values: dict[str, Any] = {"after": after, "up_to": up_to}
        for reader in readers:
            values |= reader.values
        sql = _follow_sql(self.terms).format(flags=flags, any_of=any_of)
        return self._rows(day, sql, [values], deadline)

    def newest_id(self, day: str) -> int:
        """The last id of a partition that a query finds, 0 for none. Raises Unreadable."""
        rows = self._rows(day, _newest_sql(self.terms), [{}], None)
        return (rows[0][0] or 0) if rows else 0

    def begin(self, apps: tuple[int, ...], start: int) -> dict[str, int]:
        """By partition, the id before the first one of these apps' records from a time (µs) on.

        Partitions without such records are left out.
        """
        places = {}
        for partition in self.growing():
            if partition.min_time >= start:
                places[partition.name] = 0
            elif partition.max_time >= start:
                first = self._first_id(partition.name, apps, start)
                if first:
                    places[partition.name] = first - 1
        return places

    def _first_id(self, day: str, apps: tuple[int, ...], start: int) -> int | None:
        bindings = [{"app_id": app_id, "start": start} for app_id in apps]
        try:
            rows = self._rows(
                day, _first_sql(self.terms), bindings, time.monotonic() + self.seconds
            )
        except OutOfTime:
            return 1
        except Unreadable:
            return None
        return min((number for (number,) in rows if number), default=None)

    def settled(self, day: str, after: int, up_to: int) -> int:
        """The last id up to which all that will ever be there is there: at most `up_to`.

        All is there up to `after`. Where this is less than `up_to`, others are storing.
        """
        return up_to

    def is_anew(self, day: str, after: int) -> bool:
        """Whether a partition whose last id was `after` has begun with its ids anew."""
        return self.newest_id(day) < after

    def growing(self) -> list[Partition]:
        """All partitions to which something may be added, the newest day first."""
        return self._open_partitions()


@lru_cache(maxsize=4)
def _follow_sql(terms: Terms) -> str:
    """With {flags} and {any_of} to be filled in."""
    here = (log.c.id > bindparam("after"), log.c.id <= bindparam("up_to"), text("({any_of})"))
    statement = select(log, literal_column("{flags}")).where(*here).order_by(log.c.id)
    return terms.compiled(statement).replace("FROM log", f"FROM log {BY_ID[terms.dialect.name]}", 1)


@lru_cache(maxsize=4)
def _newest_sql(terms: Terms) -> str:
    return terms.compiled(select(func.max(log.c.id)))


@lru_cache(maxsize=4)
def _first_sql(terms: Terms) -> str:
    own = (log.c.app_id == bindparam("app_id"), log.c.time >= bindparam("start"))
    return terms.compiled(select(func.min(log.c.id)).where(*own))
