"""What JSNLog sends."""

import json

from recorded.sample import Sample

BODY = {
    "r": "req-1",
    "lg": [
        {"l": 4000, "m": "almost out of 茶", "n": "shop.pay", "t": 1795168800123, "u": 1},
        {"l": 5000, "m": '{"msg": "failed", "order": 7}', "n": "", "t": 1795168800124, "u": 2},
        {
            "l": 6000,
            "m": '{"stack": "TypeError: x\\n at pay", "message": "x", "name": "TypeError"}',
            "n": "onerrorLogger",
            "t": 1795168800125,
        },
    ],
}

SAMPLES = [
    Sample(
        "/jsnlog.logger",
        json.dumps(BODY).encode(),
        {"Content-Type": "application/json", "JSNLog-RequestId": "req-1"},
    )
]
