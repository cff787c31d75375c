"""The audit log, for admins."""

from flask import Response, request

from __init__ import app, audit_log, role_required
from service.audit import AuditPage, AuditQuery
from service.parameters import read_parameters
from utils.describe import describes
from utils.principal import Principal
from utils.record import dumps


@app.get("/api/v1/audit")
@describes(reply=AuditPage, query=AuditQuery)
@role_required("admin")
def list_acts(principal: Principal) -> Response:
    """Administrative acts, the newest first."""
    query = read_parameters(list(request.args.items(multi=True)), AuditQuery)
    return Response(dumps(audit_log.page(query)), content_type="application/json")
