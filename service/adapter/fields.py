"""What several adapters do to fill a record."""

from collections.abc import Mapping
from io import BytesIO
from itertools import islice
from json import loads
from typing import Any, TypeVar

import msgspec
from msgspec.json import Decoder

from exceptions import TooLarge, UnreadableBody
from service.adapter.wire import Record, Sent
from service.mend import clean_value
from utils.level import severity_of
from utils.record import MAX_TEXT, dumps

T = TypeVar("T")
SMALL, OBJECT_BYTES = 2**20, 8
# RFC 5424: emergency, alert, critical, error, warning, notice, informational, debug.
_SYSLOG = ("fatal", "fatal", "fatal", "error", "warning", "info", "info", "debug")


def decode_json(decoder: Decoder[T], text: bytes) -> T:
    """A JSON document of a type, mended where it can be (`service.mend`).

    Raises UnreadableBody, msgspec.ValidationError where the type does not fit, and TooLarge where
    it would take far more memory than any log has reason to.
    """
    if len(text) > SMALL and OBJECT_BYTES * (text.count(b"{") + text.count(b"[")) > len(text):
        raise TooLarge("the body holds too many objects for its size")
    try:
        text.decode()  # what the decoder reads over is not checked to be UTF-8
        return decoder.decode(text)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        mended = clean_value(loads(text.decode("utf-8", "replace")))
    except ValueError as error:
        raise UnreadableBody(f"the body is not valid JSON: {str(error)[:200]}") from None
    return decoder.decode(dumps(mended))


def record_of(message: Any, texts: Mapping[str, Any], attributes: dict[str, Any]) -> Record:
    """A record with a message, these texts (`utils.record.TEXT_FIELDS`) and these attributes.

    What is None or empty is left out. A text longer than its field is cut, and stands whole among
    the attributes.
    """
    record: Record = {"message": text_of(message)}
    for name, value in texts.items():
        if value is None or value == "":
            continue
        text = text_of(value)
        if len(text) > MAX_TEXT:
            attributes.setdefault(name, text)
            text = text[:MAX_TEXT]
        record[name] = text
    if attributes:
        record["attributes"] = attributes
    return record


def text_of(value: Any) -> str:
    """A value as text: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else dumps(value).decode()


def level_of_syslog(level: Any) -> str | None:
    """The level of a syslog severity, 0 to 7, also as text; or a level's own name."""
    try:
        return _SYSLOG[int(level)] if 0 <= int(level) <= 7 else None
    except (TypeError, ValueError, OverflowError):
        return level if isinstance(level, str) and severity_of(level) else None


def lines_of(sent: Sent) -> list[bytes]:
    """The lines of a body that are not blank. Raises TooLarge when there are too many."""
    lines = (line.strip() for line in BytesIO(sent.body) if not line.isspace())
    found = list(islice(lines, sent.max_records + 1))
    if len(found) > sent.max_records:
        raise TooLarge(f"more than {sent.max_records} records in one report")
    return found
