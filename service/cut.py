"""A validated batch cut into its parts, each kept as it is written."""

import msgspec
from msgspec import Raw, Struct

from service.batch import Batch
from utils.record import NOTHING, Form, dumps


class Cut(Struct, gc=False):
    """A batch's records and what it says of them all; `rejected` (reason: records) is ours."""

    logs: list[Raw]
    context: Raw = NOTHING
    sent_at: Raw = NOTHING
    rejected: Raw = NOTHING


_cut = msgspec.json.Decoder(Cut).decode
_array = msgspec.json.Decoder(list[Raw]).decode
_record = msgspec.json.Decoder(Raw)
_counts = msgspec.json.Decoder(dict[str, int] | None).decode


def cut_up(batch: Batch) -> Cut:
    """The parts of a batch. A client's own `rejected` is not taken for one of ours."""
    if batch.form is Form.ARRAY:
        return Cut(_array(batch.payload))
    if batch.form is Form.RECORD:
        return Cut([_record.decode(batch.payload)])
    if batch.form is Form.LINES:
        return Cut(_record.decode_lines(batch.payload))
    cut = _cut(batch.payload)
    if batch.form is Form.ENVELOPE:
        cut.rejected = NOTHING
    return cut


def put_together(cut: Cut, logs: list[Raw], reason: str, number: int) -> bytes:
    """The payload (`Form.CLEANED`) with these records; `number` others count under a reason."""
    rejected = _counts(cut.rejected) or {}
    if number:
        rejected[reason] = rejected.get(reason, 0) + number
    return dumps(
        {"sent_at": cut.sent_at, "context": cut.context, "logs": logs, "rejected": rejected}
    )
