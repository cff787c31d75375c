"""Reports of Chromium: of a policy by `report-uri`, and lists by the Reporting API."""

import json

from recorded.sample import Sample

CSP = {
    "csp-report": {
        "document-uri": "https://shop.example/pay",
        "referrer": "",
        "violated-directive": "img-src",
        "effective-directive": "img-src",
        "original-policy": "default-src 'self'; img-src 'none'; report-uri /reports",
        "disposition": "enforce",
        "blocked-uri": "http://evil.example/x.png",
        "line-number": 7,
        "column-number": 3,
        "source-file": "https://shop.example/pay",
        "status-code": 200,
        "script-sample": "",
    }
}
VIOLATION = {
    "age": 1500,
    "type": "csp-violation",
    "url": "https://shop.example/pay",
    "user_agent": "Mozilla/5.0 Chrome/156",
    "body": {
        "blockedURL": "http://evil.example/x.png",
        "documentURL": "https://shop.example/pay",
        "effectiveDirective": "script-src-elem",
        "disposition": "report",
        "statusCode": 200,
    },
}
DEPRECATION = {
    "age": 20,
    "type": "deprecation",
    "url": "https://shop.example/",
    "user_agent": "Mozilla/5.0 Chrome/156",
    "body": {"id": "Sync", "message": "Synchronous XHR is deprecated", "lineNumber": 3},
}
CRASH = {"age": 9, "type": "crash", "url": "https://shop.example/", "body": {"reason": "oom"}}
NETWORK = {"type": "network-error", "url": "https://shop.example/a", "body": {"type": "dns"}}

SAMPLES = [
    Sample("/reports", json.dumps(CSP).encode(), {"Content-Type": "application/csp-report"}),
    Sample(
        "/reports",
        json.dumps([VIOLATION, DEPRECATION, CRASH, NETWORK]).encode(),
        {"Content-Type": "application/reports+json"},
    ),
]
