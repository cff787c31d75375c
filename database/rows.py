"""From a frame's payload to the rows of the log table. This is the writer's hot path.

Per record it costs one decode in compiled code and one pass of the loop in `_make_rows`;
`docs/benchmarks.md` says where each part of a microsecond goes.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw
from msgspec.structs import astuple

from database.long_json import MAX_JSON_BYTES, cut_json, is_too_long, json_text
from utils.clock import DAY, EPOCH, LAST, SECOND, YEAR_2000, from_datetime, from_number
from utils.level import INFO, SEVERITIES, spellings
from utils.record import (
    FIELDS,
    NOTHING,
    Form,
    KeptContext,
    KeptEnvelope,
    KeptRecord,
    LooseEnvelope,
    Moment,
    dumps,
)

COLUMNS = (
    "app_id",
    "time",
    "received_at",
    "severity",
    "message",
    "logger",
    "environment",
    "release",
    "platform",
    "device_id",
    "session_id",
    "user_id",
    "trace_id",
    "span_id",
    "seq",
    "skew_ms",
    "truncated",
    "untrusted",
    "exception",
    "attributes",
)
WIDTH = len(COLUMNS)
Values = list[Any]  # of row after row, each WIDTH long, in the order of COLUMNS
TIME, SEVERITY, TRUNCATED, UNTRUSTED, EXCEPTION, ATTRIBUTES = map(
    COLUMNS.index, ("time", "severity", "truncated", "untrusted", "exception", "attributes")
)
MAX_MESSAGE_BYTES = 65_536
MAX_SKEW = 30 * SECOND

_array = msgspec.json.Decoder(list[KeptRecord]).decode
_record = msgspec.json.Decoder(KeptRecord)
_envelope = msgspec.json.Decoder(KeptEnvelope).decode
_loose_array = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_loose_record = msgspec.json.Decoder(dict[str, Raw])
_loose_envelope = msgspec.json.Decoder(LooseEnvelope).decode
_counts = msgspec.json.Decoder(dict[str, int]).decode
_no_context = KeptContext()
_severities: dict[Any, int] = {
    None: INFO,
    **{spelling: SEVERITIES[spelling.lower()] for spelling in spellings()},
    **{number: number for number in range(1, 25)},
}


Members = dict[str, Raw]


class Decoded(NamedTuple):
    """A payload's records with what the batch says of them all."""

    records: list[KeptRecord]
    context: KeptContext = _no_context
    sent_at: Moment = None
    rejected: Mapping[str, int] = MappingProxyType({})
    is_long: bool = False  # so that some value could be too long


def decode(form: Form, payload: bytes) -> Decoded:
    """Decode a payload that `service.batch` has validated."""
    try:
        decoded = _decode_strictly(form, payload)
    except msgspec.ValidationError:  # unknown fields
        decoded = _decode_loosely(form, payload)
    return decoded._replace(is_long=True) if len(payload) > MAX_JSON_BYTES else decoded


def _decode_strictly(form: Form, payload: bytes) -> Decoded:
    if form is Form.ARRAY:
        return Decoded(_array(payload))
    if form is Form.RECORD:
        return Decoded([_record.decode(payload)])
    if form is Form.LINES:
        return Decoded(_record.decode_lines(payload))
    envelope = _envelope(payload)
    if envelope.context is not None and envelope.context.attributes is not NOTHING:
        return _decode_loosely(form, payload)  # two objects to merge, record by record
    rejected = _counts(envelope.rejected) if form is Form.CLEANED else {}
    return Decoded(envelope.logs, envelope.context or _no_context, envelope.sent_at, rejected)


def _decode_loosely(form: Form, payload: bytes) -> Decoded:
    if form is Form.ARRAY:
        return Decoded(_gathered(_loose_array(payload), {}))
    if form is Form.RECORD:
        return Decoded(_gathered([_loose_record.decode(payload)], {}))
    if form is Form.LINES:
        return Decoded(_gathered(_loose_record.decode_lines(payload), {}))
    envelope = _loose_envelope(payload)
    records = _gathered(envelope.logs, envelope.context or {})
    rejected = _counts(envelope.rejected) if form is Form.CLEANED else {}
    return Decoded(records, _no_context, envelope.sent_at, rejected)


def _gathered(records: Iterable[dict[str, Raw]], context: dict[str, Raw]) -> list[KeptRecord]:
    """Records with their context filled in and their unknown fields among the attributes."""
    common = _attributes(context)
    gathered = []
    for record in records:
        given = {name: value for name, value in record.items() if bytes(value) != b"null"}
        known = {name: value for name, value in (context | given).items() if name in FIELDS}
        known["attributes"] = Raw(dumps(common | _attributes(record)))
        gathered.append(_record.decode(dumps(known)))
    return gathered


