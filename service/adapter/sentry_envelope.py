"""Sentry's envelope: a line of headers, then items, each a line of headers and a payload.

    Headers "\\n" { Item headers "\\n" Payload "\\n" }

Source: Sentry developer documentation, "Envelopes".
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from exceptions import TooLarge, UnreadableBody
from service.adapter.fields import decode_json
from service.adapter.wire import Bad

object_of = msgspec.json.Decoder(dict[str, Any])
_EVENT_ID = re.compile("[0-9a-f]{32}")
MAX_ITEMS = 1000
Headers = dict[str, Any]


class Item(NamedTuple):
    """A part of an envelope; its payload may be anything."""

    headers: Headers
    payload: bytes

    @property
    def type(self) -> str:
        """What it is; Relay passes over what it does not know, and so do we."""
        return str(self.headers.get("type", ""))


def headers_of(body: bytes) -> Headers:
    """The envelope's own headers. Raises UnreadableBody and msgspec.ValidationError."""
    return decode_json(object_of, body.partition(b"\n")[0])


def items_of(body: bytes) -> Iterator[Item | Bad]:
    """The items. Where one can't be read, nothing behind it can: it is bad, and the last.

    Raises TooLarge when there are more than MAX_ITEMS.
    """
    at, number = _end_of_line(body, 0), 0
    while at < len(body):
        end = _end_of_line(body, at)
        line, start = body[at:end], end
        if line.isspace():
            at = end
            continue
        number += 1
        if number > MAX_ITEMS:
            raise TooLarge(f"more than {MAX_ITEMS} items in one envelope")
        try:
            headers = decode_json(object_of, line)
            stop = _end_of_payload(body, start, headers.get("length"))
        except (UnreadableBody, msgspec.ValidationError, RecursionError) as error:
            yield Bad("invalid_item", str(error)[:200])
            return
        yield Item(headers, body[start:stop])
        at = stop + 1 if body[stop : stop + 1] == b"\n" else stop


def event_id_of(members: Headers) -> str:
    """An event's id, without the dashes that some write; "" when there is none."""
    event_id = str(members.get("event_id", "")).replace("-", "").lower()
    return event_id if _EVENT_ID.fullmatch(event_id) else ""


def _end_of_line(body: bytes, at: int) -> int:
    """Where the next line begins."""
    return body.find(b"\n", at) + 1 or len(body)


def _end_of_payload(body: bytes, start: int, length: Any) -> int:
    """Where a payload ends: after its length in bytes or, if it tells none, with its line."""
    if isinstance(length, int):
        if not 0 <= length <= len(body) - start:
            raise UnreadableBody(f"an item of {length} bytes, and {len(body) - start} are left")
        return start + length
    stop = body.find(b"\n", start)
    return stop if stop >= 0 else len(body)
