"""A LogRecord as Python's HTTPHandler sends it."""

from urllib.parse import urlencode

from recorded.sample import Sample

RECORD = {
    "name": "shop.pay",
    "msg": "almost out of %s, %d left",
    "args": "('茶', 2)",
    "levelname": "WARNING",
    "levelno": "30",
    "pathname": "/app/pay.py",
    "exc_info": "None",
    "exc_text": "Traceback …",
    "stack_info": "None",
    "lineno": "42",
    "created": "1795168800.123",
    "order": "7",
}
BODY = urlencode(RECORD).encode()
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

SAMPLES = [Sample(f"/log?{BODY.decode()}", b"", {}, "GET"), Sample("/log", BODY, FORM)]
