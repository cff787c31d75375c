"""Counts: histograms by time, and the most frequent values of a field."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from database.log_counter import Counts, LogCounter
from exceptions import BadParameter
from service.parameters import Query
from service.replies import Bucket, Facets, Histogram, Reservations
from utils.clock import DAY, SECOND, format_time, now_us
from utils.level import level_name
from utils.record import dumps
from utils.wording import say

MAX_BUCKETS = 10_000
AIMED_BUCKETS = 200
INTERVALS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400)


def histogram(query: Query, log_store: LogCounter) -> Histogram:
    """Counts by time and a field; without `from`, over the 24 hours before `to` or now."""
    start, end = _span(query)
    wanted = query.wanted._replace(start=start, end=end)
    interval = query.interval or fitting_interval(end - start)
    if (end - start) // (interval * SECOND) > MAX_BUCKETS:
        raise BadParameter(say("interval is too short: more than {most} buckets", most=MAX_BUCKETS))
    if query.by == "level":
        counts = log_store.count(wanted, interval * SECOND)
        by_severity = counts.records.items()
        records = _summed(((time, level_name(n)), many) for (time, n), many in by_severity)
    else:
        counts = log_store.count_by(wanted, interval * SECOND, query.by)
        records = counts.records
    return {
        "from": format_time(max(start, 0)),
        "to": format_time(end),
        "interval": interval,
        "buckets": _buckets(records, interval * SECOND),
        **_reservations(counts),
    }


def facets(query: Query, log_store: LogCounter) -> Facets:
    """The most frequent values of a field; without `from`, over the 24 hours before `to` or now.

    Raises BadParameter.
    """
    if not query.field:
        raise BadParameter("field is missing")
    start, end = _span(query)
    wanted = query.wanted._replace(start=start, end=end)
    path = query.field.removeprefix("attr.")
    if path != query.field:
        counts = log_store.count_values(wanted, "attributes", path)
    else:
        counts = log_store.count_values(wanted, COLUMNS.get(query.field, query.field))
    found = ((_shown(query.field, value), many) for (value,), many in counts.records.items())
    ordered = sorted(_summed(found).items(), key=lambda item: (-item[1], item[0]))
    return {
        "field": query.field,
        "from": format_time(max(start, 0)),
        "to": format_time(end),
        "values": [
            {"value": msgspec.Raw(value.encode()), "count": many}
            for value, many in ordered[: query.limit]
        ],
        **_reservations(counts),
    }


COLUMNS = {"level": "severity", "app": "app_id"}


def _shown(field: str, value: Any) -> str:
    """A value as JSON; texts in one spelling, as a device may have written escapes."""
    if field == "level":
        value = level_name(value)
    elif field.startswith("attr."):
        if not value.startswith('"'):
            return str(value)
        value = msgspec.json.decode(value)
    return dumps(value).decode()


def _span(query: Query) -> tuple[int, int]:
    end = query.wanted.end if query.wanted.end is not None else now_us() + SECOND
    return query.wanted.start if query.wanted.start is not None else end - DAY, end


def fitting_interval(length: int) -> int:
    """The seconds of a bucket, so that a range of `length` µs has about AIMED_BUCKETS."""
    wanted = length / SECOND / AIMED_BUCKETS
    days = math.ceil(wanted / INTERVALS[-1])
    return next((length for length in INTERVALS if length >= wanted), days * INTERVALS[-1])


def _summed(found: Iterable[tuple[Any, int]]) -> Counter[Any]:
    sums: Counter[Any] = Counter()
    for kind, records in found:
        sums[kind] += records
    return sums


def _buckets(counts: Counter[Any], width: int) -> list[Bucket]:
    buckets: dict[int, Bucket] = {}
    for time in sorted({time for time, _ in counts}):
        buckets[time] = {"time": format_time(time * width), "total": 0, "counts": {}}
    for (time, kind), records in counts.items():
        bucket = buckets[time]
        bucket["total"] += records
        if kind is None:
            bucket["other"] = records
        else:
            bucket["counts"][kind] = records
    return list(buckets.values())


def _reservations(counts: Counts) -> Reservations:
    """What is to be said of counts that are not all."""
    said: Reservations = {}
    if counts.partial:
        said["partial"] = True
    if counts.approximate:
        said["approximate"] = True
    if counts.unreadable:
        said["unreadable_days"] = counts.unreadable
    return said
