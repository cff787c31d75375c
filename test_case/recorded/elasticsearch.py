"""Bulks as clients of Elasticsearch send them: helpers for Python and JavaScript, rsyslog, pino."""

import gzip
import json

from recorded.sample import Sample

ECS = {
    "@timestamp": "2026-11-20T10:00:00.123Z",
    "message": "支付失败",
    "log.level": "error",
    "log": {"logger": "shop.pay", "origin": {"function": "pay"}},
    "service": {"name": "shop", "version": "2.1.0", "environment": "prod"},
    "trace.id": "5b8efff798038103d269b633813fc60c",
    "span": {"id": "eee19b7ec3c1b174"},
    "user": {"id": "u-1"},
    "error": {"type": "ValueError", "message": "no card", "stack_trace": "Traceback …"},
    "host.name": "web-1",
}
PLAIN = {"timestamp": "2026-11-20 10:00:01.5", "msg": "started", "severity": "WARN", "pid": 7}
LINES = [{"create": {"_index": "shop"}}, ECS, {"index": {"_index": "b", "_id": "7"}}, PLAIN]
BULK = "".join(json.dumps(line) + "\n" for line in LINES).encode()
RSYSLOG = b'{"index":{}}\n{"msg":"a","@timestamp":1795168800123}\n\n\n{"index":{}}\n{"msg":"b"}\n\n'
NDJSON = {"Content-Type": "application/vnd.elasticsearch+x-ndjson; compatible-with=9"}
JSON = {"Content-Type": "application/json"}

SAMPLES = [
    Sample("/_bulk", BULK, {**NDJSON, "Accept": NDJSON["Content-Type"]}, "PUT"),
    Sample("/_bulk", gzip.compress(BULK), {**JSON, "Content-Encoding": "gzip"}),
    Sample("/logs/_bulk", RSYSLOG, {"Content-Type": "application/json; charset=utf-8"}),
    Sample("/logs/_doc", json.dumps(ECS).encode(), JSON),
    Sample("/logs/_doc/7", json.dumps(PLAIN).encode(), JSON, "PUT"),
]
