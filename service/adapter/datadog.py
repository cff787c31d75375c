"""Datadog's browser logs by its `proxy` option: an object a line, or a list of them.

Source: DataDog/browser-sdk, `logsEvent.types.ts`. What else its SDKs send by the same proxy (RUM,
session replay) is answered, and not kept.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from exceptions import Problem
from service.adapter.fields import decode_json, lines_of, read_object, record_of
from service.adapter.values import mapping, present, without
from service.adapter.wire import Bad, Record, Reply, Sent, Translated, key_of_dated, text_refusal
from service.batch import Batch
from service.ingest import demand_good
from utils.level import severity_of

_list = msgspec.json.Decoder(list[dict[str, Any]])
_OWN = ("message", "status", "date", "version", "session_id", "usr", "error", "ddtags", "logger")


def read(sent: Sent) -> Translated | Reply:
    """A record a line."""
    forwarded = sent.query.get("ddforward", "").partition("?")[0]
    if forwarded and not forwarded.endswith("/logs"):
        return Reply(202)
    if sent.body.lstrip()[:1] == b"[":
        records = [_record(each) for each in decode_json(_list, sent.body)]
    else:
        records = [read_object(line, _record) for line in lines_of(sent)]
    return Translated(records, key_of_dated("datadog", sent.body, records))


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """202, as Datadog."""
    demand_good(kept)
    return Reply(202)


def refuse(sent: Sent, problem: Problem) -> Reply:
    """A line of text."""
    return text_refusal(problem)


def _record(log: dict[str, Any]) -> Record | Bad:
    if log.get("message") is None:
        return Bad("missing_message", "message is required")
    tags = dict(_tags(log.get("ddtags")))
    user, error = mapping(log.get("usr")), mapping(log.get("error"))
    texts = {
        "logger": mapping(log.get("logger")).get("name"),
        "environment": tags.pop("env", None),
        "release": log.get("version") or tags.pop("version", None),
        "session_id": log.get("session_id"),
        "user_id": user.get("id"),
        "device_id": user.get("anonymous_id"),
    }
    about = present(usr=without(user, "id", "anonymous_id"), tags=tags)
    attributes = without(log, *_OWN) | about
    record = record_of(log["message"], texts, attributes)
    status = log.get("status")
    if status == "ok" or (isinstance(status, str) and severity_of(status)):
        record["level"] = "info" if status == "ok" else status
    return record | present(exception=_exception(error), time=log.get("date"))


def _exception(error: Mapping[str, Any]) -> dict[str, Any]:
    pairs = {"type": "kind", "value": "message", "stacktrace": "stack"}
    found = {ours: error[name] for ours, name in pairs.items() if isinstance(error.get(name), str)}
    return found | without(error, *pairs.values()) if found else {}


def _tags(tags: Any) -> list[tuple[str, str]]:
    """`env:prod,service:shop` in pairs."""
    pairs = (each.partition(":") for each in tags.split(",")) if isinstance(tags, str) else ()
    return [(name.strip(), value) for name, _, value in pairs if name.strip() and value]
