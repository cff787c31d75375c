"""What the members of an object mean, by the names that loggers and shippers give them.

Sources: Elastic Common Schema; OpenTelemetry's names; pino, winston, structlog, zap, logrus,
python-json-logger. Names may be dotted, or stand in an object of their first part.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from service.adapter.fields import text_of
from service.adapter.wire import Record
from utils.clock import parse_time
from utils.level import severity_of
from utils.record import MAX_TEXT, TEXT_FIELDS

# Of several names for a field the first one counts; the others stay where they are.
_NAMES = {
    "message": "message msg _msg log event.original",
    "time": "@timestamp timestamp time ts date",
    "level": "level log.level severity severity_text levelname loglevel status detected_level",
    "logger": "logger log.logger logger_name logger.name loggerName",
    "environment": "environment env service.environment deployment.environment "
    "deployment.environment.name deployment_environment",
    "release": "release service.version service_version",
    "platform": "platform",
    "device_id": "device_id device.id deviceId",
    "session_id": "session_id session.id sessionId",
    "user_id": "user_id user.id userId enduser.id",
    "trace_id": "trace_id trace.id traceID traceId",
    "span_id": "span_id span.id spanID spanId",
    "type": "error.type exception.type err.type exc_type",
    "value": "error.message exception.message exception.value err.message",
    "stacktrace": "error.stack_trace error.stack exception.stacktrace exception.stack err.stack "
    "stack_trace stacktrace stack exc_info exc_text exception",
}
_TEXTS = frozenset(TEXT_FIELDS)
EXCEPTION = ("type", "value", "stacktrace")
_PINO = {10: 1, 20: 5, 30: 9, 40: 13, 50: 17, 60: 21}  # levels as Node's and Python's loggers count

Reader = Callable[[Any], Any]
MAX_KEPT = 2048  # characters of names, of objects whose plan is kept


class Names(dict[str, tuple[int, str]]):
    """Where the member of a name belongs: its rank among those for its field, and the field."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # each table is one of its own


def names_of(table: Mapping[str, str], *without: str) -> Names:
    """The names of a table, but for those of these fields."""
    pairs = [(n, field) for field, names in table.items() for n in names.split()]
    ranked = enumerate(pairs)
    return Names({n: (rank, field) for rank, (n, field) in ranked if field not in without})


NAMES = names_of(_NAMES)
NAMES_WITHOUT_TIME = names_of(_NAMES, "time")
METADATA = names_of(_NAMES, "time", "message")
LABELS = names_of(_NAMES, "time", "message", *EXCEPTION)
_PARENTS = frozenset(name.partition(".")[0] for name in NAMES if "." in name)


def record_from(members: dict[str, Any], names: Names = NAMES) -> Record:
    """A record of an object's members; what has no field is among its attributes.

    Without a message its exception stands for it, or else all of it.
    """
    found = lift(members, names)
    if "message" not in found:
        thrown = found.get("exception", {})
        said = [thrown[part] for part in ("type", "value") if part in thrown]
        found["message"] = ": ".join(said) or text_of(found | members)
    return fill(found, members)


def fill(found: Record, attributes: dict[str, Any]) -> Record:
    """The record of what `lift` found, and of what it left. Texts that are too long for their
    field are cut, and stand whole among the attributes.
    """
    for name, text in found.items():
        if name in _TEXTS and len(text) > MAX_TEXT:
            attributes.setdefault(name, text)
            found[name] = text[:MAX_TEXT]
    if attributes:
        found["attributes"] = attributes
    return found


def lift(members: dict[str, Any], names: Names = NAMES) -> Record:
    """What has a field of its own, taken out of these members. What can't be understood stays."""
    plan = _plan_for(members, names)
    if plan.parents:
        _open(members, names, plan.parents)
        plan = _plan_for(members, names)
    found: Record = {}
    exception: dict[str, str] = {}
    for name, field, read in plan.places:
        into = exception if field in EXCEPTION else found
        if field not in into and (value := read(members[name])) is not None:
            into[field] = value
            del members[name]
    if exception:
        found["exception"] = exception
    return found


class _Plan(NamedTuple):
    """Where the members of objects with the same names belong; which may be objects of such."""

    places: list[tuple[str, str, Reader]]
    parents: list[str]


def _plan_for(members: dict[str, Any], names: Names) -> _Plan:
    """The plan for an object. Most have the names of the one before; those that are long are not
    kept.
    """
    own = tuple(members)
    return (_plan if sum(map(len, own)) < MAX_KEPT else _plan.__wrapped__)(own, names)


@lru_cache(1024)
def _plan(own: tuple[str, ...], names: Names) -> _Plan:
    known = sorted(names.keys() & set(own), key=names.__getitem__)
    places = [(name, names[name][1]) for name in known]
    readers = [(name, field, _READERS.get(field, _text)) for name, field in places]
    return _Plan(readers, sorted(_PARENTS.intersection(own)))


def time_of(value: Any) -> Any:
    """A time as a record may hold it; None for none, 0 and what is no time."""
    if isinstance(value, str) and value[-1:] == "Z":
        return value  # RFC 3339, as it should be
    return parse_time(value) or None


def level_of(value: Any) -> Any:
    """A level as a record may hold it, also in tens as pino counts; None for what is none."""
    if isinstance(value, str):
        known = _is_level if len(value) < 32 else _is_level.__wrapped__
        return value if known(value) else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return _PINO.get(value) or (value if severity_of(value) else None)


@lru_cache(1024)
def _is_level(text: str) -> bool:
    return severity_of(text) is not None


def _text(value: Any) -> str | None:
    """A short text; what is nested is none."""
    if isinstance(value, str):
        return value or None
    return None if value is None or isinstance(value, (dict, list)) else text_of(value)


def _stack(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _message(value: Any) -> str | None:
    return None if value is None else text_of(value)


_READERS: dict[str, Reader] = {
    "message": _message,
    "time": time_of,
    "level": level_of,
    "stacktrace": _stack,
}


def _open(members: dict[str, Any], names: Names, parents: list[str]) -> None:
    """Name members of objects as if they stood outside: {"log": {"level": …}} as "log.level"."""
    for parent in parents:
        inner = members[parent]
        if not isinstance(inner, dict):
            continue
        rest = dict(inner)
        for name in inner:
            dotted = f"{parent}.{name}"
            if dotted in names and dotted not in members:
                members[dotted] = rest.pop(name)
        if rest:
            members[parent] = rest
        else:
            del members[parent]
