"""JSNLog: `{"r": request id, "lg": [{"l": level, "m": message, "n": logger, "t": ms}]}`.

Source: jsnlog.js 2.30, "JSON format of log requests".
"""

from typing import Any

import msgspec

from exceptions import Problem, UnreadableBody
from service.adapter.fields import MAX_SHARED_BYTES, decode_json, record_of, share
from service.adapter.values import mapping, objects, present, without
from service.adapter.wire import Bad, Record, Reply, Sent, Translated, key_of_dated, text_refusal
from service.batch import Batch
from service.ingest import demand_good
from utils.level import severity_of

_object = msgspec.json.Decoder(dict[str, Any])
_LEVELS = ("trace", "debug", "info", "warning", "error", "fatal")  # 1000 to 6000


def read(sent: Sent) -> Translated:
    """A record a log."""
    body = decode_json(_object, sent.body)
    share(MAX_SHARED_BYTES, [body.get("r")], len(objects(body.get("lg"))))
    records = [_record(each, body.get("r")) for each in objects(body.get("lg"))]
    return Translated(records, key_of_dated("jsnlog", sent.body, records))


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """200 and nothing more."""
    demand_good(kept)
    return Reply(200)


def refuse(sent: Sent, problem: Problem) -> Reply:
    """A line of text."""
    return text_refusal(problem)


def _record(log: dict[str, Any], request: Any) -> Record | Bad:
    if log.get("m") is None:
        return Bad("missing_message", "m is required")
    message, said = log["m"], _object_in(log["m"])
    attributes = present(request_id=request, entry=log.get("u"))
    exception: dict[str, str] = {}
    if said:  # an object that was logged, or an exception
        exception = {
            name: said[theirs]
            for name, theirs in (("type", "name"), ("value", "message"), ("stacktrace", "stack"))
            if "stack" in said and isinstance(said.get(theirs), str)
        }
        attributes |= without(said, "name", "message", "stack") if exception else dict(said)
        if exception and isinstance(attributes.get("logData"), str):  # said with the exception
            message = attributes.pop("logData")
        else:
            message = said.get("message") or said.get("msg") or message
    record = record_of(message, {"logger": log.get("n")}, attributes)
    if (level := _level(log.get("l"))) is not None:
        record["level"] = level
    return record | present(exception=exception, time=log.get("t"))


def _object_in(message: Any) -> dict[str, Any]:
    """The object that a message is, or holds as JSON."""
    if isinstance(message, str) and message[:1] == "{":
        try:
            return decode_json(_object, message.encode("utf-8", "replace"))
        except (UnreadableBody, msgspec.ValidationError):
            return {}
    return dict(mapping(message))


def _level(level: Any) -> str | None:
    """A level of JSNLog: those between ours count as the lower one."""
    if isinstance(level, (int, float)):
        return _LEVELS[int(min(max(level // 1000, 1), 6)) - 1]
    return level if isinstance(level, str) and severity_of(level) else None
