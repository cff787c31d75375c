"""What Grafana Faro sends, as records of ours."""

import json
from typing import Any

import pytest
from recorded.faro import BODY, FRAMES, HEADERS, LOG, META, SPAN, TRACE

from exceptions import UnreadableBody
from service.adapter.faro import read
from service.adapter.wire import Sent
from service.native_batch import batch_of


def records(body: Any) -> list[Any]:
    return list(read(Sent(json.dumps(body).encode())).records)


def test_every_member_of_a_log_finds_its_place() -> None:
    assert records(BODY)[0] == {
        "message": "almost out of 茶",
        "level": "warn",
        "time": "2026-11-20T10:00:00.123Z",
        "logger": "faro",
        "environment": "prod",
        "release": "2.1.0",
        "platform": "Linux",
        "session_id": "s-1",
        "user_id": "u-1",
        "trace_id": TRACE,
        "span_id": SPAN,
        "attributes": {
            "service": "shop",
            "page": META["page"],
            "view": "default",
            "browser": META["browser"],
            "user": {"username": "ada"},
            "session": {"previousSession": "s-0"},
            "order": "7",
        },
    }


def test_all_signals_but_traces_are_records() -> None:
    made = records(BODY)
    assert [(each["logger"], each["message"]) for each in made] == [
        ("faro", "almost out of 茶"),
        ("faro", "TypeError: x is not a function"),
        ("faro.event", "session_start"),
        ("faro.measurement", "web-vitals"),
    ]
    _, thrown, event, measured = made
    exception = {"type": "TypeError", "value": "x is not a function", "stacktrace": FRAMES}
    assert (thrown["exception"], thrown["level"]) == (exception, "error")
    assert (event["attributes"]["how"], event["attributes"]["domain"]) == ("new", "browser")
    assert (measured["attributes"]["fcp"], measured["attributes"]["rating"]) == (120.5, "good")


def test_the_batch_has_the_name_that_the_sdk_gave_it() -> None:
    headers = {name.lower(): value for name, value in HEADERS.items()}
    assert read(Sent(json.dumps(BODY).encode(), headers=headers)).batch_key == "b-1"
    assert read(Sent(b"{}")).batch_key == ""


def test_anything_may_stand_anywhere() -> None:
    for value in (7, "x", [], {}, None, True, [7]):
        for name in META:
            made = read(Sent(json.dumps({"meta": {**META, name: value}, "logs": [LOG]}).encode()))
            assert batch_of(made, 10).count == 1, (name, value)
        for name in LOG.keys() - {"timestamp"}:
            body = {"meta": value, "logs": [{**LOG, name: value}]}
            made = read(Sent(json.dumps(body).encode()))
            assert batch_of(made, 10).count == 1, (name, value)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(UnreadableBody):
        read(Sent(b"{"))
