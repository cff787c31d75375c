"""What Datadog's browser SDK sends, as records of ours."""

import json
from typing import Any

import pytest
from recorded.datadog import LINES, THROWN, WARNED

from service.adapter.datadog import read
from service.adapter.wire import Bad, Reply, Sent, Translated
from service.native_batch import batch_of


def translated(body: Any, **query: str) -> Translated:
    made = read(Sent(body if isinstance(body, bytes) else json.dumps(body).encode(), query=query))
    assert isinstance(made, Translated)
    return made


def test_every_member_finds_its_place() -> None:
    made = translated(LINES, ddforward="/api/v2/logs?ddsource=browser&dd-api-key=pub1")
    warned, thrown = made.records
    assert warned == {
        "message": "almost out of 茶",
        "level": "notice",
        "time": 1795168800123,
        "logger": "shop.pay",
        "environment": "prod",
        "release": "2.1.0",
        "session_id": "s-1",
        "user_id": "u-1",
        "device_id": "d-1",
        "attributes": {
            "service": "shop",
            "view": WARNED["view"],
            "origin": "logger",
            "order": 7,
            "usr": {"name": "Ada"},
            "tags": {"sdk_version": "7.16", "service": "shop"},
        },
    }
    assert isinstance(thrown, dict)
    exception = {"type": "TypeError", "stacktrace": "TypeError: x\n at pay"}
    assert thrown["exception"] == {**exception, "handling": "unhandled"}
    assert (thrown["release"], thrown["environment"]) == ("2.1.0", "prod")
    assert made.batch_key == translated(LINES).batch_key != ""


def test_a_list_says_the_same_as_lines() -> None:
    assert translated([WARNED, THROWN]).records == translated(LINES).records


@pytest.mark.parametrize("path", ["/api/v2/rum?ddsource=browser", "/api/v2/replay"])
def test_what_is_no_log_is_answered_and_not_kept(path: str) -> None:
    assert read(Sent(b"\0", query={"ddforward": path})) == Reply(202)


@pytest.mark.parametrize(
    ("status", "level"), [("ok", "info"), ("emerg", "emerg"), ("x", None), (7, None)]
)
def test_a_status_is_a_level(status: Any, level: str | None) -> None:
    (record,) = translated({"message": "m", "status": status}).records
    assert isinstance(record, dict) and record.get("level") == level


def test_a_bad_line_costs_no_other() -> None:
    made = translated(LINES + b'\n{"status":\n{}\n7\n')
    assert [type(each) is Bad for each in made.records] == [False, False, True, True, True]


def test_anything_may_stand_anywhere() -> None:
    for value in (7, "x", [], {}, True, [7]):
        for name in WARNED:
            assert batch_of(translated({**WARNED, name: value}), 10).count == 1, (name, value)
