"""What loglevel-plugin-remote sends, in both of its formats."""

import json

from recorded.sample import Sample

LINES = """[2026-11-20T10:00:00.123Z] WARN (shop.pay): almost out of 茶
[2026-11-20T10:00:01.123Z] ERROR: TypeError: x
    at pay (https://shop.example/a.js:1:9)
    at main (https://shop.example/a.js:2:3)
"""
LOGS = {
    "logs": [
        {
            "message": "almost out of 茶",
            "level": "warn",
            "logger": "shop.pay",
            "timestamp": "2026-11-20T10:00:00.123Z",
            "stacktrace": "",
            "order": 7,
        },
        {
            "message": "TypeError: x",
            "level": {"label": "error", "value": 4},
            "logger": "",
            "timestamp": "2026-11-20T10:00:01.123Z",
            "stacktrace": "    at pay (https://shop.example/a.js:1:9)",
        },
    ]
}

SAMPLES = [
    Sample("/logger", LINES.encode(), {"Content-Type": "text/plain"}),
    Sample("/logger", json.dumps(LOGS).encode(), {"Content-Type": "application/json"}),
]
