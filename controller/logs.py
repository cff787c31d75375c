"""Querying: where dashboards read."""

from flask import Response, request

from __init__ import app, log_store, newest, token_required
from service import parameters, search
from utils.guard import Reader
from utils.record import dumps


@app.get("/api/v1/logs")
@token_required("read")
def list_logs(reader: Reader) -> Response:
    """A page of records, the newest first unless asked otherwise."""
    return _reply(search.find(_query(reader, parameters.LIST_OPTIONS), newest))


@app.get("/api/v1/logs/<public_id>")
@token_required("read")
def show_log(reader: Reader, public_id: str) -> Response:
    """One record."""
    return _reply(search.find_one(public_id, reader.apps, log_store))


@app.get("/api/v1/logs/histogram")
@token_required("read")
def count_logs(reader: Reader) -> Response:
    """How many records there are, by time and level."""
    return _reply(search.histogram(_query(reader, parameters.HISTOGRAM_OPTIONS), log_store))


def _query(reader: Reader, options: frozenset[str]) -> parameters.Query:
    given = list(request.args.items(multi=True))
    return parameters.parse_query(given, options, *reader)


def _reply(body: object) -> Response:
    return Response(dumps(body), content_type="application/json")
