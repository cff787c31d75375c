"""Accept a report: decode it, put it into the journal, write the receipt."""

from typing import NamedTuple

from msgspec.structs import replace

from database.frame import UNTRUSTED
from database.journal import Journal
from exceptions import NoGoodRecord, UnreadableBody
from service.batch import Batch, decode_batch
from service.limits import ReportLimits
from service.replies import Receipt
from service.scrub import scrub
from service.shed import leave_out
from utils.app_settings import Source
from utils.level import SEVERITIES
from utils.record import FILTERED, MAX_TEXT, SHED, dumps
from utils.wording import say


class Report(NamedTuple):
    """What came: `lines` says that the body is declared to be NDJSON, `untrusted` that it is from a
    place that the app does not know (`service.trust`).
    """

    source: Source
    body: bytes
    lines: bool = False
    idempotency_key: str | None = None
    untrusted: bool = False


def accept(report: Report, max_records: int, limits: ReportLimits, journal: Journal) -> bytes:
    """Keep what is good of a report in our own protocol, and return the receipt as JSON.

    The body's own `batch_id` goes before the header's. Raises UnreadableBody, TooLarge,
    NoGoodRecord, RateLimited, QuotaExceeded and NotAccepting.
    """
    kept = keep(decode_batch(report.body, report.lines, max_records), report, limits, journal)
    demand_good(kept)
    return _receipt(kept)


def keep(batch: Batch, report: Report, limits: ReportLimits, journal: Journal) -> Batch:
    """Put a batch into the journal, but for levels that the app does not want or that are shed
    under overload, scrubbed as the app wants; what was kept, under which batch id.

    Of the report itself the body does not count. Raises UnreadableBody (the Idempotency-Key),
    TooLarge, RateLimited, QuotaExceeded and NotAccepting.
    """
    app_id, wanted = report.source.app_id, report.source.settings.min_level
    if wanted:
        batch = leave_out(batch, SEVERITIES[wanted], FILTERED)
    limits.admit_records(report.source, batch)
    if report.source.settings.scrubbing.is_on:
        batch = scrub(batch, report.source.settings.scrubbing)
    if journal.shedding:
        batch = leave_out(batch, journal.shed_below, SHED)
    if not batch.batch_id and report.idempotency_key:
        batch = replace(batch, batch_id=_checked(report.idempotency_key))
    if batch.count or batch.rejected or batch.shed or batch.filtered:
        limits.fair_share.admit(app_id, len(batch.payload))
        flags = UNTRUSTED if report.untrusted else 0
        key = batch.batch_id or ""
        journal.append(app_id, batch.count, batch.form, key, batch.payload, flags)
    return batch


def demand_good(kept: Batch) -> None:
    """Raises NoGoodRecord when all records of a report were bad."""
    if kept.rejected and not (kept.count or kept.shed or kept.filtered):
        raise NoGoodRecord(
            say("all {count} records were bad", count=len(kept.rejected)), rejected=kept.rejected
        )


def _checked(key: str) -> str:
    if len(key) > MAX_TEXT:
        raise UnreadableBody(say("Idempotency-Key has more than {most} characters", most=MAX_TEXT))
    return key


def _receipt(kept: Batch) -> bytes:
    receipt: Receipt = {"accepted": kept.count, "rejected": kept.rejected, "shed": kept.shed}
    if kept.filtered:
        receipt["filtered"] = kept.filtered
    if kept.batch_id is not None:
        receipt["batch_id"] = kept.batch_id
    return dumps(receipt)
