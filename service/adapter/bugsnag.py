"""Bugsnag: errors (`/notify`) and sessions.

Source: Bugsnag's Error Reporting API 4 and Session Tracking API 1.
"""

from typing import Any

import msgspec

from exceptions import Problem
from service.adapter.fields import MAX_SHARED_BYTES, decode_json, record_of, share, text_of
from service.adapter.values import Members, mapping, objects, present, without
from service.adapter.wire import Record, Reply, Sent, Translated, key_of_dated, text_refusal
from service.batch import Batch
from service.ingest import demand_good
from utils.level import severity_of

_object = msgspec.json.Decoder(dict[str, Any])


def read(sent: Sent) -> Translated:
    """A record an event, or a session."""
    body = decode_json(_object, sent.body)
    if sent.path.rstrip("/").endswith("sessions"):
        records = _sessions(body)
    else:
        records = [_event(each) for each in objects(body.get("events"))]
    sent_at = sent.headers.get("bugsnag-sent-at")
    return Translated(records, key_of_dated("bugsnag", sent.body, records), sent_at)


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """202, as Bugsnag."""
    demand_good(kept)
    return Reply(202)


def refuse(sent: Sent, problem: Problem) -> Reply:
    """A line of text."""
    return text_refusal(problem)


def _event(event: Members) -> Record:
    """The error that came out, with those that caused it."""
    thrown = [_error(each) for each in objects(event.get("exceptions"))]
    exception = thrown[0] if thrown else {}
    if thrown[1:]:
        exception["causes"] = thrown[1:]
    severity = event.get("severity")
    attributes = present(
        metadata=event.get("metaData") or event.get("metadata"),
        breadcrumbs=event.get("breadcrumbs"),
        request=event.get("request"),
        context=event.get("context"),
        unhandled=event.get("unhandled"),
        severity_reason=event.get("severityReason"),
        grouping_hash=event.get("groupingHash"),
        feature_flags=event.get("featureFlags"),
    )
    message = ": ".join(exception[name] for name in ("type", "value") if name in exception)
    record = _record(message or "error", event, event, attributes)
    record["level"] = severity if isinstance(severity, str) and severity_of(severity) else "error"
    record |= present(exception=exception, time=mapping(event.get("device")).get("time"))
    return record


def _error(error: Members) -> dict[str, Any]:
    """One error of a chain, the newest frame first."""
    says = error.get("errorMessage") or error.get("message")  # a browser, and Python
    pairs = {"type": error.get("errorClass"), "value": says}
    made: dict[str, Any] = {name: text_of(value) for name, value in pairs.items() if value}
    return made | present(stacktrace=objects(error.get("stacktrace")))


def _sessions(body: Members) -> list[Record]:
    records = []
    number = sum(len(objects(body.get(name))) for name in ("sessions", "sessionCounts"))
    share(MAX_SHARED_BYTES, [body.get("app"), body.get("device")], number)
    for each in objects(body.get("sessions")):
        record = _record("session started", body, {**each, "session": each}, {})
        records.append(record | present(time=each.get("startedAt")))
    for each in objects(body.get("sessionCounts")):
        started = each.get("sessionsStarted")
        record = _record(f"{started} sessions started", body, each, present(sessions=started))
        records.append(record | present(time=each.get("startedAt")))
    for record in records:
        record["logger"] = "bugsnag.session"
    return records


def _record(message: str, about: Members, whose: Members, attributes: dict[str, Any]) -> Record:
    app, device = mapping(about.get("app")), mapping(about.get("device"))
    user, session = mapping(whose.get("user")), mapping(whose.get("session"))
    texts = {
        "release": app.get("version"),
        "environment": app.get("releaseStage") or about.get("releaseStage"),
        "platform": device.get("osName") or app.get("type"),
        "device_id": device.get("id"),
        "session_id": session.get("id"),
        "user_id": user.get("id"),
    }
    attributes |= present(
        app=without(app, "version", "releaseStage"),
        device=without(device, "id", "time"),
        user=without(user, "id"),
    )
    return record_of(message, texts, attributes)
