"""The body of a bulk: a line that says what is to be done, and the document's line."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from exceptions import TooLarge, UnreadableBody
from service.adapter.fields import demand_few_objects, read_object
from service.adapter.lift import record_from
from service.adapter.wire import Bad, Record, Sent


class Action(NamedTuple):
    """What is to be done, with which document."""

    kind: str
    place: str
    id: str
    record: Record | Bad

    @property
    def is_named(self) -> bool:
        """Whether the same document sent again is told from one that looks alike."""
        return bool(self.id) or "time" in self.record


class _Place(Struct, gc=False):
    index: str | None = msgspec.field(name="_index", default=None)
    id: str | int | None = msgspec.field(name="_id", default=None)


class _Actions(Struct, gc=False):
    """One of these."""

    create: _Place | None = None
    index: _Place | None = None
    update: _Place | None = None
    delete: _Place | None = None


_KINDS = ("create", "index", "update", "delete")
_action = msgspec.json.Decoder(_Actions)
Head = tuple[str, str, str]  # kind, index, id
_NO_ACTION = Bad("invalid_action", "this line says neither create nor index")


def actions_of(sent: Sent, index: str) -> list[Action]:
    """What a bulk's body asks for; `index` is where documents go that name none.

    A line that should say what to do and does not costs its own document. Raises UnreadableBody
    when there is nothing, and TooLarge.
    """
    demand_few_objects(sent.body, 4 * sent.max_records)
    actions: list[Action] = []
    heads: dict[bytes, Head | None] = {}
    lines = (line for line in BytesIO(sent.body) if not line.isspace())
    held: bytes | None = None  # a line that was looked at too early
    while line := held or next(lines, b""):
        held = None
        if len(actions) == sent.max_records:
            raise TooLarge(f"more than {sent.max_records} records in one report")
        head = _head(line, index, heads)
        if head is None:
            held = next(lines, b"")
            if _head(held, index, heads) is None:
                held = None
            actions.append(Action("index", index, "", _NO_ACTION))
        else:
            actions.append(_done(head, lines))
    if not actions:
        raise UnreadableBody("the body is empty")
    return actions


def read_document(text: bytes, index: str, id_: str) -> Record | Bad:
    """The record that a document makes."""
    place = {name: text for name, text in (("_index", index), ("_id", id_)) if text}

    def placed(members: dict[str, Any]) -> Record:
        record = record_from(members)
        if place:
            record["attributes"] = record.get("attributes", {}) | place
        return record

    return read_object(text, placed)


def _done(head: Head, lines: Iterator[bytes]) -> Action:
    kind, index, id_ = head
    if kind == "delete":
        return Action(*head, Bad("unsupported_action", "logs are not deleted by their clients"))
    document = next(lines, b"")
    if kind == "update":
        return Action(*head, Bad("unsupported_action", "logs are not updated"))
    return Action(*head, read_document(document, index, id_))


def _head(line: bytes, index: str, known: dict[bytes, Head | None]) -> Head | None:
    """What a line asks for; None when it asks for nothing. Most lines are the same."""
    if line not in known:
        if len(known) > 100:
            known.clear()
        known[line] = _parsed(line, index)
    return known[line]


def _parsed(line: bytes, index: str) -> Head | None:
    try:
        asked = _action.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    for kind in _KINDS:
        place = getattr(asked, kind)
        if place is not None:
            return kind, place.index or index, "" if place.id is None else str(place.id)
    return None
