"""JSON values of a record that are too deep or too long to be kept whole."""

import json
import re

import msgspec
from msgspec import Raw

from utils.record import dumps

MAX_DEPTH = 900  # SQLite reads JSON 1,000 levels deep
MAX_JSON_BYTES = 131_072  # of `attributes` and of `exception`
SHORT_BYTES = 64  # a member of no more, with its name, is kept while there is room

_MARK = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


def json_text(raw: Raw) -> str | None:
    """Raw JSON as text that SQLite's JSON functions can read; `null` is none."""
    text = str(raw, "utf-8")
    if len(text) > MAX_DEPTH and _is_deeper(text, MAX_DEPTH):
        return json.dumps({"nested_json": text}, ensure_ascii=False)
    return None if text == "null" else text


def _is_deeper(text: str, most: int) -> bool:
    """Whether brackets are nested more than `most` deep; those within strings don't count."""
    if text.count("[") + text.count("{") <= most:
        return False
    depth = 0
    for match in _MARK.finditer(text):
        mark = match[0]
        depth += 1 if mark in "[{" else -1 if mark in "]}" else 0
        if depth > most:
            return True
    return False


def is_too_long(text: str | None) -> bool:
    """Whether a value has to be cut."""
    if text is None or len(text) <= MAX_JSON_BYTES // 4:
        return False
    return len(text.encode()) > MAX_JSON_BYTES


def cut_json(text: str) -> str:
    """An object of at most `MAX_JSON_BYTES`: short members as they are, of long ones the beginning.

    The short are served first, so that one large member takes no other's place. A long member
    becomes text: of a string its beginning, of anything else the beginning of its JSON. What finds
    no room goes.
    """
    members = msgspec.json.decode(text, type=dict[str, Raw])
    kept: dict[str, Raw] = {}
    room, left = MAX_JSON_BYTES - len("{}"), len(members)
    for name, value in sorted(members.items(), key=lambda member: len(bytes(member[1]))):
        around = len(dumps(name)) + len(":,")
        share = min(room, max(room // left, SHORT_BYTES)) - around
        left -= 1
        if share >= SHORT_BYTES or len(bytes(value)) <= share:
            kept[name] = value if len(bytes(value)) <= share else _beginning(value, share)
            room -= around + len(bytes(kept[name]))
    return dumps({name: kept[name] for name in members if name in kept}).decode()


def _beginning(value: Raw, size: int) -> Raw:
    """The beginning of a value as a JSON string of at most `size` bytes."""
    raw = bytes(value)
    text = msgspec.json.decode(raw, type=str) if raw.startswith(b'"') else raw.decode()
    cut = text.encode()[: size - 2].decode("utf-8", "ignore")
    while len(written := dumps(cut)) > size:  # what is escaped takes more room
        cut = cut[: len(cut) * (size - 2) // len(written)]
    return Raw(written)