def _attributes(members: dict[str, Raw]) -> dict[str, Raw]:
    unknown = {name: value for name, value in members.items() if name not in FIELDS}
    given = members.get("attributes", NOTHING)
    return unknown | (msgspec.json.decode(given, type=dict[str, Raw] | None) or {})


def make_rows(app_id: int, received_at: int, batch: Decoded) -> Values:
    """The batch's rows as one flat list: what SQLite binds, without a copy on the way."""
    skew, sent_at = 0, _microseconds(batch.sent_at)
    if sent_at is not None and MAX_SKEW < abs(received_at - sent_at) <= LAST:
        skew = received_at - sent_at
    if batch.context is not _no_context:
        _fill_in(batch.context, batch.records)
    values = _make_rows(app_id, received_at, skew, batch.records)
    if batch.is_long:
        _cut_json(values)
    low, high = time_range(values)
    if low < YEAR_2000 or high > received_at + DAY:
        _correct_times(values, received_at, batch.records)
    return values


def time_range(values: Values) -> tuple[int, int]:
    """The earliest and the latest `time`; the year 2000 when there are no rows."""
    times = values[TIME::WIDTH] or [YEAR_2000]
    return min(times), max(times)


def _fill_in(context: KeptContext, records: list[KeptRecord]) -> None:
    """Give the records the context's values where they have none of their own."""
    for name in KeptContext.__struct_fields__:
        value = getattr(context, name)
        if value is None or value is NOTHING:
            continue
        for record in records:
            own = getattr(record, name)
            if own is None or own == NOTHING:
                setattr(record, name, value)


def _make_rows(app_id: int, received_at: int, skew: int, records: list[KeptRecord]) -> Values:
    """Nothing is called here but what must be: a tenth of a microsecond a record is 3 %."""
    values: Values = []
    add = values.extend
    skew_ms = round(skew / 1000) or None
    severities, nothing, epoch = _severities, NOTHING, EPOCH
    for (
        moment, level, logger, environment, release, platform, device_id, session_id, user_id,
        trace_id, span_id, seq, exception, attributes, message,
    ) in map(astuple, records):  # fmt: skip
        if type(moment) is datetime:
            since = moment - epoch
            time = (since.days * 86_400 + since.seconds) * SECOND + since.microseconds + skew
        else:
            time = received_at if moment is None else from_number(moment) + skew
        truncated = None
        if len(message) > MAX_MESSAGE_BYTES // 4:
            message, truncated = _cut(message)
        add((
            app_id, time, received_at, severities[level], message, logger, environment, release,
            platform, device_id, session_id, user_id, trace_id, span_id, seq, skew_ms, truncated,
            None,
            None if exception is nothing else json_text(exception),
            None if attributes is nothing else json_text(attributes),
        ))  # fmt: skip
    return values


def mark_untrusted(values: Values) -> None:
    """Flag all rows as of a report from a place that the app does not know."""
    values[UNTRUSTED::WIDTH] = [1] * (len(values) // WIDTH)


def _cut_json(values: Values) -> None:
    """Cut the exceptions and attributes that are too long, and flag their records."""
    for column in (EXCEPTION, ATTRIBUTES):
        texts = values[column::WIDTH]
        if max(map(len, filter(None, texts)), default=0) <= MAX_JSON_BYTES // 4:
            continue
        for number, text in enumerate(texts):
            if is_too_long(text):
                values[number * WIDTH + column] = cut_json(text)
                values[number * WIDTH + TRUNCATED] = 1


def _correct_times(values: Values, received_at: int, records: list[KeptRecord]) -> None:
    """Replace the times that can't be by the time of arrival; the originals stay beside them."""
    for number, record in enumerate(records):
        time, attributes = number * WIDTH + TIME, number * WIDTH + ATTRIBUTES
        if not YEAR_2000 <= values[time] <= received_at + DAY:
            values[time] = received_at
            values[attributes] = _with_original_time(values[attributes], record.time)


def _microseconds(moment: Moment) -> int | None:
    if moment is None or isinstance(moment, datetime):
        return None if moment is None else from_datetime(moment)
    return from_number(moment)


def _cut(message: str) -> tuple[str, int | None]:
    encoded = message.encode()
    if len(encoded) <= MAX_MESSAGE_BYTES:
        return message, None
    return encoded[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore"), 1


def _with_original_time(attributes: str | None, moment: Moment) -> str:
    """The device's own time, kept beside the one that we could use instead."""
    original = moment.isoformat() if isinstance(moment, datetime) else moment
    given = msgspec.json.decode(attributes, type=Members) if attributes else {}
    return dumps({**given, "original_time": original}).decode()
