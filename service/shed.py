"""Leaving out the lesser levels, and counting them: because too much waits to be stored (shed), or
because the app does not want them (filtered).

The records that stay and the number of those that went travel in one frame, so that the count
survives a crash just as the records do.
"""

import msgspec
from msgspec import Raw, Struct

from service.batch import Batch
from utils.level import INFO, SEVERITIES
from utils.record import LEFT_OUT, NOTHING, Form, Level, dumps


class _Levelled(Struct, gc=False):
    """Of a record or a context that is known to be good, only what shedding looks at."""

    level: Level | None = None


class _Cut(Struct, gc=False):
    """A batch whose parts are kept as they are written."""

    logs: list[Raw]
    context: Raw = NOTHING
    sent_at: Raw = NOTHING
    rejected: Raw = NOTHING


_cut = msgspec.json.Decoder(_Cut).decode
_array = msgspec.json.Decoder(list[Raw]).decode
_record = msgspec.json.Decoder(Raw)
_levelled = msgspec.json.Decoder(_Levelled).decode
_context = msgspec.json.Decoder(_Levelled | None).decode
_counts = msgspec.json.Decoder(dict[str, int] | None).decode


def leave_out(batch: Batch, below: int, why: str) -> Batch:
    """The batch without its records below a severity.

    How many went is counted under `why`: shed or filtered.
    """
    cut = _cut_up(batch)
    context = _context(cut.context)
    default = INFO if context is None else _severity(context.level, INFO)
    kept = [record for record in cut.logs if _severity(_levelled(record).level, default) >= below]
    if len(kept) == len(cut.logs):
        return batch
    left_out = {reason: getattr(batch, reason) for reason in LEFT_OUT}
    left_out[why] = len(cut.logs) - len(kept)
    rejected = {**(_counts(cut.rejected) or {}), why: left_out[why]}
    payload = dumps(
        {"sent_at": cut.sent_at, "context": cut.context, "logs": kept, "rejected": rejected}
    )
    return Batch(Form.CLEANED, payload, len(kept), batch.batch_id, batch.rejected, **left_out)


def _cut_up(batch: Batch) -> _Cut:
    if batch.form is Form.ARRAY:
        return _Cut(_array(batch.payload))
    if batch.form is Form.RECORD:
        return _Cut([_record.decode(batch.payload)])
    if batch.form is Form.LINES:
        return _Cut(_record.decode_lines(batch.payload))
    return _cut(batch.payload)


def _severity(level: str | int | None, default: int) -> int:
    if level is None:
        return default
    return level if isinstance(level, int) else SEVERITIES[level.lower()]
