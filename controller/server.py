"""The state of the server, for admins."""

from flask import Response

from __init__ import app, engine, journal, log_store, redis, role_required, settings
from service.server_state import ServerState, state_of_server
from utils.describe import describes
from utils.principal import Principal
from utils.record import dumps


@app.get("/api/v1/server")
@describes(reply=ServerState)
@role_required("admin")
def show_server(principal: Principal) -> Response:
    """How the node that answers fares, and what all nodes share."""
    state = state_of_server(settings, engine, journal, log_store, redis)
    return Response(dumps(state), content_type="application/json")
