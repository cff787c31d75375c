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

    `partial`: the time was up, and the cursor goes on from where the search was.
    """

    partial: bool
    unreadable_days: list[str]


class Bucket(TypedDict):
    """The records of one stretch of time, by level."""

    time: str
    total: int
    counts: dict[str, int]


_Histogram = TypedDict(
    "_Histogram", {"from": str, "to": str, "interval": int, "buckets": list[Bucket]}
)


class Histogram(_Histogram, total=False):
    """Counts by time and level; `interval` in seconds. Stretches without records are left out.

    `partial`: the time was up before all were counted, the newest first.
    """

    partial: bool
    unreadable_days: list[str]


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
