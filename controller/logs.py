"""Querying: where dashboards read."""

import gzip

from flask import Response, request, send_file

from __init__ import app, attachments, log_store, newest, token_required
from exceptions import BadCursor, BadQuery, NotFound
from service import counts, export, parameters, search
from service.replies import Facets, Histogram, LogContext, LogPage, LogRecord
from utils.describe import describes
from utils.guard import Principal
from utils.record import dumps

LONG = 4096  # bytes of a reply, for which gzip is worth while


@app.get("/api/v1/logs")
@describes(reply=LogPage, query=parameters.LIST_OPTIONS, errors=(BadCursor, BadQuery, NotFound))
@token_required("read")
def list_logs(principal: Principal) -> Response:
    """A page of records, the newest first unless asked otherwise."""
    return _reply(search.find(_query(principal, parameters.LIST_OPTIONS), newest))


@app.get("/api/v1/logs/<public_id>")
@describes(reply=LogRecord)
@token_required("read")
def show_log(principal: Principal, public_id: str) -> Response:
    """One record."""
    return _reply(search.find_one(public_id, principal.apps, log_store))


@app.get("/api/v1/logs/<public_id>/attachments/<int:number>")
@describes(reply=bytes, media=("application/octet-stream",))
@token_required("read")
def show_attachment(principal: Principal, public_id: str, number: int) -> Response:
    """A file that came with a record, counted from 0; nothing is known of what it holds."""
    path, name = search.find_file(public_id, number, principal.apps, log_store, attachments)
    return send_file(path, "application/octet-stream", as_attachment=True, download_name=name)


@app.get("/api/v1/logs/<public_id>/context")
@describes(reply=LogContext, query=search.Nearby)
@token_required("read")
def show_context(principal: Principal, public_id: str) -> Response:
    """A record with those before and after it, of the same app, session or device."""
    nearby = parameters.read_parameters(list(request.args.items(multi=True)), search.Nearby)
    return _reply(search.find_around(public_id, nearby, principal.apps, log_store))


@app.get("/api/v1/logs/histogram")
@describes(reply=Histogram, query=parameters.HISTOGRAM_OPTIONS, errors=(BadQuery, NotFound))
@token_required("read")
def count_logs(principal: Principal) -> Response:
    """How many records there are, by time and level or another field."""
    return _reply(counts.histogram(_query(principal, parameters.HISTOGRAM_OPTIONS), log_store))


@app.get("/api/v1/logs/facets")
@describes(reply=Facets, query=parameters.FACET_OPTIONS, errors=(BadQuery, NotFound))
@token_required("read")
def count_values(principal: Principal) -> Response:
    """The most frequent values of a field, and how many records have each."""
    return _reply(counts.facets(_query(principal, parameters.FACET_OPTIONS), log_store))


@app.get("/api/v1/logs/export")
@describes(
    reply=str,
    media=("application/x-ndjson", "text/csv"),
    query=parameters.EXPORT_OPTIONS,
    errors=(BadQuery, NotFound),
)
@token_required("read")
def export_logs(principal: Principal) -> Response:
    """All records that are found, as lines of JSON or as CSV, while they are read."""
    query = _query(principal, parameters.EXPORT_OPTIONS)
    pieces = export.export(query, log_store)
    headers = {
        "Content-Disposition": f"attachment; filename=redlog.{query.format}",
        "Vary": "Accept-Encoding",
    }
    if request.accept_encodings["gzip"]:
        pieces, headers["Content-Encoding"] = export.zipped(pieces), "gzip"
    return Response(pieces, headers=headers, content_type=export.MEDIA[query.format])


def _query(principal: Principal, options: frozenset[str]) -> parameters.Query:
    given = list(request.args.items(multi=True))
    return parameters.parse_query(given, options, principal.apps, principal.all_apps)


def _reply(body: object) -> Response:
    data = dumps(body)
    response = Response(data, content_type="application/json")
    response.vary.add("Accept-Encoding")
    if len(data) >= LONG and request.accept_encodings["gzip"]:
        response.data = gzip.compress(data, 1)
        response.content_encoding = "gzip"
    return response
