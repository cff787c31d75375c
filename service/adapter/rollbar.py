"""Rollbar's items: a message, an error with its frames, a chain of them, or a crash report.

Source: Rollbar's API reference, "Create an item".
"""

from collections.abc import Iterable
from typing import Any, cast

import msgspec

from exceptions import Problem, UnreadableBody
from service.adapter.fields import decode_json, record_of, text_of
from service.adapter.values import Members, mapping, objects, present, without
from service.adapter.wire import Bad, Record, Reply, Sent, Translated, json_reply, key_of_dated
from service.batch import Batch
from service.ingest import demand_good
from utils.ingest_key import KEY
from utils.level import severity_of

_object = msgspec.json.Decoder(dict[str, Any])
# What has a place in a record; the rest stands among the attributes.
_OWN = ("body", "level", "environment", "timestamp", "uuid", "code_version", "platform", "person")
AUTO = "$remote_ip"  # stands for the client's address


def read(sent: Sent) -> Translated:
    """One record."""
    data = decode_json(_object, sent.body).get("data")
    if not isinstance(data, dict):
        return Translated([Bad("missing_data", "data must be an object")])
    records = [_record(data, sent)]
    uuid = str(data.get("uuid") or "")
    return Translated(records, uuid or key_of_dated("rollbar", sent.body, records), note=uuid)


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """200, with the item's own id."""
    demand_good(kept)
    return json_reply(200, {"err": 0, "result": {"id": None, "uuid": translated.note or None}})


def refuse(sent: Sent, problem: Problem) -> Reply:
    """Rollbar's form of an error."""
    message = f"{problem.code}: {problem.detail or problem.title}"
    return json_reply(problem.status, {"err": 1, "message": message})


def keys_of(sent: Sent) -> Iterable[str]:
    """The access token, which older clients send in the body."""
    if b'"access_token"' not in sent.body:
        return []
    try:
        token = decode_json(_object, sent.body).get("access_token")
        return cast(list[str], KEY.findall(str(token)))
    except (UnreadableBody, msgspec.MsgspecError, RecursionError):
        return []


def _record(data: Members, sent: Sent) -> Record:
    body, client = mapping(data.get("body")), mapping(data.get("client"))
    person, script = mapping(data.get("person")), mapping(client.get("javascript"))
    said, thrown, named = mapping(body.get("message")), _exception(body), _named(data)
    texts = {
        "release": data.get("code_version") or script.get("code_version"),
        "environment": data.get("environment"),
        "platform": data.get("platform"),
        "session_id": named.pop("session_id", None),
        "user_id": person.get("id"),
    }
    attributes = without(data, *_OWN, *(["attributes"] if named or texts["session_id"] else []))
    request = mapping(data.get("request"))
    if request.get("user_ip") == AUTO:
        attributes["request"] = {**request, "user_ip": sent.address}
    about = {"telemetry": body.get("telemetry"), "attributes": named}
    attributes |= present(person=without(person, "id"), **about) | without(said, "body")
    record = record_of(_message(said, thrown, data), texts, attributes)
    level = data.get("level")
    record["level"] = level if isinstance(level, str) and severity_of(level) else "error"
    time = data.get("timestamp") or client.get("timestamp")
    return record | present(exception=thrown, time=time)


def _named(data: Members) -> dict[str, Any]:
    """Attributes by name: newer SDKs send them as a list of keys and values."""
    pairs = objects(data.get("attributes"))
    return {str(each["key"]): each.get("value") for each in pairs if "key" in each}


def _message(said: Members, thrown: Members, data: Members) -> Any:
    named = ": ".join(str(thrown[name]) for name in ("type", "value") if thrown.get(name))
    return said.get("body") or thrown.get("description") or named or data.get("title") or "error"


def _exception(body: Members) -> dict[str, Any]:
    """The error that came out, with those that caused it; frames have the oldest first."""
    chain = objects(body.get("trace_chain")) or objects([body.get("trace")])
    if not chain:
        raw = mapping(body.get("crash_report")).get("raw")
        return {"stacktrace": raw} if isinstance(raw, str) else {}
    thrown, *causes = (_error(each) for each in chain)
    return {**thrown, "causes": causes} if causes else thrown


def _error(trace: Members) -> dict[str, Any]:
    exception = mapping(trace.get("exception"))
    pairs = {"type": exception.get("class"), "value": exception.get("message")}
    made: dict[str, Any] = {name: text_of(value) for name, value in pairs.items() if value}
    return made | present(
        description=exception.get("description"), stacktrace=objects(trace.get("frames"))
    )
