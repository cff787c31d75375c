"""What stands between the app and the net: proxies, origins, headers and error replies."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Request, Response, request
from flask_cors import CORS
from werkzeug.routing import IntegerConverter, MapAdapter

from utils.headers import Application, with_headers
from utils.ingest_key import PATH, hide_key_in_path
from utils.problem import problem_reply
from utils.proxies import behind_proxies
from utils.settings import Cors, Settings

REPORT_PATH = "/api/v1/logs"
MAX_AGE = 86_400
# What pages may read of a reply to their report.
TOLD_TO_REPORTERS = ["Retry-After", "X-Sentry-Rate-Limits", "X-Sentry-Error"]


class Id(IntegerConverter):
    """An id in a path. What no database could hold is none, so there is no such path."""

    regex = r"\d{1,18}"


class App(Flask):
    """Flask without what every report would pay for and nothing here needs: 15 µs of 100."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function as it is: no view is a coroutine."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """For reports without their host, which decides nothing: their path needs no redirect."""
        if request is None or request.environ["PATH_INFO"] != REPORT_PATH:
            return super().create_url_adapter(request)
        return MapAdapter(self.url_map, "", "/", "", "http", REPORT_PATH, request.method)


def set_up_web(app: Flask, settings: Settings) -> None:
    """Set up what concerns every request and every reply. Raises StartError."""
    app.url_map.converters["int"] = Id
    allow_origins(app, settings.cors)
    app.register_error_handler(Exception, problem_reply)
    dressed = with_headers(_hiding_keys(app.wsgi_app))
    proxied = behind_proxies(dressed, settings.server.trusted_proxies)
    app.wsgi_app = proxied  # type: ignore[method-assign]


def _hiding_keys(application: Application) -> Application:
    """The same WSGI application, which knows the keys in paths and does not show them."""

    def reply(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(PATH):
            hide_key_in_path(environ)
        return application(environ, start_response)

    return reply


def allow_origins(app: Flask, cors: Cors) -> None:
    """Let Flask-Cors answer pages of other origins, by what they do: report or query.

    Phones send no Origin, and they are the many: Flask-Cors is asked only when there is one.
    """
    to_report = _answer(app, "/.*", cors.ingest_origins, TOLD_TO_REPORTERS)
    to_query = _answer(app, r"/(api/.*|readyz|healthz)$", cors.dashboard_origins, ["Retry-After"])

    @app.after_request
    def answer_origin(response: Response) -> Response:
        environ = request.environ
        if "HTTP_ORIGIN" not in environ:
            return response
        if _is_report(app, environ):
            return _let_beacons_in(to_report(response), environ["HTTP_ORIGIN"])
        return to_query(response)


def _is_report(app: Flask, environ: dict[str, Any]) -> bool:
    """Whether a request reports, or asks whether it may."""
    if environ["PATH_INFO"] == REPORT_PATH:  # where records are read too
        method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD", environ["REQUEST_METHOD"])
        return bool(method == "POST")
    view = app.view_functions.get(request.endpoint or "")
    return str(getattr(view, "decision", "")).startswith("ingest_key")


def _answer(
    app: Flask, path: str, origins: list[str], told: list[str]
) -> Callable[[Response], Response]:
    """What sets the headers for a path. Any origin may be let in, as its key or token is what
    counts: without Allow-Credentials, and as ours are SameSite=Strict, its pages use no cookie.
    """
    rule = {
        "origins": origins,
        "expose_headers": told,
        "max_age": MAX_AGE,
        "send_wildcard": True,
    }
    CORS(app, resources={path: rule}, intercept_exceptions=False)
    return app.after_request_funcs[None].pop()  # type: ignore[return-value]  # never async


def _let_beacons_in(response: Response, origin: str) -> Response:
    """`sendBeacon` with a JSON blob always asks with credentials, and then wants its origin named.

    A report reads no cookie, so credentials may come along; what reads them must not get this.
    """
    if "Access-Control-Allow-Origin" in response.headers:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.vary.add("Origin")
    return response
