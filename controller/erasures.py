"""Erasures: what a person's records are forgotten by."""

from flask import Response, request

from __init__ import app, audit_log, engine, role_required
from database.erasures import Erasures
from exceptions import NotFound
from service import forget
from utils.body import read_json
from utils.describe import describes
from utils.principal import Principal
from utils.record import dumps

erasures = Erasures(engine)


@app.post("/api/v1/erasures")
@describes(body=forget.ErasureForm, reply=forget.ErasureReply, status=202, errors=(NotFound,))
@role_required("member")
def request_erasure(principal: Principal) -> Response:
    """Ask for the records of a user or a device to be erased.

    It is carried out in the background; ask for it again to see how far it is.
    """
    made = forget.request(erasures, read_json(request.environ, forget.ErasureForm), principal)
    details = {"field": made.field, "apps": made.apps}
    audit_log.record(principal, "erasure.request", f"erasure {made.id}", details)
    return _reply(made, 202)


@app.get("/api/v1/erasures")
@describes(reply=forget.ErasureList)
@role_required("member")
def list_erasures(principal: Principal) -> Response:
    """The erasures, the newest first."""
    return _reply(forget.list_all(erasures, principal))


@app.get("/api/v1/erasures/<int:erasure_id>")
@describes(reply=forget.ErasureReply)
@role_required("member")
def show_erasure(principal: Principal, erasure_id: int) -> Response:
    """One erasure."""
    return _reply(forget.find(erasures, erasure_id, principal))


def _reply(body: object, status: int = 200) -> Response:
    return Response(dumps(body), status, content_type="application/json")
