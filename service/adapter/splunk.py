"""Splunk's HTTP Event Collector: events as objects one after the other, and raw lines.

Source: Splunk, "Format events for HTTP Event Collector" and its table of status codes. Indexes are
not acknowledged: there is no need to ask, as the reply is a receipt.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from exceptions import NoGoodRecord, Problem, TooLarge, UnreadableBody
from service.adapter.fields import SMALL, demand_few_objects, lines_of
from service.adapter.lift import record_from, time_of
from service.adapter.wire import Bad, Record, Reply, Sent, Translated, json_reply, key_of_body
from service.batch import Batch
from service.ingest import demand_good

_ABOUT = ("host", "source", "sourcetype", "index")
_NEXT = re.compile(r"(?<=[}\n])\s*\{")  # where an event may begin after one that is torn
_decode = json.JSONDecoder().raw_decode
_blank = re.compile(r"[\s,\[\]]*")  # between events; an array of them is one too
MAX_TRIES = 20  # to read the whole of a body whose events are all torn
# Splunk's codes by status.
_CODES = {
    400: (6, "Invalid data format"),
    401: (2, "Token is required"),
    403: (4, "Invalid token"),
    413: (6, "Invalid data format"),
    422: (6, "Invalid data format"),
    429: (9, "Server is busy"),
    503: (9, "Server is busy"),
}

_EVENT_CODES = {
    "missing_event": (12, "Event field is required"),
    "blank_event": (13, "Event field cannot be blank"),
}


def read(sent: Sent) -> Translated | Reply:
    """A record for each event, or for each raw line; health is answered at once."""
    kind = sent.path.removeprefix("/services/collector").strip("/").partition("/")[0]
    if kind == "health":
        return json_reply(200, {"text": "HEC is healthy", "code": 17})
    if kind == "ack":
        return json_reply(400, {"text": "ACK is disabled", "code": 14})
    records = _raw(sent) if kind == "raw" else _events(sent)
    dated = kind != "raw" and all(isinstance(each, Bad) or "time" in each for each in records)
    return Translated(records, key_of_body("splunk", sent.body) if dated else "")


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """Success, also when only some of it was good: a refusal would be sent again, or dropped."""
    demand_good(kept)
    return json_reply(200, {"text": "Success", "code": 0})


def refuse(sent: Sent, problem: Problem) -> Reply:
    """Splunk's text and code, ours beside them."""
    code, text = _CODES.get(problem.status, (8, "Internal server error"))
    if problem.status == 401 and sent.headers.get("authorization"):
        code, text = 3, "Invalid authorization"
    told: dict[str, Any] = {"text": text, "code": code}
    if isinstance(problem, NoGoodRecord):
        first = problem.members["rejected"][0]
        code, text = _EVENT_CODES.get(first.reason, (code, text))
        told = {"text": text, "code": code, "invalid-event-number": first.index}
    elif problem.status == 400 and not sent.body:
        told = {"text": "No data", "code": 5}
    told["detail"] = f"{problem.code}: {problem.detail or problem.title}"
    return json_reply(400 if problem.status == 422 else problem.status, told)


def _events(sent: Sent) -> list[Record | Bad]:
    demand_few_objects(sent.body, 4 * sent.max_records)
    made: list[Record | Bad] = []
    for event in _values(sent.body.decode("utf-8", "replace")):
        if len(made) == sent.max_records:
            raise TooLarge(f"more than {sent.max_records} records in one report")
        made.append(event if isinstance(event, Bad) else _event(event))
    if not made:
        raise UnreadableBody("the body holds no event")
    return made


def _values(text: str) -> Iterator[Any]:
    """The events of a body. One that is torn costs no other: the next that may be one is tried."""
    at, room = _end(text, 0), MAX_TRIES * len(text) + SMALL
    while at < len(text):
        try:
            value, at = _decode(text, at)
        except ValueError as error:
            yield Bad("invalid_json", str(error)[:200])
            room -= len(text) - at  # as far as it may have been read
            following = _NEXT.search(text, at + 1) if room > 0 else None
            at = following.end() - 1 if following else len(text)
        else:
            yield value
            at = _end(text, at)


def _end(text: str, at: int) -> int:
    """Where the blanks from here end."""
    found = _blank.match(text, at)
    return found.end() if found else at


def _event(envelope: Any) -> Record | Bad:
    if not isinstance(envelope, dict):
        return Bad("not_an_object", "an event is an object with the member event")
    event = envelope.get("event")
    if event is None:
        return Bad("missing_event", "event is required")
    if event in ("", {}):
        return Bad("blank_event", "event is blank")
    attributes = {name: envelope[name] for name in _ABOUT if envelope.get(name) is not None}
    fields = envelope.get("fields")
    if isinstance(fields, dict):
        attributes |= fields
    return _dated(_said(event, attributes), envelope.get("time"))


def _said(event: Any, attributes: dict[str, Any]) -> Record:
    """The record of an event: a text, or an object of which `message` may be one itself."""
    if not isinstance(event, dict):
        return record_from({**attributes, "message": event})
    inner = event.get("message")
    outer = {name: event[name] for name in event if name != "message"}
    return record_from(
        {**attributes, **outer, **inner}  # splunk-logging
        if isinstance(inner, dict)
        else {**attributes, **event}
    )


def _raw(sent: Sent) -> list[Record | Bad]:
    """A record for each line; what is known of all of them stands in the query."""
    about = {name: sent.query[name] for name in _ABOUT if sent.query.get(name)}
    lines = lines_of(sent)
    if not lines:
        raise UnreadableBody("the body holds no line")
    return [_dated(_line(line, about), sent.query.get("time")) for line in lines]


def _line(line: bytes, about: dict[str, str]) -> Record:
    record: Record = {"message": line.decode("utf-8", "replace")}
    return {**record, "attributes": about} if about else record


def _dated(record: Record, time: Any) -> Record:
    """The record with the time that its envelope says, if it says one."""
    moment = time_of(time)
    return record if moment is None else {**record, "time": moment}
