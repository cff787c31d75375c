"""The records of `bodies.py` as SDKs for errors and web pages send them."""

import gzip
import json
from typing import Any
from uuid import uuid4

from foreign_bodies import JSON, Protocol, Records

ENVELOPE, MEDIA = "/api/1/envelope/", "application/x-sentry-envelope"
FRAMES = [
    {
        "filename": f"/app/shop/module_{n}.py",
        "function": f"handle_{n}",
        "lineno": 10 * n,
        "in_app": n % 2 == 0,
        "context_line": "    return self.next(request, *arguments, **named)",
    }
    for n in range(20)
]
CRUMBS = [{"category": "ui", "message": f"tapped button {n}", "timestamp": n} for n in range(20)]


def sentry_event(made: Records) -> bytes:
    """An error with 20 frames and 20 breadcrumbs, as the SDK for Python sends it: gzip, 6 kB."""
    (record,) = made
    event = {
        "event_id": uuid4().hex,
        "timestamp": record["time"],
        "level": "error",
        "logger": record["logger"],
        "release": record["release"],
        "exception": {
            "values": [{"type": "E", "value": record["message"], "stacktrace": {"frames": FRAMES}}]
        },
        "breadcrumbs": {"values": CRUMBS},
        "user": {"id": record["user_id"]},
        "tags": record["attributes"],
    }
    return gzip.compress(_envelope("event", event, event_id=event["event_id"]), 6)


def sentry_logs(made: Records) -> bytes:
    """Structured logs of Sentry."""
    items = [
        {
            "timestamp": record["time"],
            "level": record["level"],
            "body": record["message"],
            "attributes": {
                name: {"value": record[name], "type": "string"}
                for name in ("logger", "release", "user_id")
            },
        }
        for record in made
    ]
    return gzip.compress(
        _envelope("log", {"version": 2, "items": items}, sent_at="2026-11-20T10:00:00Z"), 6
    )


def _envelope(kind: str, payload: Any, **headers: Any) -> bytes:
    return b"\n".join(json.dumps(each).encode() for each in (headers, {"type": kind}, payload))


def faro(made: Records) -> bytes:
    """Logs of Grafana Faro."""
    logs = [
        {
            "message": record["message"],
            "level": "info",
            "timestamp": record["time"],
            "context": {"logger": record["logger"]},
        }
        for record in made
    ]
    meta = {"app": {"name": "shop", "version": "2.1.0"}, "session": {"id": "s"}}
    return json.dumps({"meta": meta, "logs": logs}).encode()


PROTOCOLS = (
    Protocol("sentry_events", "Sentry events, gzip", ENVELOPE, MEDIA, sentry_event, (1,)),
    Protocol("sentry_logs", "Sentry logs, gzip", ENVELOPE, MEDIA, sentry_logs),
    Protocol("faro", "Grafana Faro", "/collect", JSON, faro),
)
