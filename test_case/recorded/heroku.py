"""Frames as Heroku's drains send them."""

from recorded.sample import Sample

FRAMES = [
    "<40>1 2026-11-20T10:00:00.123456+00:00 host app web.3 - State changed from starting to up\n",
    "<187>1 2026-11-20T10:00:01+00:00 d.1f heroku router - at=error 支付\n",
]
BODY = "".join(f"{len(frame.encode())} {frame}" for frame in FRAMES).encode()
HEADERS = {
    "Content-Type": "application/logplex-1",
    "Logplex-Msg-Count": "2",
    "Logplex-Frame-Id": "09C557EAFCFB6CF2740EE62F62971098",
    "Logplex-Drain-Token": "d.fc6b856b",
}

SAMPLES = [Sample("/drain/heroku", BODY, HEADERS)]
