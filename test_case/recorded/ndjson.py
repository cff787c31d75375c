"""Lines as agents send them to VictoriaLogs, an array as Fluent Bit's, traffic as Netlify's."""

import gzip
import json

import cramjam
from recorded.sample import Sample

LINES = (
    b'{"date": "2026-11-20T10:00:00.123Z", "log": "\xe8\x8c\xb6", "level": "warn", "a": 1}\n'
    b'\n{"date": "0", "log": "started", "b": "x", "secret": 1}\r\n'
)
ARRAY = json.dumps([{"date": 1795168800.5, "log": "m", "k": {"v": 1}}]).encode()
QUERY = "?_msg_field=log,message&_time_field=date&_stream_fields=a,b&ignore_fields=secret&debug=1"
STREAM = {"Content-Type": "application/stream+json"}
SNAPPY = {**STREAM, "Content-Encoding": "snappy"}

SAMPLES = [
    Sample(f"/insert/jsonline{QUERY}&extra_fields=dc=cn", LINES, STREAM),
    Sample("/insert/jsonline", gzip.compress(LINES), {**STREAM, "Content-Encoding": "gzip"}),
    Sample("/insert/jsonline", bytes(cramjam.snappy.compress_raw(LINES)), SNAPPY),
    Sample("/insert/jsonline", ARRAY, {"Content-Type": "application/json"}),
    Sample("/drain/netlify", LINES),
]
