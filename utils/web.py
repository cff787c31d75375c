"""Cross-origin rules."""

from typing import Any

from flask import Response, request

from utils.settings import Cors

REPORT_PATH = "/api/v1/logs"
MAX_AGE = 86_400


def cors_rules(cors: Cors) -> dict[str, Any]:
    """Flask-Cors' resources: who may report and query from pages of other origins.

    No route reads a cookie, so any origin may be let in: the key or token is what counts.
    """
    common = {"expose_headers": ["Retry-After"], "max_age": MAX_AGE, "send_wildcard": True}
    both = sorted({*cors.ingest_origins, *cors.dashboard_origins})
    return {
        f"{REPORT_PATH}$": {"origins": both, **common},
        r"/(api/.*|readyz|healthz)$": {"origins": cors.dashboard_origins, **common},
    }


def let_beacons_in(response: Response) -> Response:
    """`sendBeacon` with a JSON blob always asks with credentials, and then wants its origin named.

    A report reads no cookie, so credentials may come along; queries don't get this. To be
    registered before Flask-Cors, so that it runs after it.
    """
    origin = request.environ.get("HTTP_ORIGIN")
    if origin is None or request.path != REPORT_PATH:
        return response
    method = request.environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD", request.method)
    if method == "POST" and "Access-Control-Allow-Origin" in response.headers:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.vary.add("Origin")
    return response
