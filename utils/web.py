"""Cross-origin rules: who may report and query from pages of other origins."""

from typing import Any

from flask import Flask, Response, request
from flask_cors import CORS

from utils.settings import Cors

REPORT_PATH = "/api/v1/logs"
MAX_AGE = 86_400


def allow_origins(app: Flask, cors: Cors) -> None:
    """Let Flask-Cors answer pages of other origins.

    Phones send no Origin, and they are the many: Flask-Cors is asked only when there is one.
    """
    CORS(app, resources=_rules(cors), intercept_exceptions=False)
    set_headers = app.after_request_funcs[None].pop()

    @app.after_request
    def answer_origin(response: Response) -> Response:
        environ = request.environ
        if "HTTP_ORIGIN" not in environ:
            return response
        answered: Response = set_headers(response)  # type: ignore[assignment]
        return _let_beacons_in(answered, environ)


def _rules(cors: Cors) -> dict[str, Any]:
    """No route reads a cookie, so any origin may be let in: the key or token is what counts."""
    common = {"expose_headers": ["Retry-After"], "max_age": MAX_AGE, "send_wildcard": True}
    both = sorted({*cors.ingest_origins, *cors.dashboard_origins})
    return {
        f"{REPORT_PATH}$": {"origins": both, **common},
        r"/(api/.*|readyz|healthz)$": {"origins": cors.dashboard_origins, **common},
    }


def _let_beacons_in(response: Response, environ: dict[str, Any]) -> Response:
    """`sendBeacon` with a JSON blob always asks with credentials, and then wants its origin named.

    A report reads no cookie, so credentials may come along; queries don't get this.
    """
    method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD", environ["REQUEST_METHOD"])
    reports = method == "POST" and environ["PATH_INFO"] == REPORT_PATH
    if reports and "Access-Control-Allow-Origin" in response.headers:
        response.headers["Access-Control-Allow-Origin"] = environ["HTTP_ORIGIN"]
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.vary.add("Origin")
    return response
