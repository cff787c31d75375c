"""An object's members out of JSON as clients write it, mended where it can be.

A lone surrogate, broken UTF-8 and NUL become U+FFFD, NaN becomes null, an integer too large for
64 bits becomes text.
"""

import json
from typing import Any

import msgspec
from msgspec import Raw

from utils.record import dumps

Members = dict[str, Raw]

_members = msgspec.json.Decoder(Members).decode


class BadRecord(ValueError):
    """A record can't be accepted: a stable reason, and a detail for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def members_of(text: bytes) -> Members:
    """An object's members, mended where possible. Raises BadRecord."""
    try:
        if b"\\u0000" not in text and text.decode("utf-8"):
            return _members(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    return _members(_mended(text))


def _mended(text: bytes) -> bytes:
    """The same object as clean JSON. Raises BadRecord when it is none."""
    try:
        value = clean_value(json.loads(text.decode("utf-8", "replace")))
    except RecursionError:
        raise BadRecord("too_deep", "the record is nested too deeply") from None
    except ValueError as error:
        raise BadRecord("invalid_json", str(error)[:200]) from None
    if not isinstance(value, dict):
        raise BadRecord("not_an_object", "a record must be an object")
    return dumps(value)


def clean_value(value: Any) -> Any:
    """A JSON value with what UTF-8, SQL and a 64-bit number can't hold replaced."""
    if isinstance(value, str):
        paired = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return paired.replace("\0", "\ufffd")
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    if isinstance(value, list):
        return [clean_value(item) for item in value]
    if isinstance(value, dict):
        return {clean_value(key): clean_value(item) for key, item in value.items()}
    return value
