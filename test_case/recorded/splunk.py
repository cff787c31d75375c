"""Events as splunk_handler and splunk-logging send them: nothing stands between them."""

import json

from recorded.sample import Sample

HANDLER = {
    "event": "支付失败",
    "host": "web-1",
    "index": "main",
    "source": "/app/pay.py",
    "sourcetype": "text",
    "time": 1795168800.123,
}
LOGGING = {
    "time": "1795168801.500",
    "host": "phone-7",
    "source": "shop",
    "event": {"message": {"text": "x", "msg": "almost out", "order": 7}, "severity": "warn"},
    "fields": {"region": "cn"},
}
EVENTS = (json.dumps(HANDLER, sort_keys=True) + json.dumps(LOGGING)).encode()
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

SAMPLES = [
    Sample("/services/collector/event", EVENTS),
    Sample("/services/collector/event/1.0", EVENTS, FORM),
    Sample("/services/collector", json.dumps([HANDLER, LOGGING]).encode(), FORM),
    Sample("/services/collector/raw", "a\n\n支付\r\n".encode()),
]
