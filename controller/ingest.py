"""Reporting: where phones and pages bring their logs."""

from flask import Response, request

from __init__ import app, ingest_key_required, journal, report_limits, settings
from service.ingest import accept
from utils.body import read_body
from utils.guard import Source

LINES = frozenset(("application/x-ndjson", "application/ndjson", "application/jsonl"))


@app.post("/api/v1/logs")
@ingest_key_required
def report_logs(source: Source) -> Response:
    """A report: 202 and a receipt for what is kept."""
    report_limits.admit_request(source.app_id)
    environ = request.environ
    body = read_body(environ, settings.ingest.max_body_bytes)
    declared = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    idempotency_key = environ.get("HTTP_IDEMPOTENCY_KEY")
    max_records = settings.ingest.max_records
    receipt = accept(
        body, declared in LINES, source, idempotency_key, max_records, report_limits, journal
    )
    return Response(receipt, 202, content_type="application/json")
