"""Queries: parameters into filters, cursors, and stored rows into records for a reply."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from database.log_query import COLUMNS, LogFilter, Position
from database.log_store import LogStore, Row, position_of
from exceptions import BadCursor, BadParameter, Forbidden, NotFound
from utils.clock import DAY, LAST, SECOND, format_time, now_us, parse_time
from utils.level import NAMES, level_name, severity_of

TEXT_FILTERS = frozenset(
    (
        "logger",
        "environment",
        "release",
        "platform",
        "device_id",
        "session_id",
        "user_id",
        "trace_id",
    )
)
MAX_LIMIT = 1000
DEFAULT_LIMIT = 100
MAX_BUCKETS = 10_000
AIMED_BUCKETS = 200
INTERVALS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400)
ORDERS = {"newest": True, "desc": True, "oldest": False, "asc": False}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
Parameters = list[tuple[str, str]]
LIST_OPTIONS = frozenset(("limit", "order", "cursor"))
HISTOGRAM_OPTIONS = frozenset(("interval", "by"))


class Query(NamedTuple):
    """What a request asks for."""

    wanted: LogFilter
    limit: int = DEFAULT_LIMIT
    newest_first: bool = True
    cursor: str | None = None
    interval: int | None = None  # seconds
    by: str = "level"
    asked: tuple[tuple[str, str], ...] = ()  # the parameters that a cursor belongs to


def parse_query(
    parameters: Parameters,
    options: frozenset[str],
    apps: tuple[int, ...],
    all_apps: tuple[int, ...],
) -> Query:
    """Read a request's parameters: the filters, and of the options those that the route takes.

    `apps` are those that the reader may see.

    Raises BadParameter, Forbidden and NotFound.
    """
    wanted: dict[str, Any] = {"apps": apps}
    rest: dict[str, Any] = {}
    fields: list[tuple[str, str]] = []
    attributes: list[tuple[str, str]] = []
    seen: set[str] = set()
    for name, value in parameters:
        if name in seen:
            raise BadParameter(f"{name} is given twice")
        seen.add(name)
        if name in TEXT_FILTERS:
            fields.append((name, value))
        elif name.startswith("attr.") and len(name) > len("attr."):
            attributes.append((name.removeprefix("attr."), value))
        elif name == "app":
            wanted["apps"] = (_app(value, apps, all_apps),)
        elif name in _FILTERS:
            target, parse = _FILTERS[name]
            wanted[target] = parse(name, value)
        elif name in options:
            target, parse = _OPTIONS[name]
            rest[target] = parse(name, value)
        else:
            raise BadParameter(f"{name} is unknown")
    if "min_level" in seen and "level" in seen:
        raise BadParameter("level and min_level exclude each other")
    wanted |= {"fields": tuple(sorted(fields)), "attributes": tuple(sorted(attributes))}
    asked = tuple(sorted(pair for pair in parameters if pair[0] not in ("cursor", "limit")))
    return Query(LogFilter(**wanted), asked=asked, **rest)


def _app(value: str, apps: tuple[int, ...], all_apps: tuple[int, ...]) -> int:
    if not value.isascii() or not value.isdecimal():
        raise BadParameter("app must be an app's id")
    app_id = int(value)
    if app_id in apps:
        return app_id
    if apps == all_apps:
        raise NotFound(f"there is no app {app_id}")
    raise Forbidden(f"this token may not read app {app_id}")


def _moment(name: str, value: str) -> int:
    moment = parse_time(value)
    if moment is None or abs(moment) > LAST:
        raise BadParameter(f"{name} must be RFC 3339 or a Unix time")
    return moment


def _levels(name: str, value: str) -> tuple[tuple[int, int], ...]:
    return tuple(_range(name, level.strip()) for level in value.split(","))


def _range(name: str, level: str) -> tuple[int, int]:
    """A name stands for its four severities, a number for itself."""
    severity = severity_of(level)
    if severity is None:
        raise BadParameter(f"{name} must be one of {', '.join(NAMES)} or a severity from 1 to 24")
    return (severity, severity) if level.isdecimal() else (severity, severity + 3)


def _min_level(name: str, value: str) -> tuple[tuple[int, int], ...]:
    return ((_range(name, value.strip())[0], 24),)


def _text(name: str, value: str) -> str:
    return value


def _limit(name: str, value: str) -> int:
    if value.isascii() and value.isdecimal() and 1 <= int(value[:9]) <= MAX_LIMIT:
        return int(value)
    raise BadParameter(f"{name} must be a number from 1 to {MAX_LIMIT}")


def _order(name: str, value: str) -> bool:
    if value not in ORDERS:
        raise BadParameter(f"{name} must be newest or oldest")
    return ORDERS[value]


def _interval(name: str, value: str) -> int:
    number, unit = value.rstrip("smhd"), value[len(value.rstrip("smhd")) :] or "s"
    if number.isascii() and number.isdecimal() and unit in _UNITS and int(number[:9]) > 0:
        return int(number[:9]) * _UNITS[unit]
    raise BadParameter(f"{name} must be like 60, 5m, 1h or 1d")


def _by(name: str, value: str) -> str:
    if value != "level":
        raise BadParameter(f"{name} must be level")
    return value


_FILTERS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "from": ("start", _moment),
    "to": ("end", _moment),
    "level": ("severities", _levels),
    "min_level": ("severities", _min_level),
    "q": ("text", _text),
}
_OPTIONS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "limit": ("limit", _limit),
    "order": ("newest_first", _order),
    "cursor": ("cursor", _text),
    "interval": ("interval", _interval),
    "by": ("by", _by),
}


def find(query: Query, log_store: LogStore) -> dict[str, Any]:
    """A page of records and the cursor of the next one (None: there is no more).

    `unreadable_days` is there when a partition could not be read.
    """
    after = _read_cursor(query)
    page = log_store.search(query.wanted, query.limit + 1, query.newest_first, after)
    rows = page.rows[: query.limit]
    more = len(page.rows) > query.limit
    reply: dict[str, Any] = {
        "logs": [record_of(row) for row in rows],
        "next_cursor": _write_cursor(query, position_of(rows[-1])) if more else None,
    }
    if page.unreadable:
        reply["unreadable_days"] = page.unreadable
    return reply


def find_one(public_id: str, apps: tuple[int, ...], log_store: LogStore) -> dict[str, Any]:
    """One record by its id. Raises NotFound, also for a record that the reader may not see."""
    day, _, number = public_id.partition("-")
    if len(day) == 8 and day.isdecimal() and number.isascii() and number.isdecimal():
        row = log_store.get(day, int(number[:18]), apps)
        if row is not None:
            return record_of(row)
    raise NotFound(f"there is no record {public_id[:40]}")


def histogram(query: Query, log_store: LogStore) -> dict[str, Any]:
    """Counts by time and level; without `from`, over the 24 hours before `to` or now."""
    wanted = query.wanted
    end = wanted.end if wanted.end is not None else now_us() + SECOND
    start = wanted.start if wanted.start is not None else end - DAY
    interval = query.interval or _fitting_interval(end - start)
    if (end - start) // (interval * SECOND) > MAX_BUCKETS:
        raise BadParameter(f"interval is too short: more than {MAX_BUCKETS} buckets")
    counts, unreadable = log_store.count(wanted._replace(start=start, end=end), interval * SECOND)
    buckets: dict[int, dict[str, int]] = {}
    for (bucket, severity), records in sorted(counts.items()):
        levels = buckets.setdefault(bucket, {})
        levels[level_name(severity)] = levels.get(level_name(severity), 0) + records
    reply: dict[str, Any] = {
        "from": format_time(max(start, 0)),
        "to": format_time(end),
        "interval": interval,
        "buckets": [
            {
                "time": format_time(bucket * interval * SECOND),
                "total": sum(levels.values()),
                "counts": levels,
            }
            for bucket, levels in buckets.items()
        ],
    }
    if unreadable:
        reply["unreadable_days"] = unreadable
    return reply


def _fitting_interval(length: int) -> int:
    wanted = length / SECOND / AIMED_BUCKETS
    return next((interval for interval in INTERVALS if interval >= wanted), INTERVALS[-1])


def record_of(row: Row) -> dict[str, Any]:
    """A record as it stands in a reply: what is set, times as RFC 3339, JSON values as they are."""
    day, stored = row
    columns = zip(COLUMNS, stored, strict=True)
    values = {name: value for name, value in columns if value is not None}
    record = {
        "id": f"{day}-{values.pop('id')}",
        "app": values.pop("app_id"),
        "time": format_time(values.pop("time")),
        "received_at": format_time(values.pop("received_at")),
        "level": level_name(values["severity"]),
    }
    for name in ("exception", "attributes"):
        if name in values:
            values[name] = msgspec.Raw(values[name].encode())
    if "truncated" in values:
        values["truncated"] = True
    return record | values


def _fingerprint(query: Query) -> bytes:
    return hashlib.blake2s(msgspec.json.encode(query.asked), digest_size=6).digest()


def _write_cursor(query: Query, position: Position) -> str:
    packed = msgspec.msgpack.encode((_fingerprint(query), *position))
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _read_cursor(query: Query) -> Position | None:
    if query.cursor is None:
        return None
    try:
        packed = base64.urlsafe_b64decode(query.cursor + "=" * (-len(query.cursor) % 4))
        cursor = msgspec.msgpack.decode(packed, type=tuple[bytes, int, str, int])
    except (ValueError, msgspec.MsgspecError):
        raise BadCursor("the cursor is not one of ours") from None
    if cursor[0] != _fingerprint(query):
        raise BadCursor("the cursor belongs to another query")
    return Position(*cursor[1:])
