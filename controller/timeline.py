"""What a session or device reported, in order."""

from flask import Response, request

from __init__ import app, log_store, token_required
from exceptions import BadCursor, NotFound
from service.replies import Timeline
from service.timeline import TimelineQuery, timeline
from utils.describe import describes
from utils.principal import Principal
from utils.record import dumps


@app.get("/api/v1/timeline")
@describes(reply=Timeline, query=TimelineQuery, errors=(BadCursor, NotFound))
@token_required("read")
def show_timeline(principal: Principal) -> Response:
    """The records of a session or device in order, and the numbers that never arrived."""
    given = list(request.args.items(multi=True))
    shown = timeline(given, principal.apps, principal.all_apps, log_store)
    return Response(dumps(shown), content_type="application/json")
