"""Loki's push in protobuf (pkg/push/push.proto), a snappy block."""

import re
from typing import Any

import msgspec
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from service.adapter.fields import MAX_SHARED_BYTES, demand_few_objects, share
from service.adapter.loki_line import Stream, record_of_line, stream_of
from service.adapter.protobuf import MAX_PART_BYTES, parts_of
from service.adapter.snappy import unsnap
from service.adapter.wire import Bad, Record, Sent

_LABEL = re.compile(r'[\s,{]*([^\s,{}="]+)\s*=\s*"((?:[^"\\]|\\.)*)"')


def _make_entry() -> Any:
    """EntryAdapter, with its texts as bytes: they need not be UTF-8."""
    kinds, file = FieldDescriptorProto, FileDescriptorProto(name="loki.proto", package="loki")
    file.syntax = "proto3"
    for message, fields in {
        "Time": (("seconds", kinds.TYPE_INT64, ""), ("nanos", kinds.TYPE_INT32, "")),
        "Pair": (("name", kinds.TYPE_BYTES, ""), ("value", kinds.TYPE_BYTES, "")),
        "Entry": (
            ("time", kinds.TYPE_MESSAGE, ".loki.Time"),
            ("line", kinds.TYPE_BYTES, ""),
            ("metadata", kinds.TYPE_MESSAGE, ".loki.Pair"),
        ),
    }.items():
        made = file.message_type.add(name=message)
        for number, (name, kind, of) in enumerate(fields, 1):
            field = made.field.add(name=name, number=number, type=kind, type_name=of or None)
            many = name == "metadata"
            field.label = kinds.LABEL_REPEATED if many else kinds.LABEL_OPTIONAL
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("loki.Entry"))


_Entry = _make_entry()


def read_lines(sent: Sent) -> list[Record | Bad]:
    """The records of a PushRequest. Raises UnreadableBody and TooLarge."""
    made: list[Record | Bad] = []
    body, room = unsnap(sent.body, sent.max_bytes), MAX_SHARED_BYTES
    demand_few_objects(body)  # of lines that are JSON
    streams, left = parts_of(body, sent.max_records)[0], sent.max_records
    left -= len(streams)
    for written in streams:
        labels, entries = parts_of(written, left)
        left -= len(entries)
        stream = stream_of(_labels(b"".join(labels)[:MAX_PART_BYTES].decode("utf-8", "replace")))
        room = share(room, stream, len(entries))
        made += [_record(entry, stream) for entry in entries]
    return made


def _record(written: bytes, stream: Stream) -> Record | Bad:
    if len(written) > MAX_PART_BYTES:
        return Bad("too_large", f"an entry has more than {MAX_PART_BYTES} bytes")
    try:
        entry = _Entry.FromString(written)
    except DecodeError:
        return Bad("invalid_record", "this is no entry")
    time = entry.time.seconds * 1_000_000_000 + entry.time.nanos
    metadata = {
        pair.name.decode("utf-8", "replace"): pair.value.decode("utf-8", "replace")
        for pair in entry.metadata
    }
    return record_of_line(time, entry.line.decode("utf-8", "replace"), metadata, stream)


def _labels(written: str) -> dict[str, Any]:
    """Labels as Prometheus writes them; what can't be read so is kept as it is."""
    labels, at = {}, 0
    while found := _LABEL.match(written, at):  # never searched: that may take quadratic time
        labels[found[1]], at = _unquoted(found[2]), found.end()
    return {**labels, "labels": written} if written[at:].strip("{}, \t\n") else labels


def _unquoted(text: str) -> str:
    if "\\" not in text:
        return text
    try:
        return str(msgspec.json.decode(f'"{text}"'))
    except msgspec.DecodeError:
        return text
