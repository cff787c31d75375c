"""Leaving out the lesser levels, and counting them: because too much waits to be stored (shed), or
because the app does not want them (filtered).

The records that stay and the number of those that went travel in one frame, so that the count
survives a crash just as the records do.
"""

import msgspec
from msgspec import Struct

from service.batch import Batch
from service.cut import cut_up, put_together
from utils.level import INFO, SEVERITIES
from utils.record import LEFT_OUT, Form, Level


class _Levelled(Struct, gc=False):
    """Of a record or a context that is known to be good, only what shedding looks at."""

    level: Level | None = None


_levelled = msgspec.json.Decoder(_Levelled).decode
_context = msgspec.json.Decoder(_Levelled | None).decode


def leave_out(batch: Batch, below: int, why: str) -> Batch:
    """The batch without its records below a severity.

    How many went is counted under `why`: shed or filtered.
    """
    cut = cut_up(batch)
    context = _context(cut.context)
    default = INFO if context is None else _severity(context.level, INFO)
    kept = [record for record in cut.logs if _severity(_levelled(record).level, default) >= below]
    if len(kept) == len(cut.logs):
        return batch
    left_out = {reason: getattr(batch, reason) for reason in LEFT_OUT}
    left_out[why] = len(cut.logs) - len(kept)
    payload = put_together(cut, kept, why, left_out[why])
    return Batch(Form.CLEANED, payload, len(kept), batch.batch_id, batch.rejected, **left_out)


def _severity(level: str | int | None, default: int) -> int:
    if level is None:
        return default
    return level if isinstance(level, int) else SEVERITIES[level.lower()]
