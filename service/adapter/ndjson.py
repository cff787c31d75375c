"""Objects, one a line or in an array, with VictoriaLogs' parameters.

Source: VictoriaLogs, "JSON stream API" and "HTTP parameters" (a parameter counts more than the
header of its name). Netlify's and other drains send the same.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
from msgspec import Raw

from exceptions import Problem, TooLarge, UnreadableBody
from service.adapter.fields import decode_json, demand_few_objects, lines_of, read_object
from service.adapter.lift import record_from, time_of
from service.adapter.wire import Bad, Record, Reply, Sent, Translated, key_of_body, text_refusal
from service.batch import Batch
from service.ingest import demand_good

_array = msgspec.json.Decoder(list[Raw])


def read(sent: Sent) -> Translated:
    """A record for each object."""
    if sent.headers.get("content-encoding", "").strip().lower() == "snappy":
        from service.adapter.snappy import unsnap  # only here: memory

        sent = sent._replace(body=unsnap(sent.body, sent.max_bytes))
    wanted = _Wanted(sent)
    records = [_record(text, wanted) for text in objects_of(sent)]
    dated = all(isinstance(record, Bad) or "time" in record for record in records)
    return Translated(records, key_of_body("ndjson", sent.body) if dated else "")


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """200 and nothing more; lines that are no objects are counted."""
    demand_good(kept)
    return Reply(200)


def refuse(sent: Sent, problem: Problem) -> Reply:
    """A line of text."""
    return text_refusal(problem)


def objects_of(sent: Sent) -> list[bytes]:
    """The objects of a body as they are written: the elements of an array, or its lines.

    Raises UnreadableBody when there is none, and TooLarge.
    """
    demand_few_objects(sent.body, 4 * sent.max_records)
    found = lines_of(sent) if sent.body.lstrip()[:1] != b"[" else _elements(sent)
    if not found:
        raise UnreadableBody("the body holds no object")
    return found


def _elements(sent: Sent) -> list[bytes]:
    try:
        found = decode_json(_array, sent.body)
    except UnreadableBody:  # lines of arrays are no records, but the lines among them may be
        return lines_of(sent)
    if len(found) > sent.max_records:
        raise TooLarge(f"more than {sent.max_records} records in one report")
    return [bytes(each) for each in found]


def members_of(text: bytes) -> dict[str, Any] | Bad:
    """An object's members."""
    return read_object(text, lambda members: members)


class _Wanted:
    """What the parameters or the headers say of the members."""

    def __init__(self, sent: Sent) -> None:
        def said(name: str) -> Iterator[str]:
            header = "vl-" + name.strip("_").replace("_", "-")
            text = sent.query.get(name) or sent.headers.get(header, "")
            return (each.strip() for each in islice(text.split(","), 100) if each.strip())

        self.messages = list(said("_msg_field"))
        self.times = list(said("_time_field"))
        self.ignored = list(said("ignore_fields"))
        pairs = (each.partition("=") for each in said("extra_fields"))
        self.extra = {name: value for name, _, value in pairs}
        self.stream = list(said("_stream_fields"))


def _record(text: bytes, wanted: _Wanted) -> Record | Bad:
    members = members_of(text)
    if isinstance(members, Bad):
        return members
    for name in wanted.ignored:
        members.pop(name, None)
    members |= wanted.extra
    message, time = _taken(members, wanted.messages), _time(members, wanted.times)
    stream = {name: members[name] for name in wanted.stream if name in members}
    if message is not None:
        members["message"] = message
    record = record_from(members)
    if time is not None:
        record["time"] = time
    if stream:  # by which VictoriaLogs tells streams apart
        record["attributes"] = {**record.get("attributes", {}), "_stream": stream}
    return record


def _taken(members: dict[str, Any], names: list[str]) -> Any:
    """The first of these members that says something, taken out."""
    name = next((name for name in names if members.get(name) not in (None, "")), None)
    return None if name is None else members.pop(name)


def _time(members: dict[str, Any], names: list[str]) -> Any:
    """The first of these members that is a time, taken out."""
    for name in names:
        if (moment := time_of(members.get(name))) is not None:
            del members[name]
            return moment
    return None
