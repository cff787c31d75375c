"""A line of Loki's as a record of ours."""

from typing import Any, NamedTuple

import msgspec

from exceptions import UnreadableBody
from service.adapter.fields import decode_json
from service.adapter.lift import LABELS, METADATA, NAMES_WITHOUT_TIME, fill, lift
from service.adapter.wire import Record

_object = msgspec.json.Decoder(dict[str, Any])


class Stream(NamedTuple):
    """What the lines of a stream have in common."""

    fields: Record
    attributes: dict[str, Any]
    found: Record  # what the labels were lifted to, uncut


def stream_of(labels: dict[str, Any]) -> Stream:
    """What a stream's labels say of its lines."""
    found = lift(labels, LABELS)
    fields = fill({"message": "", **found}, labels)
    return Stream(fields, fields.pop("attributes", {}), found)


def record_of_line(time: int, line: str, metadata: dict[str, Any] | None, stream: Stream) -> Record:
    """A record; `time` in ns, 0: none. Labels count more than metadata, and both more than what a
    line says that is itself JSON.
    """
    if metadata or line[:1] == "{":
        record = _rich(line, metadata or {}, stream)
    else:
        record = {**stream.fields, "message": line}
        if stream.attributes:
            record["attributes"] = stream.attributes
    if time:
        record["time"] = time // 1000
    return record


def _rich(line: str, metadata: dict[str, Any], stream: Stream) -> Record:
    members = _members(line) if line[:1] == "{" else {}
    said = lift(members, NAMES_WITHOUT_TIME)
    if "message" not in said:  # then the line stands for itself, whatever it says
        members, said["message"] = {}, line
    found = {**said, **lift(metadata, METADATA), **stream.found}
    return fill(found, {**members, **metadata, **stream.attributes})


def _members(line: str) -> dict[str, Any]:
    """The object that a line is; empty when it is none."""
    try:
        return decode_json(_object, line.encode("utf-8", "replace"))
    except (UnreadableBody, msgspec.ValidationError, RecursionError):
        return {}
