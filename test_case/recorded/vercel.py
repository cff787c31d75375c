"""Logs as Vercel's drains send them."""

import json

from recorded.sample import Sample

LOG = {
    "id": "1573817187330377061717300000",
    "deploymentId": "dpl_1",
    "source": "lambda",
    "host": "shop.vercel.app",
    "timestamp": 1795168800123,
    "projectId": "prj_1",
    "level": "error",
    "message": "支付失败",
    "requestId": "r-1",
    "statusCode": 500,
    "path": "/pay",
    "proxy": {"method": "GET", "statusCode": 500},
    "environment": "production",
    "traceId": "5b8efff798038103d269b633813fc60c",
}
ARRAY = json.dumps([LOG, {**LOG, "level": "info"}]).encode()
LINES = b"\n".join(json.dumps(LOG).encode() for _ in range(2))

SAMPLES = [
    Sample("/drain/vercel", LINES, {"Content-Type": "application/x-ndjson"}),
    Sample("/drain/vercel", ARRAY, {"Content-Type": "application/json"}),
]
