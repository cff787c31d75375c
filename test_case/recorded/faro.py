"""What Grafana Faro's web SDK sends in Chromium."""

import json

from recorded.sample import Sample

TRACE, SPAN = "7b3280273e0448cfae494397d3b5981e", "a0b1c2d3e4f5a6b7"
META = {
    "sdk": {"name": "@grafana/faro-core", "version": "2.12.1", "integrations": []},
    "app": {"name": "shop", "version": "2.1.0", "environment": "prod"},
    "user": {"id": "u-1", "username": "ada"},
    "session": {"id": "s-1", "attributes": {"previousSession": "s-0"}},
    "browser": {"name": "Chrome", "version": "156", "os": "Linux", "mobile": False},
    "page": {"id": "/pay", "url": "https://shop.example/pay"},
    "view": {"name": "default"},
}
LOG = {
    "message": "almost out of 茶",
    "level": "warn",
    "context": {"order": "7"},
    "timestamp": "2026-11-20T10:00:00.123Z",
    "trace": {"trace_id": TRACE, "span_id": SPAN},
}
FRAMES = [{"filename": "https://shop.example/a.js", "function": "pay", "lineno": 1, "colno": 9}]
THROWN = {
    "type": "TypeError",
    "value": "x is not a function",
    "stacktrace": {"frames": FRAMES},
    "timestamp": "2026-11-20T10:00:01.123Z",
}
EVENT = {
    "name": "session_start",
    "domain": "browser",
    "attributes": {"how": "new"},
    "timestamp": "2026-11-20T10:00:02.123Z",
}
MEASURED = {
    "type": "web-vitals",
    "values": {"fcp": 120.5},
    "context": {"rating": "good"},
    "timestamp": "2026-11-20T10:00:03.123Z",
}
BODY = {
    "meta": META,
    "logs": [LOG],
    "exceptions": [THROWN],
    "events": [EVENT],
    "measurements": [MEASURED],
    "traces": {"resourceSpans": []},
}
HEADERS = {"Content-Type": "application/json", "Idempotency-Key": "b-1"}

SAMPLES = [Sample("/collect", json.dumps(BODY).encode(), HEADERS)]
