"""The counting part of the door to the records: by time, by values."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

from database import log_query
from database.catalogue import Partition, overlapping, range_of
from database.log_query import MAX_NAMED, LogFilter, Shape
from database.log_reader import LogReader, Rows
from database.rollup import SCHEMA_SINCE
from database.scan import OutOfTime, Scan
from utils.clock import MINUTE

MAX_VALUES = 10_000  # of one statement, the most frequent
MAX_KINDS = 100_000  # in memory

SqlOf = Callable[[Shape], str]


class Counts(NamedTuple):
    """How many records there are of each kind, and the days that could not be read.

    `partial`: the time was up before all were counted, the newest first. `approximate`: there are
    so many values that the counts of rare ones may be too low.
    """

    records: Counter[Any]
    unreadable: list[str]
    partial: bool
    approximate: bool = False


class LogCounter(LogReader):
    """Counts over all partitions, from any thread."""

    def count(self, wanted: LogFilter, width: int) -> Counts:
        """How many records there are by (bucket of `width` µs, severity).

        Whole minutes come from the roll-up where that tells all that decides; the rest, at the
        edges, from the records.
        """
        there, end = self.partitions_of(wanted, newest_first=True), monotonic() + self.seconds
        is_rolled_up = log_query.is_rolled_up(wanted, width)
        rolled_up = [p for p in there if is_rolled_up and p.schema_version >= SCHEMA_SINCE]
        first, last = _whole_minutes(wanted, rolled_up)
        if first >= last:
            return self._count_rows(wanted, width, there, end)
        counts = self._sum_up(wanted._replace(start=first, end=last), width, rolled_up, end)
        for part, partitions in (
            (wanted._replace(start=last), rolled_up),
            (wanted._replace(end=first), rolled_up),
            (wanted, [p for p in there if p not in rolled_up]),
        ):
            counts = _both(counts, self._count_rows(part, width, partitions, end))
        return counts

    def _count_rows(
        self, wanted: LogFilter, width: int, there: list[Partition], end: float
    ) -> Counts:
        def sql_of(shape: Shape) -> str:
            return log_query.histogram_sql(shape, self.terms)

        return self._count(wanted, sql_of, {"width": width}, end - monotonic(), there)

    def _sum_up(self, wanted: LogFilter, width: int, there: list[Partition], end: float) -> Counts:
        """The same out of the roll-up; `wanted` begins and ends with a minute."""
        counts = Counts(Counter(), [], False)
        sql_of = partial(log_query.rollup_sql, terms=self.terms)
        assert wanted.start is not None and wanted.end is not None
        minutes = {"start": wanted.start // MINUTE, "end": wanted.end // MINUTE}
        minutes["width"] = width // MINUTE
        for partition in overlapping(there, wanted):
            try:
                rows = self.select_from(partition, sql_of, wanted, minutes, counts.unreadable, end)
            except OutOfTime:
                return counts._replace(partial=True)
            for bucket, severity, records in rows:
                counts.records[bucket, severity] += records
        return counts

    def count_by(self, wanted: LogFilter, width: int, column: str) -> Counts:
        """The same by (bucket, value of a text column), of which the MAX_NAMED most frequent.

        The value is "" where there is none, and None for all others.
        """
        top = self._values(wanted, column, "", self.seconds / 2)
        del top.records["",]
        names = [name for (name,), _ in top.records.most_common(MAX_NAMED)]
        named = {f"t{n}": names[n] if n < len(names) else "" for n in range(MAX_NAMED)}

        def sql_of(shape: Shape) -> str:
            return log_query.histogram_by_sql(shape, column, self.terms)

        return self._count(wanted, sql_of, {"width": width, **named}, self.seconds / 2)

    def count_values(self, wanted: LogFilter, column: str, path: str = "") -> Counts:
        """How many records there are by (value,) of a column, or of a JSON column's member.

        Members are JSON texts. Records without a value are not among them.
        """
        return self._values(wanted, column, path, self.seconds)

    def count_seqs(self, wanted: LogFilter) -> Counts:
        """How many records there are by (app, session, `seq`); `approximate`: there are too many
        to tell them all.
        """

        def sql_of(shape: Shape) -> str:
            return log_query.seqs_sql(shape, self.terms)

        return self._count(wanted, sql_of, {"limit": MAX_KINDS}, self.seconds)

    def _values(self, wanted: LogFilter, column: str, path: str, seconds: float) -> Counts:
        def sql_of(shape: Shape) -> str:
            return log_query.values_sql(shape, column, bool(path), self.terms)

        paths = self.terms.paths("member", path) if path else {}
        counts = self._count(wanted, sql_of, {"limit": MAX_VALUES, **paths}, seconds)
        del counts.records[None,]
        return counts

    def _count(
        self,
        wanted: LogFilter,
        sql_of: SqlOf,
        values: dict[str, Any],
        seconds: float,
        there: list[Partition] | None = None,
    ) -> Counts:
        """The sums of what a statement counts in each partition: its last column, by the others."""
        counts = Counts(Counter(), [], False)
        if there is None:
            there = self.partitions_of(wanted, newest_first=True)
        were_cut = False

        def look(low: int, high: int, deadline: float | None) -> bool:
            nonlocal were_cut
            part, found = wanted._replace(start=low, end=high), Rows()
            is_cut = False
            for partition in overlapping(there, part):
                for stretch in self.split(partition, part, deadline):
                    rows = self.select_from(
                        partition, sql_of, stretch, values, counts.unreadable, deadline
                    )
                    is_cut |= len(rows) >= values.get("limit", float("inf"))
                    found += rows
            for *kind, records in found:
                counts.records[tuple(kind)] += records
            were_cut |= is_cut | ("limit" in values and _forget_rare(counts.records))
            return False

        edge = Scan(*range_of(there, wanted), True, seconds).run(look)
        return counts._replace(partial=edge is not None, approximate=were_cut)


def _whole_minutes(wanted: LogFilter, there: list[Partition]) -> tuple[int, int]:
    """The times between which a filter's minutes are whole: it may begin and end within one."""
    low, high = range_of(there, wanted)
    first, last = low // MINUTE * MINUTE, -(-high // MINUTE) * MINUTE
    if wanted.start is not None and first < wanted.start:
        first += MINUTE
    if wanted.end is not None and last > wanted.end:
        last -= MINUTE
    return first, last


def _both(some: Counts, others: Counts) -> Counts:
    """The sums of two counts of different records."""
    some.records.update(others.records)
    unreadable = list(dict.fromkeys(some.unreadable + others.unreadable))
    return some._replace(unreadable=unreadable, partial=some.partial or others.partial)


def _forget_rare(counts: Counter[Any]) -> bool:
    """Keep only frequent kinds when there are too many; whether there were."""
    if len(counts) <= MAX_KINDS:
        return False
    kept = counts.most_common(MAX_KINDS // 2)
    counts.clear()
    counts.update(dict(kept))
    return True
