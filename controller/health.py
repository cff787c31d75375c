"""Health: is the server alive, can it accept and store, and how does it fare."""

from flask import Response, request

from __init__ import app, engine, log_store, metrics, public, redis, settings
from exceptions import StoreAway
from service.health import gauges, reasons
from service.replies import Health, Readiness
from utils.describe import describes
from utils.record import dumps


@app.get("/healthz")
@describes(reply=Health)
@public
def healthz() -> Response:
    """200 as long as this process answers at all."""
    return Response(b'{"status":"ok"}', content_type="application/json")


@app.get("/readyz")
@describes(reply=Readiness, also={503: Readiness})
@public
def readyz() -> Response:
    """200 when reports are accepted and stored and queries answered; else 503 with the reasons.

    Without Redis all of this works: then it is 200 and `degraded`, with the reason.
    """
    checks, failing = reasons(settings, engine, is_running=True)
    degraded = [redis.complaint] if redis.complaint else []
    status = "failing" if failing else "degraded" if degraded else "ok"
    body = {"status": status, "reasons": failing + degraded, "checks": checks}
    return Response(dumps(body), 503 if failing else 200, content_type="application/json")


@app.get("/metrics")
@describes(reply=str, media=("text/plain",), errors=(StoreAway,))
@public
def show_metrics() -> Response:
    """Prometheus' text format, right over all workers."""
    return Response(
        metrics.render(gauges(settings, log_store) | redis.gauges()),
        content_type="text/plain; version=0.0.4; charset=utf-8",
    )


@app.after_request
def count_answer(response: Response) -> Response:
    """Count every answer by route and status."""
    rule = request.url_rule
    route = "none" if rule is None else rule.rule
    metrics.count_answer(route, response.status_code)
    return response
