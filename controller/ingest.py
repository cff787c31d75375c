"""Reporting: where phones and pages bring their logs."""

from flask import Response, request

from __init__ import app, ingest_key_required, journal, report_limits, settings, signatures
from exceptions import (
    BadSignature,
    NoGoodRecord,
    NotAccepting,
    QuotaExceeded,
    RateLimited,
    ReplayedSignature,
    UntrustedSource,
)
from service.ingest import Report, accept
from service.replies import Receipt
from service.trust import is_untrusted
from utils.body import inflate_sent, read_sent
from utils.describe import describes
from utils.guard import Source
from utils.record import CheckedEnvelope, CheckedRecord

LINES = frozenset(("application/x-ndjson", "application/ndjson", "application/jsonl"))


@app.post("/api/v1/logs")
@describes(
    body=(CheckedRecord, list[CheckedRecord], CheckedEnvelope),
    body_media=("application/json", "application/x-ndjson", "text/plain"),
    reply=Receipt,
    status=202,
    errors=(
        BadSignature,
        NoGoodRecord,
        NotAccepting,
        QuotaExceeded,
        RateLimited,
        ReplayedSignature,
        UntrustedSource,
    ),
)
@ingest_key_required
def report_logs(source: Source) -> Response:
    """A report: 202 and a receipt for what is kept."""
    environ = request.environ
    report_limits.admit_request(source, environ.get("REMOTE_ADDR"))
    origin, package = environ.get("HTTP_ORIGIN"), environ.get("HTTP_X_REDLOG_PACKAGE")
    untrusted = is_untrusted(source.settings, origin, package)
    sent = read_sent(environ, settings.ingest.max_body_bytes)
    signatures.check(source, environ.get("HTTP_X_REDLOG_SIGNATURE"), sent)
    body = inflate_sent(environ, sent, settings.ingest.max_body_bytes)
    declared = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    idempotency_key = environ.get("HTTP_IDEMPOTENCY_KEY")
    report = Report(source, body, declared in LINES, idempotency_key, untrusted)
    receipt = accept(report, settings.ingest.max_records, report_limits, journal)
    return Response(receipt, 202, content_type="application/json")
