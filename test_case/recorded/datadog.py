"""What Datadog's browser SDK sends by its proxy."""

import json

from recorded.sample import Sample

WARNED = {
    "date": 1795168800123,
    "message": "almost out of 茶",
    "status": "notice",
    "service": "shop",
    "version": "2.1.0",
    "session_id": "s-1",
    "usr": {"id": "u-1", "name": "Ada", "anonymous_id": "d-1"},
    "view": {"url": "https://shop.example/pay", "referrer": ""},
    "origin": "logger",
    "logger": {"name": "shop.pay"},
    "ddtags": "sdk_version:7.16,env:prod,service:shop",
    "order": 7,
}
THROWN = {
    "date": 1795168800124,
    "message": "Uncaught TypeError",
    "status": "error",
    "error": {"kind": "TypeError", "stack": "TypeError: x\n at pay", "handling": "unhandled"},
    "ddtags": "env:prod,version:2.1.0",
}
LINES = "\n".join(map(json.dumps, (WARNED, THROWN))).encode()

SAMPLES = [Sample("/ddproxy", LINES, {"Content-Type": "text/plain;charset=UTF-8"})]
