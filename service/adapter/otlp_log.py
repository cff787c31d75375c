"""A log record of OpenTelemetry as one of ours, whichever way it was written.

Source: OpenTelemetry, Logs Data Model; the names of attributes: Semantic Conventions.
"""

from functools import lru_cache
from typing import Any, NamedTuple

from service.adapter.fields import put_text, record_of, text_of
from service.adapter.wire import Record
from utils.level import level_name, severity_of

# Attributes that have a field of their own; of two for a field the first one wins.
_FIELDS = {
    "service.version": "release",
    "deployment.environment.name": "environment",
    "deployment.environment": "environment",
    "session.id": "session_id",
    "user.id": "user_id",
    "enduser.id": "user_id",
    "device.id": "device_id",
}
_PLATFORMS = ("os.name", "os.type", "browser.platform")  # they stay among the attributes
_EXCEPTION = {
    "exception.type": "type",
    "exception.message": "value",
    "exception.stacktrace": "stacktrace",
}
_NAMED = frozenset((*_FIELDS, *_EXCEPTION))
Attributes = dict[str, Any]


class Scope(NamedTuple):
    """What the records of a resource and a scope have in common."""

    fields: Record
    attributes: Attributes


class Log(NamedTuple):
    """A log record; its time in ns since 1970, ids in hexadecimal digits; 0 and "": none."""

    time: int
    severity: int
    severity_text: str
    body: Any
    attributes: Attributes
    trace_id: str
    span_id: str
    event_name: str
    flags: int
    dropped: int


def scope_of(resource: Attributes, name: str, version: str, attributes: Attributes) -> Scope:
    """What a resource and a scope (an SDK's logger) say of their records."""
    merged = {**resource, **attributes}
    if version:
        merged["otel.scope.version"] = version
    platform = next((merged[each] for each in _PLATFORMS if merged.get(each)), None)
    fields = record_of("", {"logger": name, "platform": platform, **_taken(merged)}, merged)
    return Scope(fields, fields.pop("attributes", {}))


def record_of_log(log: Log, scope: Scope) -> Record:
    """A record of ours."""
    message, attributes = log.body, {**scope.attributes, **log.attributes}
    if log.event_name or log.flags or log.dropped or message is None:
        message = _note(log, attributes)
    record = {**scope.fields, "message": message if type(message) is str else text_of(message)}
    text = log.severity_text
    level, rest = (_level if len(text) < 32 else _level.__wrapped__)(log.severity, text)
    if level:
        record["level"] = level
    if rest:
        attributes["severity_text"] = rest
    if not _NAMED.isdisjoint(log.attributes):
        _lift(record, attributes)
    if log.time:
        record["time"] = log.time // 1000
    if log.trace_id:
        record["trace_id"] = log.trace_id
    if log.span_id:
        record["span_id"] = log.span_id
    if attributes:
        record["attributes"] = attributes
    return record


def _lift(record: Record, attributes: Attributes) -> None:
    """Take attributes that have a field of their own into it."""
    if not _EXCEPTION.keys().isdisjoint(attributes):
        found = {
            _EXCEPTION[name]: attributes.pop(name) for name in _EXCEPTION if name in attributes
        }
        exception = {name: text_of(value) for name, value in found.items() if value is not None}
        if exception:
            record["exception"] = exception
    for field, value in _taken(attributes).items():
        put_text(record, field, value, attributes)


def _taken(attributes: Attributes) -> Record:
    """The attributes that have a text field of their own, taken out."""
    fields: Record = {}
    for name, field in _FIELDS.items():
        if name in attributes and (value := attributes.pop(name)) is not None:
            fields.setdefault(field, value)
    return fields


def _note(log: Log, attributes: Attributes) -> Any:
    """Keep what has no field among the attributes; what stands for the message."""
    if log.flags:
        attributes["trace_flags"] = log.flags & 255
    if log.dropped:
        attributes["dropped_attributes_count"] = log.dropped
    if log.body is None or log.body == "":
        return log.event_name
    if log.event_name:
        attributes["event.name"] = log.event_name
    return log.body


@lru_cache(1024)
def _level(severity: int, text: str) -> tuple[int | None, str]:
    """The level, and the text where it says something else."""
    known = severity_of(text) if text else None
    if not 1 <= severity <= 24:
        return known, "" if known else text
    return severity, "" if known and level_name(known) == level_name(severity) else text
