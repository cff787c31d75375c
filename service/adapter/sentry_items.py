"""What an envelope of Sentry may hold beside events: logs, sessions, people's words, and what the
SDK had to drop.
"""

from collections import Counter
from typing import Any

from service.adapter.fields import MAX_SHARED_BYTES, record_of, share
from service.adapter.sentry_event import AUTO, level_of
from service.adapter.values import Members, mapping, objects
from service.adapter.wire import Bad, Record

# Attributes of logs that have a field of their own; of two for a field the first one wins.
_LOG_FIELDS = {
    "sentry.release": "release",
    "sentry.environment": "environment",
    "logger.name": "logger",
    "user.id": "user_id",
    "device.id": "device_id",
    "session.id": "session_id",
    "sentry.replay_id": "session_id",
}
_WORSE = {"crashed": "fatal", "abnormal": "error", "unhandled": "error"}
_ENDS = ("exited", "errored", "abnormal", "unhandled", "crashed")
# What of a client's losses would have become records; the reasons that SDKs have for them.
_RECORDS = frozenset(("default", "error", "security", "session", "log_item", "feedback"))
_REASONS = frozenset(("queue_overflow", "cache_overflow", "buffer_overflow", "ratelimit_backoff"))
_REASONS |= {"network_error", "send_error", "internal_sdk_error", "backpressure", "sample_rate"}
_REASONS |= {"before_send", "event_processor", "ignored", "insufficient_data", "too_big", "invalid"}
MOST_LOST = 10**9


def logs(payload: Members) -> list[Record | Bad]:
    """A batch of structured logs."""
    items = payload.get("items")
    return [_log(each) for each in items] if isinstance(items, list) else []


def _log(log: Any) -> Record | Bad:
    if not isinstance(log, dict) or log.get("body") is None:
        return Bad("missing_message", "a log must have a body")
    attributes = {
        name: each.get("value") if isinstance(each, dict) else each
        for name, each in mapping(log.get("attributes")).items()
    }
    texts = {"trace_id": log.get("trace_id"), "platform": attributes.get("os.name")}
    texts["span_id"] = log.get("span_id") or attributes.pop("sentry.trace.parent_span_id", None)
    for name, field in _LOG_FIELDS.items():
        if (value := attributes.pop(name, None)) is not None:
            texts.setdefault(field, value)
    numbers = log.get("severity_number"), attributes.pop("sentry.severity_number", None)
    attributes.pop("sentry.severity_text", None)
    record = record_of(log["body"], texts, attributes)
    known = (each for each in numbers if isinstance(each, int) and 1 <= each <= 24)
    record["level"] = next(known, None) or level_of(log.get("level"), "info", record)
    return _at(record, log.get("timestamp"))


def session(payload: Members) -> list[Record | Bad]:
    """How a session goes, or ended."""
    status = str(payload.get("status") or "ok")
    named = ("init", "started", "seq", "errors", "duration", "abnormal_mechanism")
    attributes = {name: payload[name] for name in named if payload.get(name) is not None}
    record = _session(f"session {status}", payload, payload.get("did"), attributes)
    if sid := payload.get("sid"):
        record["session_id"] = str(sid)[:128]
    record["level"] = _WORSE.get(status, "info")
    return [_at(record, payload.get("timestamp"))]


def sessions(payload: Members) -> list[Record | Bad]:
    """How many sessions of a server ended in which way."""
    made: list[Record | Bad] = []
    aggregates = objects(payload.get("aggregates"))
    share(MAX_SHARED_BYTES, [payload.get("attrs")], len(aggregates))
    for each in aggregates:
        ends = {name: each[name] for name in _ENDS if each.get(name)}
        told = ", ".join(f"{number} {name}" for name, number in ends.items())
        record = _session(f"sessions: {told or 'none'}", payload, each.get("did"), ends)
        made.append(_at(record, each.get("started")))
    return made


def _session(message: str, payload: Members, did: Any, attributes: dict[str, Any]) -> Record:
    about = dict(mapping(payload.get("attrs")))
    if about.get("ip_address") == AUTO:
        del about["ip_address"]
    fields = {name: about.pop(name, None) for name in ("release", "environment")}
    texts = {"logger": "sentry.session", "device_id": did, **fields}
    return record_of(message, texts, {**about, **attributes})


def user_report(payload: Members) -> list[Record | Bad]:
    """What somebody wrote of an error."""
    if not payload.get("comments"):
        return [Bad("missing_message", "a report must have comments")]
    rest = {name: value for name, value in payload.items() if name != "comments" and value}
    return [record_of(payload["comments"], {"logger": "sentry.user_report"}, rest)]


def lost(payload: Members) -> Counter[str]:
    """How many records the SDK dropped, by reason."""
    counted: Counter[str] = Counter()
    for each in objects(payload.get("discarded_events")):
        quantity, reason = each.get("quantity"), str(each.get("reason"))
        if str(each.get("category")) in _RECORDS and isinstance(quantity, int) and quantity > 0:
            counted[reason if reason in _REASONS else "other"] += min(quantity, MOST_LOST)
    return counted


def _at(record: Record, time: Any) -> Record:
    if time:
        record["time"] = time
    return record
