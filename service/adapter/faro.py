"""Grafana Faro: logs, exceptions, events and measurements of web pages; traces are not kept.

Source: grafana/faro-web-sdk, `TransportBody`. A batch has a name, and is sent again under it.
"""

from typing import Any

import msgspec

from exceptions import Problem
from service.adapter.fields import MAX_SHARED_BYTES, decode_json, record_of, share, text_of
from service.adapter.values import Members, mapping, objects, present, without
from service.adapter.wire import Record, Reply, Sent, Translated, text_refusal
from service.batch import Batch
from service.ingest import demand_good
from utils.level import severity_of

_object = msgspec.json.Decoder(dict[str, Any])


def read(sent: Sent) -> Translated:
    """A record each."""
    body = decode_json(_object, sent.body)
    meta, signals = mapping(body.get("meta")), ("logs", "exceptions", "events", "measurements")
    share(MAX_SHARED_BYTES, [meta], sum(len(objects(body.get(name))) for name in signals))
    records = [_log(each, meta) for each in objects(body.get("logs"))]
    records += [_exception(each, meta) for each in objects(body.get("exceptions"))]
    records += [_event(each, meta) for each in objects(body.get("events"))]
    records += [_measurement(each, meta) for each in objects(body.get("measurements"))]
    return Translated(records, sent.headers.get("idempotency-key", ""))


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """202, as Grafana's collector."""
    demand_good(kept)
    return Reply(202)


def refuse(sent: Sent, problem: Problem) -> Reply:
    """A line of text."""
    return text_refusal(problem)


def _log(log: Members, meta: Members) -> Record:
    record = _record(log, meta, log.get("message"), "faro", mapping(log.get("context")))
    level = log.get("level")
    record["level"] = level if isinstance(level, str) and severity_of(level) else "info"
    return record


def _exception(thrown: Members, meta: Members) -> Record:
    frames = objects(mapping(thrown.get("stacktrace")).get("frames"))
    exception = {name: text_of(thrown[name]) for name in ("type", "value") if thrown.get(name)}
    message = ": ".join(exception.values()) or "error"
    record = _record(thrown, meta, message, "faro", mapping(thrown.get("context")))
    record["level"] = "error"
    record["exception"] = {**exception, **present(stacktrace=frames)}
    return record


def _event(event: Members, meta: Members) -> Record:
    attributes = {**mapping(event.get("attributes")), **present(domain=event.get("domain"))}
    return _record(event, meta, event.get("name"), "faro.event", attributes)


def _measurement(measured: Members, meta: Members) -> Record:
    attributes = {**mapping(measured.get("context")), **mapping(measured.get("values"))}
    return _record(measured, meta, measured.get("type"), "faro.measurement", attributes)


def _record(signal: Members, meta: Members, message: Any, logger: str, own: Members) -> Record:
    """A record with what Faro knows of the page."""
    app, user, session = (mapping(meta.get(name)) for name in ("app", "user", "session"))
    browser, trace = mapping(meta.get("browser")), mapping(signal.get("trace"))
    texts = {
        "logger": logger,
        "environment": app.get("environment"),
        "release": app.get("version") or app.get("release"),
        "platform": mapping(meta.get("os")).get("name") or browser.get("os"),
        "session_id": session.get("id"),
        "user_id": user.get("id"),
        "trace_id": trace.get("trace_id"),
        "span_id": trace.get("span_id"),
    }
    shared = present(
        service=app.get("name"),
        page=meta.get("page"),
        view=mapping(meta.get("view")).get("name"),
        browser=browser,
        user=without(user, "id"),
        session=mapping(session.get("attributes")),
    )
    record = record_of("" if message is None else message, texts, {**shared, **own})
    if signal.get("timestamp"):
        record["time"] = signal["timestamp"]
    return record
