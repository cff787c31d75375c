"""Reporting: where phones and pages bring their logs."""

from flask import Response, g, request

from __init__ import app, ingest_key_required, journal, settings
from service.ingest import accept
from utils.body import read_body

LINES = frozenset(
    ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
)


@app.post("/api/v1/logs")
@ingest_key_required
def report_logs() -> Response:
    """A report: 202 and a receipt for what is kept."""
    body = read_body(request.environ, settings.ingest.max_body_bytes)
    declared = request.environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    idempotency_key = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    max_records = settings.ingest.max_records
    receipt = accept(body, declared in LINES, g.app_id, idempotency_key, max_records, journal)
    return Response(receipt, 202, content_type="application/json")
