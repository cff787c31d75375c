"""Sentry: envelopes, events alone (`store`), and reports of browsers (`security`).

Source: Sentry developer documentation, "Transport". Its clients send nothing twice: whatever
status a refusal has, the envelope is gone. So they are told by category for how long to send
nothing, and they count what they drop meanwhile.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from exceptions import Problem, UnreadableBody
from service.adapter import reports, sentry_items
from service.adapter.fields import decode_json
from service.adapter.sentry_envelope import Item, event_id_of, headers_of, items_of, object_of
from service.adapter.sentry_event import record_of_event
from service.adapter.wire import (
    Bad,
    File,
    Record,
    Reply,
    Sent,
    Translated,
    json_reply,
    key_of_dated,
)
from service.attachments import NOT_KEPT
from service.batch import Batch
from service.ingest import demand_good
from utils.ingest_key import KEY

Records = list[Record | Bad]
_READERS: Mapping[str, Callable[[Mapping[str, Any]], Records]] = {
    "log": sentry_items.logs,
    "session": sentry_items.session,
    "sessions": sentry_items.sessions,
    "user_report": sentry_items.user_report,
}
_LEVELS = {"event": "error", "feedback": "info"}  # of those that name none
KEPT = "default;error;security;session;log_item;feedback"
# What is not kept, by the category that stops it: such items are no logs.
_PASSED_OVER = {
    **dict.fromkeys(("profile", "profile_chunk"), "profile"),
    **dict.fromkeys(("replay_event", "replay_recording", "replay_video"), "replay"),
    **{name: name for name in ("transaction", "span", "trace_metric")},
    "check_in": "monitor",
    "statsd": "metric_bucket",
}
_PASSED_OVER_SECONDS = 3600


class Noted(NamedTuple):
    """What a reply is made of: the event's id, and the categories of what is not kept."""

    event_id: str
    passed_over: frozenset[str] = frozenset()


def read(sent: Sent) -> Translated | Reply:
    """The events, logs, sessions and so on."""
    kind = sent.path.rstrip("/").rpartition("/")[2]
    if kind == "security":
        return reports.read(sent)
    if kind == "store":
        event = decode_json(object_of, sent.body)
        event_id = event_id_of(event)
        records: Records = [record_of_event(event, sent)]
        return Translated(records, _batch_key(event_id, records, sent), note=Noted(event_id))
    return _envelope(sent)


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """200 with the event's id, and which categories need not be sent."""
    reasons = {each.reason for each in kept.rejected}
    if reasons != {NOT_KEPT}:
        demand_good(kept)
    noted = translated.note or Noted("")
    answer = json_reply(200, {"id": noted.event_id} if noted.event_id else {})
    passed_over = noted.passed_over | ({"attachment"} if NOT_KEPT in reasons else set())
    if not passed_over:
        return answer
    categories = ";".join(sorted(passed_over))
    limits = f"{_PASSED_OVER_SECONDS}:{categories}:key:not_kept"
    return answer._replace(headers={"X-Sentry-Rate-Limits": limits})


def refuse(sent: Sent, problem: Problem) -> Reply:
    """What is wrong, and for how long to send nothing of what is kept here."""
    body = {"detail": f"{problem.code}: {problem.detail or problem.title}", "causes": []}
    headers = {"X-Sentry-Error": problem.code}
    if seconds := problem.headers.get("Retry-After"):
        headers["X-Sentry-Rate-Limits"] = f"{seconds}:{KEPT}:key:{problem.code}"
    return json_reply(problem.status, body)._replace(headers=headers)


def keys_of(sent: Sent) -> Iterable[str]:
    """The key in the DSN of an envelope's headers: all that a tunnel sends."""
    if b'"dsn"' not in sent.body.partition(b"\n")[0]:
        return []
    try:
        dsn = headers_of(sent.body).get("dsn")
        return KEY.findall(urlsplit(str(dsn)).username or "")
    except (UnreadableBody, msgspec.MsgspecError, ValueError, RecursionError):
        return []


def _envelope(sent: Sent) -> Translated:
    headers, records, lost = headers_of(sent.body), Records(), Counter[str]()
    found = list(items_of(sent.body))
    for each in found:
        records += [each] if isinstance(each, Bad) else _records(each, sent, lost)
    items = [each for each in found if isinstance(each, Item)]
    types = {each.type for each in items}
    event_id = event_id_of(headers)
    files = _files(items, records, event_id)
    key = _batch_key("" if types.isdisjoint(_LEVELS) else event_id, records, sent)
    noted = Noted(event_id, frozenset(map(_PASSED_OVER.__getitem__, types & _PASSED_OVER.keys())))
    return Translated(records, key, headers.get("sent_at"), lost, noted, files)


def _records(item: Item, sent: Sent, lost: Counter[str]) -> Records:
    """What an item holds, nothing if it is no log; what it says of losses is added to them."""
    try:
        if item.type in _LEVELS:
            return [record_of_event(_payload(item), sent, _LEVELS[item.type])]
        if item.type == "client_report":
            lost.update(sentry_items.lost(_payload(item)))
        reader = _READERS.get(item.type)
        return reader(_payload(item)) if reader else []
    except (UnreadableBody, msgspec.ValidationError, UnicodeDecodeError) as error:
        return [Bad("invalid_item", str(error)[:200])]
    except RecursionError:
        return [Bad("too_deep", "the item is nested too deeply")]


def _payload(item: Item) -> dict[str, Any]:
    return decode_json(object_of, item.payload)


def _files(items: Iterable[Item], records: Records, event_id: str) -> list[File]:
    """The files that came, with the first record. Those that came alone, as of an event that the
    SDK was told to hold back, have a record of their own.
    """
    came = [each for each in items if each.type == "attachment"]
    record = next((each for each in records if isinstance(each, dict)), None)
    if came and record is None:
        record = {"message": "attachments of an event that did not come", "logger": "sentry"}
        record["attributes"] = {"event_id": event_id}
        records.append(record)
    if not came or record is None:
        return []
    told: list[dict[str, Any]] = [_about(each) for each in came]
    record.setdefault("attributes", {})["attachments"] = told
    return [File(record, about, each.payload) for about, each in zip(told, came, strict=True)]


def _about(item: Item) -> dict[str, Any]:
    names = ("filename", "content_type", "attachment_type")
    known = {name: item.headers[name] for name in names if name in item.headers}
    return known | {"bytes": len(item.payload)}


def _batch_key(event_id: str, records: Records, sent: Sent) -> str:
    """An event's id, or the hash of what is dated and so can't be the same twice."""
    return event_id or key_of_dated("sentry", sent.body, records)
