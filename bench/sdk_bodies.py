"""The records of `bodies.py` as SDKs for errors and web pages send them."""

import gzip
import json
from collections.abc import Callable
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from bodies import Bodies, records

Records = list[dict[str, Any]]
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


class Protocol(NamedTuple):
    """What is measured: `size` records a request, and how a body of them is written."""

    name: str
    path: str
    size: int
    body: Callable[[Records], bytes]


def native(made: Records) -> bytes:
    """Our own."""
    return json.dumps(made).encode()


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
    Protocol("native, 1 record", "/api/v1/logs", 1, native),
    Protocol("Sentry events, gzip", "/api/1/envelope/", 1, sentry_event),
    Protocol("native", "/api/v1/logs", 100, native),
    Protocol("Sentry logs, gzip", "/api/1/envelope/", 100, sentry_logs),
    Protocol("Grafana Faro", "/collect", 100, faro),
)


def write_bodies_of(protocol: Protocol, prefix: Path, count: int, slices: int) -> Bodies:
    """Write `count` bodies, dealt to the slices in turn."""
    made = map(json.loads, records(protocol.size * count))
    with ExitStack() as stack:
        files = [stack.enter_context(Path(f"{prefix}.{k}").open("w")) for k in range(slices)]
        for number in range(count):
            body = protocol.body(list(islice(made, protocol.size)))
            files[number % slices].write(body.hex() + "\n")
    return Bodies(prefix, protocol.size, count, slices, packed=True)
