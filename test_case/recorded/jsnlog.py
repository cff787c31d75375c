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
        {  # fatalException("payment failed", error)
            "l": 6000,
            "m": json.dumps(
                {
                    "stack": "TypeError: no card\n at pay",
                    "message": "no card",
                    "name": "TypeError",
                    "logData": "payment failed",
                }
            ),
            "n": "shop.pay",
            "t": 1795168800126,
            "u": 3,
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
