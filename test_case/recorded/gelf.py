"""GELF as its clients send it, without a content type."""

import json
import zlib

from recorded.sample import Sample

GRAYPY = {
    "version": "1.0",
    "host": "phone-7",
    "short_message": "支付失败 %",
    "timestamp": 1795168800.123,
    "level": 3,
    "facility": "shop.pay",
    "file": "/app/pay.py",
    "line": 42,
    "_function": "pay",
    "_pid": 7,
    "_thread_name": "MainThread",
    "full_message": "Traceback (most recent call last):\nValueError: no card",
}
PYGELF = {
    "version": "1.1",
    "short_message": "started",
    "timestamp": 1795168801.5,
    "level": 6,
    "host": "web-1",
    "headers": {"Content-Type": "x"},
    "_logger_name": "boot",
}
BULK = "\n".join(json.dumps(each) for each in (GRAYPY, PYGELF)).encode()

SAMPLES = [
    Sample("/gelf", json.dumps(GRAYPY).encode()),
    Sample(
        "/gelf", zlib.compress(json.dumps(PYGELF).encode()), {"Content-Encoding": "gzip,deflate"}
    ),
    Sample("/gelf", BULK),
]
