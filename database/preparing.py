"""From the journal's frames to what a store takes: rows, and small frames joined."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, groupby
from typing import Any

from database.day_append import Prepared
from database.frame import UNTRUSTED, Frame
from database.rollup import Minutes
from database.rows import (
    SEVERITY,
    TIME,
    WIDTH,
    Values,
    decode,
    make_rows,
    mark_untrusted,
    time_range,
)
from utils.clock import MINUTE, day_of
from utils.record import Form

PART_RECORDS = 250  # in one joined frame, about; no longer in the processor's caches if more


def prepared_of(frame: Frame) -> Prepared:
    """A frame with its rows, not packed yet. Raises whatever is wrong with it."""
    day_of(frame.received_at)  # fails beyond the calendar
    decoded = decode(Form(frame.form), frame.payload)
    values = make_rows(frame.app_id, frame.received_at, decoded)
    if frame.flags & UNTRUSTED:
        mark_untrusted(values)
    records = len(values) // WIDTH
    return Prepared(frame, records, values, decoded.rejected, time_range(values))


def packed(prepared: Prepared, pack: Callable[[Values], Any]) -> Prepared:
    """A frame, joined or not, with its rows counted and packed for their store."""
    minutes = _count_minutes(prepared.rows, prepared.times)
    return prepared._replace(rows=pack(prepared.rows), minutes=minutes)


def _count_minutes(values: Values, times: tuple[int, int]) -> Minutes:
    """How many rows there are of each minute and severity; `times` is their `time_range`."""
    first, last = (time // MINUTE for time in times)
    severities = values[SEVERITY::WIDTH]
    if first == last:  # as most often, and then it takes a quarter of the time
        return [(first, severity, n) for severity, n in Counter(severities).items()]
    minutes = [time // MINUTE for time in values[TIME::WIDTH]]
    counts = Counter(zip(minutes, severities, strict=True))
    return [(minute, severity, n) for (minute, severity), n in counts.items()]


def joined(prepared: Iterator[Prepared]) -> Iterator[Prepared]:
    """Neighbours of a kind as one frame, not packed yet: taking one costs more than a record."""
    for _, alike in groupby(prepared, _kind):
        run: list[Prepared] = []
        size = 0
        for one in alike:
            run.append(one)
            size += one.records
            if size >= PART_RECORDS:
                yield _as_one(run)
                run, size = [], 0
        if run:
            yield _as_one(run)


def _kind(prepared: Prepared) -> tuple[int, ...]:
    """What frames have in common that are stored and counted alike; a frame's own place if they
    may have been stored before, or hold more than rows.
    """
    frame = prepared.frame
    if frame.key or prepared.rejected or not prepared.records:
        return (frame.start,)
    return frame.app_id, frame.received_at // MINUTE, frame.flags


def _as_one(run: list[Prepared]) -> Prepared:
    first, last = run[0], run[-1]
    frame = last.frame._replace(
        start=first.frame.start, records=sum(one.frame.records for one in run), payload=b""
    )
    if first is last:
        return first._replace(frame=frame, rejected=dict(first.rejected))
    rows = list(chain.from_iterable(one.rows for one in run))
    times = min(one.times[0] for one in run), max(one.times[1] for one in run)
    return Prepared(frame, sum(one.records for one in run), rows, {}, times)
