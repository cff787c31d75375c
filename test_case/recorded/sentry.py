"""Envelopes as the SDKs for Python and JavaScript send them."""

import gzip
import json
from typing import Any

from recorded.reports import CSP
from recorded.sample import Sample

TRACE, SPAN = "7b3280273e0448cfae494397d3b5981e", "a0b1c2d3e4f5a6b7"
EVENT_ID = "c6cbbe3dfdc54634a468f93ca80767da"
FRAMES = [
    {"filename": "app.py", "function": "main", "lineno": 3, "in_app": True, "vars": {"n": "1"}},
    {"filename": "pay.py", "function": "pay", "lineno": 42, "context_line": "    raise e"},
]
EVENT: dict[str, Any] = {
    "event_id": EVENT_ID,
    "timestamp": "2026-11-20T10:00:00.123456Z",
    "platform": "python",
    "level": "error",
    "logger": "shop.pay",
    "logentry": {"message": "payment of %s failed", "params": ["茶"]},
    "exception": {
        "values": [
            {"type": "KeyError", "value": "'card'", "stacktrace": {"frames": FRAMES[:1]}},
            {
                "type": "ValueError",
                "value": "no card",
                "module": "shop",
                "mechanism": {"type": "logging", "handled": True},
                "stacktrace": {"frames": FRAMES},
            },
        ]
    },
    "breadcrumbs": {"values": [{"type": "log", "category": "shop", "message": "crumb"}]},
    "contexts": {
        "trace": {"trace_id": TRACE, "span_id": SPAN, "op": "http.server"},
        "runtime": {"name": "CPython", "version": "3.11.7"},
    },
    "user": {"id": "u-1", "email": "a@b.example", "ip_address": "{{auto}}"},
    "tags": {"page": "pay"},
    "extra": {"order": 7},
    "transaction": "pay",
    "server_name": "web-1",
    "release": "2.1.0",
    "environment": "prod",
    "sdk": {"name": "sentry.python", "version": "2.75.0", "packages": [{"name": "x"}]},
    "modules": {"requests": "2.32.0"},
}
MESSAGE = {
    "event_id": "f" * 32,
    "timestamp": 1795168801.5,
    "platform": "javascript",
    "level": "log",
    "message": "hello",
    "exception": {"values": [{"value": "hello", "stacktrace": {"frames": FRAMES[:1]}}]},
    "breadcrumbs": [{"category": "ui.click"}],
    "tags": [["page", "pay"]],
    "contexts": {"os": {"name": "Android"}, "device": {"id": "d-1"}, "replay": {"replay_id": "r"}},
}
FEEDBACK = {
    "event_id": "e" * 32,
    "timestamp": 1795168802.5,
    "type": "feedback",
    "level": "info",
    "platform": "javascript",
    "contexts": {
        "feedback": {"message": "it broke", "name": "Ada", "associated_event_id": EVENT_ID},
        "culture": {"locale": "en-US"},
    },
    "tags": {},
}
LOGS = {
    "version": 2,
    "items": [
        {
            "timestamp": 1795168800.25,
            "level": "warn",
            "body": "almost out of 茶",
            "trace_id": TRACE,
            "attributes": {
                "order": {"value": 7, "type": "integer"},
                "logger.name": {"value": "shop.pay", "type": "string"},
                "sentry.environment": {"value": "prod", "type": "string"},
                "sentry.release": {"value": "2.1.0", "type": "string"},
                "sentry.severity_number": {"value": 14, "type": "integer"},
                "sentry.severity_text": {"value": "warn", "type": "string"},
                "sentry.trace.parent_span_id": {"value": SPAN, "type": "string"},
                "user.id": {"value": "u-1", "type": "string"},
            },
        },
        {"timestamp": 1795168801.25, "level": "fatal", "body": "gone"},
    ],
}
SESSION = {
    "sid": "s-1",
    "did": "u-1",
    "init": True,
    "started": "2026-11-20T09:00:00Z",
    "timestamp": "2026-11-20T10:00:00Z",
    "status": "crashed",
    "errors": 1,
    "duration": 3600.0,
    "attrs": {
        "release": "2.1.0",
        "environment": "prod",
        "user_agent": "Mozilla",
        "ip_address": "{{auto}}",
    },
}
SESSIONS = {
    "aggregates": [{"started": "2026-11-20T10:00:00Z", "exited": 3, "crashed": 1}],
    "attrs": {"release": "2.1.0"},
}
CLIENT_REPORT = {
    "timestamp": 1795168800.0,
    "discarded_events": [
        {"reason": "network_error", "category": "error", "quantity": 3},
        {"reason": "ratelimit_backoff", "category": "log_item", "quantity": 20},
        {"reason": "ratelimit_backoff", "category": "log_byte", "quantity": 4000},
        {"reason": "sample_rate", "category": "transaction", "quantity": 9},
        {"reason": "of its own", "category": "default", "quantity": 1},
    ],
}
FILE = b"a\r\n\nb"


def envelope(headers: Any, *items: tuple[Any, Any], lengths: bool = True) -> bytes:
    """An envelope of items, as (headers, payload); a browser sends no lengths but of files."""
    lines = [json.dumps(headers).encode()]
    for about, payload in items:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        told = {"length": len(raw)} if lengths or isinstance(payload, bytes) else {}
        lines += [json.dumps({**about, **told}).encode(), raw]
    return b"\n".join(lines) + b"\n"


HEADERS = {"event_id": EVENT_ID, "sent_at": "2026-11-20T10:00:01Z"}
ALL = envelope(
    HEADERS,
    ({"type": "event"}, EVENT),
    ({"type": "attachment", "filename": "a.txt", "content_type": "text/plain"}, FILE),
    ({"type": "log", "item_count": 2}, LOGS),
    ({"type": "session"}, SESSION),
    ({"type": "sessions"}, SESSIONS),
    ({"type": "client_report"}, CLIENT_REPORT),
    ({"type": "transaction"}, {"spans": []}),
    ({"type": "of the future"}, b"\0\1\n\2"),
    ({"type": "user_report"}, {"event_id": EVENT_ID, "name": "Ada", "comments": "it broke"}),
)
BROWSER = envelope(
    {"event_id": "f" * 32, "sent_at": "2026-11-20T10:00:01.000Z"},
    ({"type": "event"}, MESSAGE),
    ({"type": "session"}, {**SESSION, "status": "ok"}),
    lengths=False,
)
TUNNELED = envelope({"dsn": "https://abc@shop.example/1"}, ({"type": "log"}, LOGS), lengths=False)
_PYTHON = {"Content-Type": "application/x-sentry-envelope", "User-Agent": "sentry.python/2.75.0"}

SAMPLES = [
    Sample("/api/1/envelope/", envelope({"event_id": "e" * 32}, ({"type": "feedback"}, FEEDBACK))),
    Sample("/api/1/envelope/", gzip.compress(ALL), {**_PYTHON, "Content-Encoding": "gzip"}),
    Sample("/api/1/envelope/", BROWSER, {"Content-Type": "text/plain;charset=UTF-8"}),
    Sample("/api/1/store/", json.dumps(EVENT).encode(), {"Content-Type": "application/json"}),
    Sample(
        "/api/1/security/", json.dumps(CSP).encode(), {"Content-Type": "application/csp-report"}
    ),
    Sample("/tunnel", TUNNELED),
]
