"""What replies look like: the types behind the JSON, from which its description is made too."""

from typing import Any, Literal, TypedDict

from msgspec import Struct

from service.batch import Rejection


class _LogRecord(TypedDict):
    id: str
    app: int
    time: str
    received_at: str
    level: str
    severity: int
    message: str


class LogRecord(_LogRecord, total=False):
    """A stored record: what is always there, and what was reported. Times are RFC 3339."""

    logger: str
    environment: str
    release: str
    platform: str
    device_id: str
    session_id: str
    user_id: str
    trace_id: str
    span_id: str
    seq: int
    skew_ms: int
    truncated: bool
    untrusted: bool
    exception: Any
    attributes: Any


class _LogPage(TypedDict):
    logs: list[LogRecord]
    next_cursor: str | None


class LogPage(_LogPage, total=False):
    """A page of records, and the cursor of the next one (null: there is no more).

    `partial`: the time was up, and the cursor goes on from where the search was: `searched_to`.
    """

    partial: bool
    searched_to: str
    unreadable_days: list[str]


class _LogContext(TypedDict):
    before: list[LogRecord]
    log: LogRecord
    after: list[LogRecord]


class LogContext(_LogContext, total=False):
    """A record with those before and after it, in order of time.

    `partial`: the time was up before all were found.
    """

    partial: bool
    unreadable_days: list[str]


class Gap(TypedDict):
    """Numbers of a session that never arrived: from `first` to `last`."""

    app: int
    session_id: str
    first: int
    last: int
    missing: int


class _Timeline(LogPage):
    gaps: list[Gap]
    gaps_known: bool


class Timeline(_Timeline):
    """A page of records in order, and the gaps among all of them, not only those of the page.

    `gaps_known` is false when there was no time or there are too many to tell all.
    """


class _Bucket(TypedDict):
    time: str
    total: int
    counts: dict[str, int]


class Bucket(_Bucket, total=False):
    """The records of one stretch of time: by value, "" for none; `other` are those of rare ones."""

    other: int


class Reservations(TypedDict, total=False):
    """Why counts are not of all: the time was up before all were counted, the newest first; there
    are so many values that those of rare ones may be too low; days could not be read.
    """

    partial: bool
    approximate: bool
    unreadable_days: list[str]


_Histogram = TypedDict(
    "_Histogram", {"from": str, "to": str, "interval": int, "buckets": list[Bucket]}
)


class Histogram(_Histogram, Reservations):
    """Counts by time and a field; `interval` in seconds. Stretches without records are left out."""


class FacetValue(TypedDict):
    """A value, and how many records have it."""

    value: Any
    count: int


_Facets = TypedDict("_Facets", {"field": str, "from": str, "to": str, "values": list[FacetValue]})


class Facets(_Facets, Reservations):
    """The most frequent values of a field, and how many records have each."""


class _Receipt(TypedDict):
    accepted: int
    rejected: tuple[Rejection, ...]
    shed: int


class Receipt(_Receipt, total=False):
    """What became of a report; `filtered` are those that the app does not want."""

    filtered: int
    batch_id: str


class Health(TypedDict):
    """The process answers."""

    status: Literal["ok"]


class Readiness(TypedDict):
    """Whether the node accepts and stores, and why not."""

    status: Literal["ok", "degraded", "failing"]
    reasons: list[str]
    checks: dict[str, str | int]


class Change(Struct):
    """What scrubbing changes: the value at a path, or the name of a key there."""

    path: str
    before: Any
    after: Any
