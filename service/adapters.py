"""The protocols that clients of others speak: a line each in ADAPTERS, a module each in
`service/adapter`, imported when its first request comes.

A module has three functions, which know neither the net nor the store:

    read(sent)                      what came as native records, or at once the reply
    reply(sent, translated, kept)   the receipt as the protocol's clients expect it
    refuse(sent, problem)           the same for a refusal; `Retry-After` is added to it
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from typing import NamedTuple, Protocol, cast

import msgspec

from database.attachments import Attachments
from database.journal import Journal
from exceptions import BadKey, Problem, UnreadableBody
from service.adapter.wire import Reply, Sent, Translated, key_of_body
from service.attachments import with_files
from service.batch import Batch
from service.ingest import Report, keep
from service.limits import ReportLimits
from service.native_batch import batch_of
from utils.record import LOST, MAX_TEXT, Form, dumps
from utils.wording import say


class Adapter(NamedTuple):
    """Where a protocol is spoken, and by which module.

    A key is always taken from the path, `Authorization` (any scheme), `X-Redlog-Key` and `?key=`;
    `key_headers` and `key_query` are its own places besides, `key_in_body` says that its module has
    `keys_of(sent)`. `stranger` is the status that refuses who has no good key. `public`: for
    everybody, as nothing is stored (a client asks who we are). `signature`: the header with the
    HMAC-SHA1 of the body as sent, by the app's secret.
    """

    module: str
    paths: tuple[str, ...]
    methods: tuple[str, ...] = ("POST",)
    key_headers: tuple[str, ...] = ()
    key_query: tuple[str, ...] = ()
    key_in_body: bool = False
    stranger: int = BadKey.status
    public: bool = False
    signature: str = ""


_SIGNALS = ("/v1/logs", "/v1/traces", "/v1/metrics")
_OTLP = (*_SIGNALS, *(f"/otlp{path}" for path in _SIGNALS))

_ONE = ("/<index>/_doc", "/<index>/_doc/<id>", "/<index>/_create/<id>")
_NAMED = ("_nodes", "_ilm/policy", "_index_template", "_ingest", "_logstash")
_ASKED = ("/_license", "/_nodes", "/_refresh", "/<index>/_refresh")
_PROBES = (*_ASKED, *(f"/{path}/<path:name>" for path in _NAMED))

_HEC = "/services/collector"
_EVENTS = (_HEC, f"{_HEC}/event", f"{_HEC}/event/1.0", f"{_HEC}/raw", f"{_HEC}/raw/1.0")
_SENTRY = tuple(f"/api/<project>/{kind}/" for kind in ("envelope", "store", "security"))

ADAPTERS = (
    Adapter("elasticsearch", ("/_bulk", "/<index>/_bulk", *_ONE), ("POST", "PUT")),
    Adapter("elasticsearch", ("/",), ("GET",), public=True),
    Adapter("elasticsearch", _PROBES, ("GET", "PUT", "POST"), public=True),
    Adapter("gelf", ("/gelf",)),
    Adapter("heroku", ("/drain/heroku",)),
    Adapter("http_handler", ("/log",), ("GET", "POST")),
    Adapter("loki", ("/loki/api/v1/push",)),
    Adapter("splunk", (*_EVENTS, f"{_HEC}/ack"), key_query=("token",)),
    Adapter("splunk", (f"{_HEC}/health", f"{_HEC}/health/1.0"), ("GET",), public=True),
    Adapter("ndjson", ("/insert/jsonline", "/drain/netlify")),
    Adapter("otlp", _OTLP, key_headers=("X-Api-Key",)),
    Adapter("vercel", ("/drain/vercel",), ("GET", "POST"), signature="X-Vercel-Signature"),
    Adapter("bugsnag", ("/notify", "/sessions"), key_headers=("Bugsnag-Api-Key",)),
    Adapter("datadog", ("/ddproxy",), key_query=("ddforward",)),
    Adapter("faro", ("/collect",), key_headers=("X-Api-Key",)),
    Adapter("jsnlog", ("/jsnlog.logger",)),
    Adapter("logan", ("/logan/web/upload.json", "/logan/upload.json")),
    Adapter("loglevel", ("/logger",)),
    Adapter("reports", ("/reports",)),
    Adapter(
        "rollbar",
        ("/api/1/item/",),
        key_headers=("X-Rollbar-Access-Token",),
        key_in_body=True,
    ),
    Adapter(
        "sentry",
        (*_SENTRY, "/tunnel"),
        key_headers=("X-Sentry-Auth",),
        key_query=("sentry_key",),
        key_in_body=True,
        stranger=403,
    ),
)


class Module(Protocol):
    """What a module of `service/adapter` has."""

    def read(self, sent: Sent) -> Translated | Reply:
        """Make native records of what came."""

    def reply(self, sent: Sent, translated: Translated, kept: Batch) -> Reply:
        """Tell the client what became of them."""

    def refuse(self, sent: Sent, problem: Problem) -> Reply:
        """Tell the client why nothing was kept."""

    def keys_of(self, sent: Sent) -> Iterable[str]:
        """The ingest keys in the body; only where `key_in_body`."""


@cache
def module_of(adapter: Adapter) -> Module:
    """The module that speaks a protocol."""
    return cast(Module, import_module(f"service.adapter.{adapter.module}"))


def read(adapter: Adapter, sent: Sent) -> Translated | Reply:
    """What came, as its protocol's module reads it. Raises UnreadableBody and TooLarge."""
    try:
        return module_of(adapter).read(sent)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableBody(say("the body is not as it should be: {error}", error=error)) from None
    except RecursionError:
        raise UnreadableBody("the body is nested too deeply") from None


def take(
    adapter: Adapter,
    sent: Sent,
    report: Report,
    limits: ReportLimits,
    journal: Journal,
    attachments: Attachments,
) -> Reply:
    """Keep what is good of a report in another protocol, and answer it.

    Raises what `service.ingest.keep` does.
    """
    translated = read(adapter, sent)
    if isinstance(translated, Reply):
        return translated
    key = translated.batch_key
    if len(key) > MAX_TEXT:
        key = key_of_body(adapter.module, key.encode())
    with attachments.coming() as coming:
        translated = with_files(translated, report.source, sent.received_at, coming)
        batch = batch_of(translated, sent.max_records)
        _count_lost(translated.lost, report.source.app_id, journal)
        kept = keep(batch, report._replace(idempotency_key=key), limits, journal)
        if kept.count:
            coming.show()
    return module_of(adapter).reply(sent, translated, kept)


def _count_lost(lost: Mapping[str, int], app_id: int, journal: Journal) -> None:
    """Put into the journal, and so into the counters, what a device says that it lost."""
    if not lost:
        return
    rejected = {f"{LOST}{reason}": records for reason, records in lost.items()}
    journal.append(app_id, 0, Form.CLEANED, "", dumps({"logs": [], "rejected": rejected}))


def refuse(adapter: Adapter, sent: Sent, problem: Problem) -> Reply:
    """A refusal in the protocol's own form, with the headers that belong to it."""
    reply = module_of(adapter).refuse(sent, problem)
    if isinstance(problem, BadKey):
        reply = reply._replace(status=adapter.stranger)
    return reply._replace(headers={**problem.headers, **reply.headers})
