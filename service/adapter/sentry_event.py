"""An event of Sentry as a record of ours: a message, or an error with its stack.

Source: Sentry developer documentation, "Event Payloads".
"""

import re
from typing import Any

from service.adapter.fields import record_of, text_of
from service.adapter.values import Members, mapping, objects
from service.adapter.wire import Record, Sent
from utils.level import severity_of

AUTO = "{{auto}}"  # stands for the client's address
_PLACEHOLDER = re.compile("%[sdifrx]")
# What has a place in a record; the rest stands among the attributes. A list of all installed
# packages (`modules`) is long, the same every time, and not kept.
_OWN = frozenset(("timestamp", "level", "logger", "release", "environment", "platform"))
_OWN |= {"message", "logentry", "exception", "stacktrace", "threads", "user", "tags"}
_OWN |= {"breadcrumbs", "contexts", "sdk", "modules", "type", "received"}


def record_of_event(event: Members, sent: Sent, level: str = "error") -> Record:
    """A record; `level` is that of an event that names none."""
    thrown, contexts = _exception(event), mapping(event.get("contexts"))
    trace, user = mapping(contexts.get("trace")), mapping(event.get("user"))
    attributes = {name: value for name, value in event.items() if name not in _OWN and value}
    message = _message(event, thrown, attributes)
    if thrown.get("value") == message and "type" not in thrown:
        del thrown["value"]  # of a captured message with its stack
    os_name, device = (mapping(contexts.get(name)) for name in ("os", "device"))
    texts = {
        "logger": event.get("logger") or ("sentry.feedback" if _feedback(event) else None),
        "release": event.get("release"),
        "environment": event.get("environment"),
        "platform": os_name.get("name") or event.get("platform"),
        "device_id": device.get("device_unique_identifier") or device.get("id"),
        "session_id": mapping(contexts.get("replay")).get("replay_id"),
        "user_id": user.get("id"),
        "trace_id": trace.get("trace_id"),
        "span_id": trace.get("span_id"),
    }
    attributes |= {name: value for name, value in _beside(event, contexts, user, sent) if value}
    record = record_of(message, texts, attributes)
    record["level"] = level_of(event.get("level"), level, record)
    if event.get("timestamp"):
        record["time"] = event["timestamp"]
    if thrown:
        record["exception"] = thrown
    return record


def level_of(level: Any, otherwise: str, record: Record) -> str:
    """A level by its name; what is none of ours stands among the attributes."""
    if isinstance(level, str) and severity_of(level):
        return level
    if level is not None:
        record.setdefault("attributes", {}).setdefault("level", level)
    return otherwise


def _beside(event: Members, contexts: Members, user: Members, sent: Sent) -> list[tuple[str, Any]]:
    """What stands among the attributes in a form of its own."""
    plain = {name: value for name, value in contexts.items() if name != "trace"}
    trace = mapping(contexts.get("trace")).items()
    if rest := {name: value for name, value in trace if name not in ("trace_id", "span_id")}:
        plain["trace"] = rest
    person = {name: value for name, value in user.items() if name != "id" and value}
    if person.get("ip_address") == AUTO:
        person["ip_address"] = sent.address
    sdk, platform = mapping(event.get("sdk")), event.get("platform")
    return [
        ("tags", _tags(event.get("tags"))),
        ("contexts", plain),
        ("breadcrumbs", _values(event.get("breadcrumbs"))),
        ("user", person),
        ("sdk", " ".join(str(sdk[name]) for name in ("name", "version") if sdk.get(name))),
        ("platform", platform if "os" in contexts else None),
    ]


def _message(event: Members, thrown: Members, attributes: dict[str, Any]) -> str:
    """What is to be read first; a template is kept with its parameters."""
    entry = event.get("logentry") or event.get("message") or _feedback(event).get("message")
    message = entry
    if isinstance(entry, dict):
        template, params = entry.get("message"), entry.get("params")
        message = entry.get("formatted") or _filled(template, params)
        if params:
            attributes["logentry"] = {"message": template, "params": params}
    if message:
        return text_of(message)
    if thrown:
        return ": ".join(thrown[name] for name in ("type", "value") if thrown.get(name)) or "error"
    return text_of(event.get("transaction") or "event")


def _feedback(event: Members) -> Members:
    """What somebody wrote, for an event that is of this."""
    return mapping(mapping(event.get("contexts")).get("feedback"))


def _filled(template: Any, params: Any) -> Any:
    """A template with its parameters in order. Not by `%`: a width could ask for any memory."""
    if not isinstance(template, str) or not isinstance(params, list):
        return template
    left = iter(params)
    return _PLACEHOLDER.sub(lambda found: text_of(next(left, found[0])), template)


def _exception(event: Members) -> dict[str, Any]:
    """The exception that came out last, with those that caused it; else the stack of a thread."""
    thrown = [_one(value) for value in objects(_values(event.get("exception")))]
    if thrown:
        *causes, last = thrown
        return {**last, "causes": causes[::-1]} if causes else last
    threads = objects(_values(event.get("threads")))
    main = [each for each in threads if each.get("crashed") or each.get("current")] or threads[:1]
    for holder in (*main, event):
        if frames := _frames(holder):
            return {"stacktrace": frames}
    return {}


def _one(value: Members) -> dict[str, Any]:
    """One exception of a chain; its frames stay in Sentry's order, the oldest first."""
    made = {name: text_of(value[name]) for name in ("type", "value") if value.get(name)}
    made |= {name: value[name] for name in ("module", "mechanism") if value.get(name)}
    if frames := _frames(value):
        made["stacktrace"] = frames
    return made


def _frames(holder: Members) -> Any:
    return objects(mapping(holder.get("stacktrace")).get("frames"))


def _tags(tags: Any) -> Any:
    """Tags as an object; some SDKs send pairs."""
    if not isinstance(tags, list):
        return tags
    return {str(pair[0]): pair[1] for pair in tags if isinstance(pair, list) and len(pair) == 2}


def _values(value: Any) -> Any:
    """A list that some SDKs put into an object."""
    return value.get("values") if isinstance(value, dict) else value
