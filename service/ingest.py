"""Accept a report: decode it, put it into the journal, write the receipt."""

from typing import NamedTuple

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
    """Keep a report's good records, but for levels that the app does not want or that are shed
    under overload, scrubbed as the app wants, and return the receipt as JSON.

    The body's own `batch_id` goes before the header's. Raises UnreadableBody, TooLarge,
    NoGoodRecord, RateLimited, QuotaExceeded and NotAccepting.
    """
    app_id, wanted = report.source.app_id, report.source.settings.min_level
    batch = decode_batch(report.body, report.lines, max_records)
    if wanted:
        batch = leave_out(batch, SEVERITIES[wanted], FILTERED)
    limits.admit_records(report.source, batch)
    if report.source.settings.scrubbing.is_on:
        batch = scrub(batch, report.source.settings.scrubbing)
    if journal.shedding:
        batch = leave_out(batch, journal.shed_below, SHED)
    batch_id = batch.batch_id or _checked(report.idempotency_key)
    left_out = batch.shed + batch.filtered
    if batch.count or batch.rejected or left_out:
        limits.fair_share.admit(app_id, len(batch.payload))
        flags = UNTRUSTED if report.untrusted else 0
        journal.append(app_id, batch.count, batch.form, batch_id or "", batch.payload, flags)
    if batch.rejected and not batch.count and not left_out:
        raise NoGoodRecord(f"all {len(batch.rejected)} records were bad", rejected=batch.rejected)
    return _receipt(batch, batch_id)


def _checked(key: str | None) -> str | None:
    if key and len(key) > MAX_TEXT:
        raise UnreadableBody(f"Idempotency-Key has more than {MAX_TEXT} characters")
    return key or None


def _receipt(batch: Batch, batch_id: str | None) -> bytes:
    receipt: Receipt = {
        "accepted": batch.count,
        "rejected": batch.rejected,
        "shed": batch.shed,
    }
    if batch.filtered:
        receipt["filtered"] = batch.filtered
    if batch_id is not None:
        receipt["batch_id"] = batch_id
    return dumps(receipt)
