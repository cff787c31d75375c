"""What Bugsnag's SDK sends from a browser."""

import json

from recorded.sample import Sample

FRAMES = [{"file": "https://shop.example/a.js", "method": "pay", "lineNumber": 1}]
EVENT = {
    "payloadVersion": "4",
    "exceptions": [
        {
            "errorClass": "TypeError",
            "errorMessage": "x is not a function",
            "stacktrace": FRAMES,
            "type": "browserjs",
        },
        {"errorClass": "Error", "message": "cause", "stacktrace": []},
    ],
    "severity": "warning",
    "unhandled": True,
    "severityReason": {"type": "unhandledException"},
    "app": {"version": "2.1.0", "releaseStage": "prod", "type": "browser"},
    "device": {"id": "d-1", "time": "2026-11-20T10:00:00.123Z", "locale": "zh-CN"},
    "user": {"id": "u-1", "name": "Ada"},
    "session": {"id": "s-1", "startedAt": "2026-11-20T09:00:00Z"},
    "breadcrumbs": [{"name": "click", "type": "user"}],
    "metaData": {"order": {"id": 7}},
    "context": "/pay",
    "request": {"url": "https://shop.example/pay"},
    "featureFlags": [],
}
NOTIFIED = {"apiKey": "0" * 32, "notifier": {"name": "Bugsnag JavaScript"}, "events": [EVENT]}
SESSIONS = {
    "notifier": {"name": "Bugsnag JavaScript"},
    "app": EVENT["app"],
    "device": {"id": "d-1"},
    "sessions": [{"id": "s-1", "startedAt": "2026-11-20T09:00:00Z", "user": {"id": "u-1"}}],
}
COUNTS = {
    "app": EVENT["app"],
    "sessionCounts": [{"startedAt": "2026-11-20T09:00:00Z", "sessionsStarted": 3}],
}
_HEADERS = {
    "Content-Type": "application/json",
    "Bugsnag-Api-Key": "0" * 32,
    "Bugsnag-Payload-Version": "4",
    "Bugsnag-Sent-At": "2026-11-20T10:00:01.000Z",
}

SAMPLES = [
    Sample("/notify", json.dumps(NOTIFIED).encode(), _HEADERS),
    Sample("/sessions", json.dumps(COUNTS).encode(), _HEADERS),
    Sample("/sessions", json.dumps(SESSIONS).encode(), _HEADERS),
]
