"""Records that an adapter made, as a batch of our own protocol."""

from collections.abc import Sequence

from msgspec import Raw
from msgspec.structs import replace

from exceptions import TooLarge
from service.adapter.wire import Bad, Record, Translated
from service.batch import Batch, Rejection, decode_batch
from service.cut import cut_up, put_together
from service.mend import clean_value
from utils.record import Form, dumps
from utils.wording import say

NONE = Batch(Form.ARRAY, b"[]", 0)


def batch_of(translated: Translated, max_records: int) -> Batch:
    """The batch that they make, validated as any other; what is bad is rejected in its place.

    Raises TooLarge.
    """
    if len(translated.records) > max_records:
        raise TooLarge(say("more than {most} records in one report", most=max_records))
    try:
        return _batch_of(translated, max_records)
    except (OverflowError, UnicodeEncodeError, RecursionError):  # what JSON or we can't hold
        cleaned = [_cleaned(record) for record in translated.records]
        return _batch_of(translated._replace(records=cleaned), max_records)


def _batch_of(translated: Translated, max_records: int) -> Batch:
    records, sent_at = translated.records, translated.sent_at
    good = [record for record in records if type(record) is not Bad]
    batch = NONE
    if good:
        body = dumps(good if sent_at is None else {"sent_at": sent_at, "logs": good})
        batch = decode_batch(body, False, max_records)
    return batch if len(good) == len(records) else _with_bad(batch, records)


def _with_bad(batch: Batch, records: Sequence[Record | Bad]) -> Batch:
    """The batch of the good ones among these records, which also rejects the others."""
    places = [place for place, record in enumerate(records) if not isinstance(record, Bad)]
    rejected = [replace(each, index=places[each.index]) for each in batch.rejected]
    for place, record in enumerate(records):
        if isinstance(record, Bad):
            rejected.append(Rejection(place, record.reason, record.detail))
    rejected.sort(key=lambda rejection: rejection.index)
    reasons = [rejection.reason for rejection in rejected]
    cut = cut_up(batch)
    cut.rejected = Raw(dumps({reason: reasons.count(reason) for reason in set(reasons)}))
    payload = put_together(cut, cut.logs, "", 0)
    return replace(batch, form=Form.CLEANED, payload=payload, rejected=tuple(rejected))


def _cleaned(record: Record | Bad) -> Record | Bad:
    if isinstance(record, Bad):
        return record
    try:
        cleaned: Record = clean_value(record)
        dumps(cleaned)
    except RecursionError:
        return Bad("too_deep", "the record is nested too deeply")
    return cleaned
