"""What Bugsnag's SDKs send, as records of ours."""

import json
from typing import Any

from recorded.bugsnag import COUNTS, EVENT, FRAMES, NOTIFIED, SESSIONS

from service.adapter.bugsnag import read
from service.adapter.wire import Sent, Translated
from service.native_batch import batch_of


def translated(body: Any, path: str = "/notify") -> Translated:
    headers = {"bugsnag-sent-at": "2026-11-20T10:00:01.000Z"}
    return read(Sent(json.dumps(body).encode(), path, headers=headers))


def test_every_member_of_an_event_finds_its_place() -> None:
    made = translated(NOTIFIED)
    assert made.records == [
        {
            "message": "TypeError: x is not a function",
            "level": "warning",
            "time": "2026-11-20T10:00:00.123Z",
            "release": "2.1.0",
            "environment": "prod",
            "platform": "browser",
            "device_id": "d-1",
            "session_id": "s-1",
            "user_id": "u-1",
            "exception": {
                "type": "TypeError",
                "value": "x is not a function",
                "stacktrace": FRAMES,
                "causes": [{"type": "Error", "value": "cause"}],
            },
            "attributes": {
                "metadata": {"order": {"id": 7}},
                "breadcrumbs": EVENT["breadcrumbs"],
                "request": EVENT["request"],
                "context": "/pay",
                "unhandled": True,
                "severity_reason": {"type": "unhandledException"},
                "app": {"type": "browser"},
                "device": {"locale": "zh-CN"},
                "user": {"name": "Ada"},
            },
        }
    ]
    assert made.sent_at == "2026-11-20T10:00:01.000Z"
    assert made.batch_key == translated(NOTIFIED).batch_key != ""


def test_sessions_are_told_one_by_one_or_counted() -> None:
    (one,) = translated(SESSIONS, "/sessions").records
    (many,) = translated(COUNTS, "/sessions/").records
    assert isinstance(one, dict) and isinstance(many, dict)
    assert (one["message"], one["session_id"], one["user_id"]) == ("session started", "s-1", "u-1")
    assert (one["device_id"], one["logger"]) == ("d-1", "bugsnag.session")
    assert (many["message"], many["attributes"]["sessions"]) == ("3 sessions started", 3)
    assert one["time"] == many["time"] == "2026-11-20T09:00:00Z"


def test_an_event_without_a_time_may_come_twice() -> None:
    assert translated({"events": [{**EVENT, "device": {}}]}).batch_key == ""


def test_anything_may_stand_anywhere() -> None:
    for value in (7, "x", [], {}, None, True, [7]):
        for name in EVENT:
            made = translated({"events": [{**EVENT, name: value}]})
            assert batch_of(made, 10).count == 1, (name, value)
        for name in SESSIONS.keys() - {"sessions"}:
            made = translated({**SESSIONS, name: value}, "/sessions")
            assert batch_of(made, 10).count == 1, (name, value)
