"""The careful way through a batch: record by record, so that a bad one never costs the good ones.

What can be mended is mended (a lone surrogate, broken UTF-8 and NUL become U+FFFD, NaN becomes
null, a level in any case is understood); what can't is rejected with its index and reason.
"""

from itertools import islice
from typing import Any

import msgspec
from msgspec import Raw

from exceptions import TooLarge, UnreadableBody
from service.batch import Batch, Rejection
from service.mend import BadRecord, Members, members_of
from utils.clock import LAST, YEAR_2000, format_time, parse_time
from utils.json_split import NotClosed, split_array, split_object
from utils.level import severity_of
from utils.record import (
    FIELDS,
    MAX_TEXT,
    NOTHING,
    TEXT_FIELDS,
    Exception_,
    Form,
    Moment,
    Sequence,
    Text,
    dumps,
)
from utils.wording import say

_as_written = msgspec.json.Decoder(Moment).decode
_types = {
    **{name: msgspec.json.Decoder(Text | None).decode for name in TEXT_FIELDS},
    "message": msgspec.json.Decoder(str).decode,
    "seq": msgspec.json.Decoder(Sequence | None).decode,
    "exception": msgspec.json.Decoder(Exception_ | None).decode,
    "attributes": msgspec.json.Decoder(Members | None).decode,
}
_wanted = {
    **dict.fromkeys(TEXT_FIELDS, f"a string of at most {MAX_TEXT} characters"),
    "message": "a string",
    "seq": "an integer from 0 to 2^63 - 1",
    "exception": "an object {type, value, stacktrace}",
    "attributes": "an object",
}


def clean_batch(body: bytes, lines: bool, max_records: int) -> Batch:
    """Sort a body's records into good and rejected ones and write the good ones anew.

    Raises UnreadableBody when the body can't be cut into records, and TooLarge.
    """
    envelope, elements = _cut(body, lines, max_records + 1)
    if len(elements) > max_records:
        raise TooLarge(say("more than {most} records in one report", most=max_records))
    context = _context(envelope.get("context"))
    good: list[Members] = []
    rejected: list[Rejection] = []
    for index, element in enumerate(elements):
        try:
            good.append(clean_record(element, context))
        except BadRecord as bad:
            rejected.append(Rejection(index, bad.reason, bad.detail))
    return Batch(
        Form.CLEANED,
        dumps({"sent_at": _sent_at(envelope), "logs": good, "rejected": _by_reason(rejected)}),
        len(good),
        _batch_id(envelope.get("batch_id")),
        tuple(rejected),
    )


def _cut(body: bytes, lines: bool, most: int) -> tuple[dict[str, bytes], list[bytes]]:
    """The members of the envelope (none: an empty dict) and up to `most` records, as written."""
    first = body.lstrip()[:1]
    if lines:
        return {}, _lines(body, most)
    try:
        if first == b"[":
            return {}, list(islice(split_array(body), most))
        if first == b"{":
            envelope = {_key(key): value for key, value in split_object(body)}
            if envelope.get("logs", b"").startswith(b"["):
                return envelope, list(islice(split_array(envelope["logs"]), most))
            return {}, [body]
    except NotClosed as error:
        if first == b"{" and b"\n" in body.strip():
            return {}, _lines(body, most)
        raise UnreadableBody(say("the body is not valid JSON: {error}", error=error)) from None
    raise UnreadableBody("the body is neither an array, nor an object, nor lines of objects")


def _lines(body: bytes, most: int) -> list[bytes]:
    return list(islice((line for line in body.splitlines() if line.strip()), most))


def _key(quoted: bytes) -> str:
    try:
        return str(msgspec.json.decode(quoted, type=str))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return quoted.decode("utf-8", "replace")


def _context(text: bytes | None) -> Members:
    if text is None or text == b"null":
        return {}
    try:
        return members_of(text)
    except BadRecord as bad:
        raise UnreadableBody(say("context: {detail}", detail=bad.detail)) from None


def _batch_id(text: bytes | None) -> str | None:
    if text is None or text == b"null":
        return None
    try:
        batch_id = str(msgspec.json.decode(text, type=str | int))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        batch_id = ""
    if not 0 < len(batch_id) <= MAX_TEXT or "\0" in batch_id:
        raise UnreadableBody(
            say("batch_id is not a string of 1 to {most} characters", most=MAX_TEXT)
        )
    return batch_id


def _sent_at(envelope: dict[str, bytes]) -> Raw | None:
    """`sent_at` as the writer reads it; one that can't be understood is left out."""
    return _moment(Raw(envelope["sent_at"])) if "sent_at" in envelope else None


def _by_reason(rejected: list[Rejection]) -> dict[str, int]:
    reasons = [rejection.reason for rejection in rejected]
    return {reason: reasons.count(reason) for reason in set(reasons)}


def clean_record(element: bytes, context: Members) -> Members:
    """One record with the context's defaults filled in and every field in its stored form.

    Unknown fields go into `attributes`. Raises BadRecord.
    """
    members = members_of(element)
    record = _given(context) | _given(members)
    attributes = _attributes(context) | _attributes(members)
    if bytes(members.get("message", NOTHING)) == b"null":
        raise BadRecord("missing_message", "message is required")
    _clean_level(record)
    _clean_time(record, attributes)
    for name, decode in _types.items():
        if name in record:
            _check(name, decode, record[name])
    record = {name: value for name, value in record.items() if name in FIELDS}
    if attributes:
        record["attributes"] = Raw(dumps(attributes))
    return record


def _given(members: Members) -> Members:
    """The members that say something: null is as good as none."""
    return {name: value for name, value in members.items() if bytes(value) != b"null"}


def _attributes(members: Members) -> Members:
    """A record's attributes with its unknown fields among them."""
    unknown = {name: value for name, value in members.items() if name not in FIELDS}
    given = _check("attributes", _types["attributes"], members.get("attributes", NOTHING))
    return unknown | (given or {})


def _check(name: str, decode: Any, value: Raw) -> Any:
    try:
        return decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise BadRecord(f"invalid_{name}", f"{name} must be {_wanted[name]}") from None


def _clean_level(record: Members) -> None:
    if "level" not in record:
        return
    severity = severity_of(_value(record["level"]))
    if severity is None:
        shown = bytes(record["level"])[:40].decode("utf-8", "replace")
        raise BadRecord("invalid_level", f"{shown} is no level that we know")
    record["level"] = Raw(dumps(severity))


def _clean_time(record: Members, attributes: Members) -> None:
    """A time that can't be understood is no reason to lose a record: it is kept beside it."""
    if "time" not in record:
        return
    moment = _moment(record["time"])
    if moment is None:
        attributes["original_time"] = record.pop("time")
    else:
        record["time"] = moment


def _moment(value: Raw) -> Raw | None:
    """A time as the writer's types accept it: as it came, or else as RFC 3339 with a zone."""
    try:
        _as_written(value)
        return value
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        moment = parse_time(_value(value))
    if moment is None or not YEAR_2000 <= moment <= LAST:
        return None
    return Raw(dumps(format_time(moment)))


def _value(value: Raw) -> Any:
    try:
        return msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return value  # of no type that a level or a time could have
