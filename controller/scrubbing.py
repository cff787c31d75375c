"""Scrubbing, tried out by those who look after an app before its rules are used."""

from flask import Response, request

from __init__ import app, apps, role_required
from exceptions import NotFound
from service.apps import find
from service.scrub_try import Outcome, Trial, try_out
from utils.body import read_json
from utils.describe import describes
from utils.principal import Principal
from utils.record import dumps


@app.post("/api/v1/apps/<int:app_id>/scrubbing/try")
@describes(body=Trial, reply=Outcome)
@role_required("member")
def try_scrubbing(principal: Principal, app_id: int) -> Response:
    """What rules would change in records; nothing is kept."""
    if app_id not in principal.apps:
        raise NotFound("there is no such app")
    own = find(apps, app_id).settings.scrubbing
    outcome = try_out(read_json(request.environ, Trial), own)
    return Response(dumps(outcome), 200, content_type="application/json")
