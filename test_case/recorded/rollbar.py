"""What Rollbar's SDKs for browsers and Python send."""

import json

from recorded.sample import Sample

FRAMES = [
    {"filename": "app.py", "lineno": 3, "method": "main"},
    {"filename": "pay.py", "lineno": 42, "method": "pay", "code": "raise"},
]
UUID = "5fb7c6d2e1b04f6f9f3c0f1a2b3c4d5e"
THROWN = {
    "uuid": UUID,
    "environment": "prod",
    "level": "critical",
    "timestamp": 1795168800,
    "code_version": "2.1.0",
    "platform": "linux",
    "language": "python",
    "body": {
        "telemetry": [{"type": "log"}],
        "trace_chain": [
            {
                "frames": FRAMES,
                "exception": {
                    "class": "ValueError",
                    "message": "no card",
                    "description": "payment failed",
                },
            },
            {"frames": FRAMES[:1], "exception": {"class": "KeyError", "message": "card"}},
        ],
    },
    "person": {"id": "u-1", "username": "ada"},
    "custom": {"order": 7},
    "server": {"host": "web-1"},
    "notifier": {"name": "pyrollbar", "version": "1.3.0"},
}
SAID = {
    "environment": "prod",
    "level": "warning",
    "body": {"message": {"body": "almost out of 茶", "extra": {"order": 7}}},
    "client": {"timestamp": 1795168801, "javascript": {"browser": "UA", "code_version": "2.1.0"}},
    "request": {"url": "https://shop.example/pay", "query_string": "", "user_ip": "$remote_ip"},
    "attributes": [{"key": "session_id", "value": "s-1"}, {"key": "replay_id", "value": "r-1"}],
}
_HEADERS = {"Content-Type": "application/json", "X-Rollbar-Access-Token": "0" * 32}

SAMPLES = [
    Sample("/api/1/item/", json.dumps({"data": THROWN}).encode(), _HEADERS),
    Sample(
        "/api/1/item/",
        json.dumps({"access_token": "0" * 32, "data": SAID}).encode(),
        {"Content-Type": "application/json"},
    ),
]
