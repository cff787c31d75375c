"""What a body holds: how many records, in which form, under which batch id.

The fast way validates the whole body in compiled code and keeps it as it came. Only when something
in it is bad is it cleaned record by record (`service.clean`).
"""

import msgspec

from exceptions import TooLarge, UnreadableBody
from utils.record import CheckedEnvelope, CheckedRecord, Form
from utils.wording import say

_array = msgspec.json.Decoder(list[CheckedRecord]).decode
_record = msgspec.json.Decoder(CheckedRecord)
_envelope = msgspec.json.Decoder(CheckedEnvelope).decode

SHORTEST_RECORD = len('{"message":""}')
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Rejection(msgspec.Struct, frozen=True):
    """A record not accepted: its place in the batch, a stable reason, and what was wrong."""

    index: int
    reason: str
    detail: str


class Batch(msgspec.Struct, frozen=True):
    """A validated body, ready for the journal.

    `payload` holds `count` good records in the given form; `rejected` those that it does not, and
    `shed` and `filtered` are how many good ones were left out of it (`service.shed`).
    """

    form: Form
    payload: bytes
    count: int
    batch_id: str | None = None
    rejected: tuple[Rejection, ...] = ()
    shed: int = 0
    filtered: int = 0


def decode_batch(body: bytes, lines: bool, max_records: int) -> Batch:
    """Validate a report's body; `lines` says that it is declared to be NDJSON.

    Raises UnreadableBody and TooLarge; a bad record among good ones is in `rejected`.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    if not body or body.isspace():
        raise UnreadableBody("the body is empty")
    try:
        batch = None if _needs_cleaning(body, max_records) else _validate(body, lines)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        batch = None
    if batch is None:
        from service.clean import clean_batch

        batch = clean_batch(body, lines, max_records)
    if batch.count > max_records:
        raise TooLarge(say("more than {most} records in one report", most=max_records))
    return batch


def _needs_cleaning(body: bytes, max_records: int) -> bool:
    """Whether a body that validates could still hold what we do not store.

    NUL ends a text for SQL functions. And "message" counts the records well enough to refuse a
    million of them before making objects. Both are looked for only where they could be.
    """
    has_nul = b"\\" in body and b"\\u0000" in body
    may_be_many = len(body) > max_records * SHORTEST_RECORD
    return has_nul or (may_be_many and body.count(b'"message"') > max_records)


def _validate(body: bytes, lines: bool) -> Batch:
    if not body.isascii():
        body.decode()  # what the decoder reads over is not checked to be UTF-8
    if lines:
        return Batch(Form.LINES, body, len(_record.decode_lines(body)))
    if body.lstrip()[:1] == b"[":
        return Batch(Form.ARRAY, body, len(_array(body)))
    if b'"logs"' not in body:
        _record.decode(body)
        return Batch(Form.RECORD, body, 1)
    envelope = _envelope(body)
    batch_id = None if envelope.batch_id is None else str(envelope.batch_id)
    return Batch(Form.ENVELOPE, body, len(envelope.logs), batch_id)
