"""Reporting in the protocols of others: the routes of `service.adapters`, each at the root and
below `/k/<ingest key>` for clients that can change nothing but a URL.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from urllib.parse import parse_qsl

from flask import Response, g, request

from __init__ import app, attachments, guard, journal, public, report_limits, settings, signatures
from service.adapter.wire import Reply, Sent
from service.adapters import ADAPTERS, Adapter, module_of, read, refuse, take
from service.ingest import Report
from service.trust import is_untrusted
from utils.body import inflate_guessing, read_sent
from utils.clock import now_us
from utils.guard import Source
from utils.ingest_key import HIDDEN, PATH, keys_in
from utils.problem import problem_of

BELOW_KEY = PATH + HIDDEN
View = Callable[..., Response]


def attach(adapter: Adapter) -> None:
    """Attach an adapter's routes to the application."""
    view = _view(adapter)
    for path in adapter.paths:
        for rule in (path, BELOW_KEY + path):
            app.add_url_rule(
                rule,
                f"adapter {rule}",
                view,
                methods=adapter.methods,
                strict_slashes=False,  # a redirect breaks beacons, and costs a preflight
            )


def _view(adapter: Adapter) -> View:
    """What answers an adapter's requests, refusals too, as its protocol does."""
    answer = _asked(adapter) if adapter.public else _reported(adapter)

    @wraps(answer)
    def view(**parts: str) -> Response:
        g.sent = _head(parts)
        try:
            reply = answer()
        except Exception as error:
            reply = refuse(adapter, g.sent, problem_of(error))
        return _response(reply)

    return view


def _response(reply: Reply) -> Response:
    response = Response(reply.body, reply.status, dict(reply.headers), content_type=reply.media)
    if not reply.media:
        del response.headers["Content-Type"]
    return response


def _asked(adapter: Adapter) -> Callable[[], Reply]:
    @public
    def ask() -> Reply:
        reply = read(adapter, g.sent)
        assert isinstance(reply, Reply)
        return reply

    return ask


def _reported(adapter: Adapter) -> Callable[[], Reply]:
    def keys() -> Iterable[str]:
        sent: Sent = g.sent
        names = [f"HTTP_{name.upper().replace('-', '_')}" for name in adapter.key_headers]
        yield from keys_in(request.environ, names, sent.query, adapter.key_query)
        if adapter.key_in_body:
            yield from module_of(adapter).keys_of(_with_body(sent))

    @guard.ingest_key_from(keys, adapter.stranger)
    def report(source: Source) -> Reply:
        environ = request.environ
        report_limits.admit_request(source, environ.get("REMOTE_ADDR"))
        origin, package = environ.get("HTTP_ORIGIN"), environ.get("HTTP_X_REDLOG_PACKAGE")
        untrusted = is_untrusted(source.settings, origin, package)
        if signed := adapter.signature and g.sent.headers.get(adapter.signature.lower()):
            signatures.check_body(source, signed, _body())
        else:
            signatures.check(source, environ.get("HTTP_X_REDLOG_SIGNATURE"), _body())
        report = Report(source, b"", untrusted=untrusted)
        g.sent = g.sent._replace(settings=source.settings)
        return take(adapter, _with_body(g.sent), report, report_limits, journal, attachments)

    return report


def _head(parts: dict[str, str]) -> Sent:
    """The request without its body."""
    environ = request.environ
    path = environ["PATH_INFO"].removeprefix(BELOW_KEY)
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    address, method = environ.get("REMOTE_ADDR"), environ["REQUEST_METHOD"]
    most, bytes_ = settings.ingest.max_records, settings.ingest.max_body_bytes
    return Sent(b"", path, parts, query, headers, now_us(), address, method, most, bytes_)


def _body() -> bytes:
    """The body as it was sent, read once."""
    if "body" not in g:
        g.body = read_sent(request.environ, settings.ingest.max_body_bytes)
    body: bytes = g.body
    return body


def _with_body(sent: Sent) -> Sent:
    """The request with its body, inflated once."""
    if not sent.body:
        encodings = sent.headers.get("content-encoding", "")
        body = inflate_guessing(_body(), encodings, settings.ingest.max_body_bytes)
        g.sent = sent = sent._replace(body=body)
    return sent


for each in ADAPTERS:
    attach(each)
