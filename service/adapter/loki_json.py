"""Loki's push in JSON; times are text, in nanoseconds."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from exceptions import TooLarge, UnreadableBody
from service.adapter.fields import MAX_SHARED_BYTES, decode_json, decode_part, share
from service.adapter.loki_line import Stream, record_of_line, stream_of
from service.adapter.wire import Bad, Record, Sent


class _Entry(Struct, array_like=True, gc=False):
    time: str
    line: str
    metadata: dict[str, Any] | None = None


class _Stream(Struct, gc=False):
    stream: dict[str, Any] | None = None
    values: list[Raw] | None = None


class _Push(Struct, gc=False):
    streams: list[_Stream] | None = None


_push = msgspec.json.Decoder(_Push)
_entry = msgspec.json.Decoder(_Entry)


def read_lines(sent: Sent) -> list[Record | Bad]:
    """The records of a push. Raises UnreadableBody and TooLarge, and msgspec.ValidationError when
    it is something else.
    """
    made: list[Record | Bad] = []
    room = MAX_SHARED_BYTES
    for written in decode_json(_push, sent.body).streams or ():
        values = written.values or ()
        if len(made) + len(values) > sent.max_records:
            raise TooLarge(f"more than {sent.max_records} records in one report")
        stream = stream_of(written.stream or {})
        room = share(room, stream, len(values))
        made += [_record(value, stream) for value in values]
    return made


def _record(written: Raw, stream: Stream) -> Record | Bad:
    try:
        entry = decode_part(_entry, written)
        return record_of_line(int(entry.time), entry.line, entry.metadata, stream)
    except (msgspec.ValidationError, ValueError, UnreadableBody, RecursionError) as error:
        return Bad("invalid_record", str(error)[:200])
