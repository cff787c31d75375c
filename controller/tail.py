"""Live tail: records as soon as they are stored."""

from flask import Response, request

from __init__ import app, guard, live_tail, token_required
from exceptions import BadCursor, BadQuery, NoStreams, NotFound, TooManyStreams
from service.parameters import TAIL_OPTIONS, parse_query
from utils.describe import describes
from utils.event_stream import can_hand_over, handing_over
from utils.principal import Principal


@app.get("/api/v1/logs/tail")
@describes(
    reply=str,
    media=("text/event-stream",),
    query=TAIL_OPTIONS,
    errors=(BadCursor, BadQuery, NoStreams, NotFound, TooManyStreams),
)
@token_required("read")
def tail_logs(principal: Principal) -> Response:
    """Records as soon as they are stored, as Server-Sent Events.

    From now on, from `from` on, or with Last-Event-ID from there on. An event `gap` says how many
    stored records a reader who is too slow was not shown, and the id from which they would come.
    """
    if not can_hand_over(request.environ):
        raise NoStreams("it needs server.worker_class gthread; poll GET /api/v1/logs by its cursor")
    given = list(request.args.items(multi=True))
    query = parse_query(given, TAIL_OPTIONS, principal.apps, principal.all_apps)
    caller = guard.caller_later()

    def goes_on() -> bool:
        """Whether they may see what they may see now: with other rights they begin anew."""
        now = caller()
        return now.apps == principal.apps and now.has_scope("read")

    last_id = request.headers.get("Last-Event-ID") or query.last_event_id
    follower = live_tail.open(query.wanted, last_id, goes_on)
    pieces = handing_over(
        request.environ, follower.first(), lambda stream: live_tail.take(follower, stream)
    )
    reply = Response(pieces, content_type="text/event-stream; charset=utf-8")
    reply.headers["X-Accel-Buffering"] = "no"  # nginx passes on each event at once
    reply.call_on_close(lambda: live_tail.leave(follower))
    return reply
