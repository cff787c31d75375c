"""Pushes to Loki as pino-loki, winston-loki, loki-logger-handler, python-logging-loki make them."""

import gzip
import json
import zlib
from typing import Any

import cramjam
from recorded.sample import Sample

NS = "1795168800123456789"
PINO = {"level": 50, "time": 1795168800123, "pid": 7, "msg": "支付失败", "order": 7}
PINO["err"] = {"type": "TypeError", "message": "no card", "stack": "TypeError: no card\n at pay"}
PUSH = {
    "streams": [
        {
            "stream": {"level": "error", "service_name": "shop", "env": "prod", "pod": "p-1"},
            "values": [
                [NS, json.dumps(PINO)],
                [NS, "plain 支付", {"trace_id": "5b8efff798038103d269b633813fc60c", "stack": "at"}],
            ],
            "message_in_json_format": True,
            "loki_metadata": {"k": "v"},
        },
        {
            "stream": {"logger": "shop.pay", "severity": "warning", "job": "shop"},
            "values": [["1795168801000000000", "almost out"]],
        },
    ]
}


def varint(number: int) -> bytes:
    head = b""
    while number > 127:
        head += bytes([number & 127 | 128])
        number >>= 7
    return head + bytes([number])


def part(number: int, inside: bytes | str) -> bytes:
    """A field of protobuf that holds bytes."""
    data = inside.encode() if isinstance(inside, str) else inside
    return bytes([number << 3 | 2]) + varint(len(data)) + data


def entry(ns: int, line: bytes | str, metadata: dict[str, str] | None = None) -> bytes:
    """A field `entries` of a stream."""
    time = b"\x08" + varint(ns // 10**9) + b"\x10" + varint(ns % 10**9)
    pairs = [part(3, part(1, name) + part(2, value)) for name, value in (metadata or {}).items()]
    return part(2, part(1, time) + part(2, line) + b"".join(pairs))


def stream(labels: str, *entries: bytes) -> bytes:
    """A field `streams` of a push."""
    return part(1, part(1, labels) + b"".join(entries) + b"\x18\x07")


def packed(body: bytes) -> bytes:
    """A snappy block."""
    return bytes(cramjam.snappy.compress_raw(body))


def protobuf(push: Any) -> bytes:
    """A push as protobuf, not yet packed."""
    made = b""
    for each in push["streams"]:
        labels = ", ".join(f"{name}={json.dumps(v)}" for name, v in each["stream"].items())
        entries = [entry(int(ns), line, *more) for ns, line, *more in each["values"]]
        made += stream(f"{{{labels}}}", *entries)
    return made


JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}
PATH = "/loki/api/v1/push"
BODY, RAW = json.dumps(PUSH).encode(), protobuf(PUSH)
PACKED = packed(RAW)

SAMPLES = [
    Sample(PATH, PACKED, {**PROTOBUF, "Content-Encoding": "snappy"}),
    Sample(PATH, PACKED),
    Sample(PATH, gzip.compress(BODY), {**JSON, "Content-Encoding": "gzip"}),
    Sample(PATH, zlib.compress(BODY)[2:-4], {**JSON, "Content-Encoding": "deflate"}),
    Sample(PATH, BODY, JSON),
]
