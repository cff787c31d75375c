"""What several adapters do to fill a record."""

from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from itertools import islice
from json import loads
from typing import Any, TypeVar

import msgspec
from msgspec import Raw
from msgspec.json import Decoder

from exceptions import TooLarge, UnreadableBody
from service.adapter.wire import Bad, Record, Sent
from service.mend import clean_value
from utils.level import severity_of
from utils.record import MAX_TEXT, dumps

T = TypeVar("T")
_object = Decoder(dict[str, Any])
SMALL, OBJECT_BYTES = 2**20, 8
MAX_SHARED_BYTES = 2**26  # of what many records have in common, once it stands in each of them
# RFC 5424: emergency, alert, critical, error, warning, notice, informational, debug.
_SYSLOG = ("fatal", "fatal", "fatal", "error", "warning", "info", "info", "debug")


def decode_json(decoder: Decoder[T], text: bytes) -> T:
    """A JSON document of a type, mended where it can be (`service.mend`).

    Raises UnreadableBody, msgspec.ValidationError where the type does not fit, and TooLarge where
    it would take far more memory than any log has reason to.
    """
    demand_few_objects(text)
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


def read_object(text: bytes, record: Callable[[dict[str, Any]], Record | Bad]) -> Record | Bad:
    """What `record` makes of an object among others; why not, where it is none."""
    try:
        return record(decode_json(_object, text))
    except (UnreadableBody, msgspec.ValidationError, UnicodeDecodeError) as error:
        return Bad("invalid_json", str(error)[:200])
    except RecursionError:
        return Bad("too_deep", "the record is nested too deeply")


def decode_part(decoder: Decoder[T], written: Raw) -> T:
    """A part of a document that `decode_json` read over; raises what that does."""
    try:
        return decoder.decode(written)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:  # a lone surrogate, which was read over until now
        return decode_json(decoder, bytes(written))


def demand_few_objects(text: bytes, free: int = 0) -> None:
    """Raises TooLarge when JSON holds far more objects than any log has reason to.

    `free` are so many that they cost nothing: a few for each record that may come.
    """
    if len(text) > SMALL:
        objects = text.count(b"{") + text.count(b"[") - free
        if OBJECT_BYTES * objects > len(text):
            raise TooLarge("the body holds too many objects for its size")


def share(room: int, shared: Iterable[Any], records: int) -> int:
    """What is left of `room` (bytes, first MAX_SHARED_BYTES) when so many records share this.

    Raises TooLarge: a large part in common, and many tiny records.
    """
    room -= len(dumps(clean_value(list(shared)))) * records
    if room < 0:
        raise TooLarge("what the records have in common is too large to stand in each of them")
    return room


def record_of(message: Any, texts: Mapping[str, Any], attributes: dict[str, Any]) -> Record:
    """A record with a message, these texts (`utils.record.TEXT_FIELDS`) and these attributes.

    What is None or empty is left out. A text longer than its field is cut, and stands whole among
    the attributes.
    """
    record: Record = {"message": text_of(message)}
    for name, value in texts.items():
        put_text(record, name, value, attributes)
    if attributes:
        record["attributes"] = attributes
    return record


def put_text(record: Record, name: str, value: Any, attributes: dict[str, Any]) -> None:
    """A text field of a record, unless there is nothing to put; see `record_of`."""
    if value is None or value == "":
        return
    text = value if type(value) is str else text_of(value)
    if len(text) > MAX_TEXT:
        attributes.setdefault(name, text)
        text = text[:MAX_TEXT]
    record[name] = text


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
