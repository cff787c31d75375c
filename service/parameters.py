"""A query's parameters, from the request's text into filters and options."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import msgspec

from database.expression import EVERYTHING, All, Compares, Either, IsSet, Member, Node, Not
from database.log_query import LogFilter
from exceptions import BadParameter, Forbidden, NotFound
from service.query_language import parse_query_text
from utils.clock import LAST, parse_moment
from utils.level import NAMES, severity_of
from utils.wording import retold, say

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
MAX_INTERVAL = 1_000_000  # of any unit; as microseconds it still fits into 64 bits
ORDERS = {"newest": True, "desc": True, "oldest": False, "asc": False}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
Parameters = list[tuple[str, str]]
T = TypeVar("T", bound=msgspec.Struct)
LIST_OPTIONS = frozenset(("limit", "order", "cursor"))
HISTOGRAM_OPTIONS = frozenset(("interval", "by"))
FACET_OPTIONS = frozenset(("field", "limit"))
EXPORT_OPTIONS = frozenset(("format", "order", "tz"))
TAIL_OPTIONS = frozenset(("last_event_id",))
FORMATS = ("ndjson", "csv")
KINDS = ("level", "environment", "release", "platform", "logger")
FACETS = TEXT_FILTERS | {"app", "level", "span_id"}


class Query(NamedTuple):
    """What a request asks for."""

    wanted: LogFilter
    limit: int = DEFAULT_LIMIT
    newest_first: bool = True
    cursor: str | None = None
    interval: int | None = None  # seconds
    by: str = "level"
    field: str = ""
    format: str = "ndjson"
    tz: str = ""
    last_event_id: str | None = None
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
    where: list[Node] = []
    seen: set[str] = set()
    for pair in parameters:
        name, value = (text.replace("\0", "\ufffd") for text in pair)  # as records are stored
        if name in seen:
            raise BadParameter(say("{name} is given twice", name=name))
        seen.add(name)
        if name in TEXT_FILTERS:
            where.append(Compares(name, "=", value))
        elif name.startswith("attr.") and len(name) > len("attr."):
            where.append(Member("attributes", name.removeprefix("attr."), "=", value))
        elif name == "app":
            wanted["apps"] = (_app(value, apps, all_apps),)
        elif name in _BOUNDS:
            wanted[_BOUNDS[name]] = moment_of(name, value)
        elif name in _CONDITIONS:
            where.append(_CONDITIONS[name](name, value))
        elif name in options:
            target, parse = _OPTIONS[name]
            rest[target] = parse(name, value)
        else:
            raise BadParameter(say("{name} is unknown", name=name))
    if "min_level" in seen and "level" in seen:
        raise BadParameter("level and min_level exclude each other")
    wanted["where"] = _together(where)
    asked = tuple(sorted(pair for pair in parameters if pair[0] not in ("cursor", "limit")))
    return Query(LogFilter(**wanted), asked=asked, **rest)


def read_parameters(parameters: Parameters, kind: type[T]) -> T:
    """A request's parameters as a struct, whose fields are all that may be given.

    Raises BadParameter.
    """
    given = dict(parameters)
    if len(given) < len(parameters):
        raise BadParameter("a parameter is given twice")
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$.")
        detail = retold(what)
        if place:
            detail = say("{what} for {name}", what=detail, name=f"`{place}")
        raise BadParameter(detail) from None


def _together(where: list[Node]) -> Node:
    """All conditions in one order, so that queries of the same kind share a statement."""
    return All(tuple(sorted((node for node in where if node != EVERYTHING), key=repr)))


def _app(value: str, apps: tuple[int, ...], all_apps: tuple[int, ...]) -> int:
    app_id = _number(value, 2**31)
    if app_id is None:
        raise BadParameter("app must be an app's id")
    if app_id in apps:
        return app_id
    if apps == all_apps:
        raise NotFound(say("there is no app {app}", app=app_id))
    raise Forbidden(say("this token may not read app {app}", app=app_id))


def _number(value: str, most: int) -> int | None:
    """A plain number from 1 to `most`; None when it is none."""
    plain = value.isascii() and value.isdecimal() and len(value) <= 18
    return int(value) if plain and 1 <= int(value) <= most else None


def moment_of(name: str, value: str) -> int:
    """A time that was given as a parameter, in µs. Raises BadParameter."""
    moment = parse_moment(value)
    if moment is None or abs(moment) > LAST:
        raise BadParameter(say("{name} must be RFC 3339, a Unix time or like -15m", name=name))
    return max(moment, 0)  # no record is older


def _levels(name: str, value: str) -> Node:
    levels = tuple(_between(*_range(name, level.strip())) for level in value.split(","))
    return Either(levels) if len(levels) > 1 else levels[0]


def _between(low: int, high: int) -> Node:
    return All((Compares("severity", ">=", low), Compares("severity", "<=", high)))


def _range(name: str, level: str) -> tuple[int, int]:
    """A name stands for its four severities, a number for itself."""
    severity = severity_of(level)
    if severity is None:
        must = "{name} must be one of {names} or a severity from 1 to 24"
        raise BadParameter(say(must, name=name, names=", ".join(NAMES)))
    return (severity, severity) if level.isdecimal() else (severity, severity + 3)


def _min_level(name: str, value: str) -> Node:
    return Compares("severity", ">=", _range(name, value.strip())[0])


def _query(name: str, value: str) -> Node:
    return parse_query_text(value)


def _text(name: str, value: str) -> str:
    return value


def _untrusted(name: str, value: str) -> Node:
    if value not in ("hide", "only"):
        raise BadParameter(say("{name} must be hide or only", name=name))
    return IsSet("untrusted") if value == "only" else Not(IsSet("untrusted"))


def _limit(name: str, value: str) -> int:
    limit = _number(value, MAX_LIMIT)
    if limit is None:
        raise BadParameter(
            say("{name} must be a number from 1 to {most}", name=name, most=MAX_LIMIT)
        )
    return limit


def _order(name: str, value: str) -> bool:
    if value not in ORDERS:
        raise BadParameter(say("{name} must be newest or oldest", name=name))
    return ORDERS[value]


def seconds_of(name: str, value: str) -> int:
    """A length of time that was given as a parameter, in seconds. Raises BadParameter."""
    digits = value.rstrip("smhd")
    unit = value.removeprefix(digits) or "s"
    number = _number(digits, MAX_INTERVAL)
    if number is None or unit not in _UNITS:
        raise BadParameter(say("{name} must be like 60, 5m, 1h or 1d", name=name))
    return number * _UNITS[unit]


def _by(name: str, value: str) -> str:
    if value not in KINDS:
        raise BadParameter(say("{name} must be one of {names}", name=name, names=", ".join(KINDS)))
    return value


def _format(name: str, value: str) -> str:
    if value not in FORMATS:
        raise BadParameter(say("{name} must be ndjson or csv", name=name))
    return value


def _field(name: str, value: str) -> str:
    if value not in FACETS and not (value.startswith("attr.") and len(value) > len("attr.")):
        must = "{name} must be attr.<path> or one of {names}"
        raise BadParameter(say(must, name=name, names=", ".join(sorted(FACETS))))
    return value


_BOUNDS = {"from": "start", "to": "end"}
_CONDITIONS: dict[str, Callable[[str, str], Node]] = {
    "level": _levels,
    "min_level": _min_level,
    "q": _query,
    "untrusted": _untrusted,
}
_OPTIONS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "limit": ("limit", _limit),
    "order": ("newest_first", _order),
    "cursor": ("cursor", _text),
    "interval": ("interval", seconds_of),
    "by": ("by", _by),
    "field": ("field", _field),
    "format": ("format", _format),
    "tz": ("tz", _text),
    "last_event_id": ("last_event_id", _text),
}
