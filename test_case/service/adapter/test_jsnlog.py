"""What JSNLog sends, as records of ours."""

import json
from typing import Any

import pytest
from recorded.jsnlog import BODY

from service.adapter.jsnlog import read
from service.adapter.wire import Bad, Sent
from service.native_batch import batch_of


def records(*logs: Any) -> list[Any]:
    return list(read(Sent(json.dumps({"r": "req-1", "lg": logs}).encode())).records)


def test_every_member_finds_its_place() -> None:
    said, structured, thrown, _ = records(*BODY["lg"])
    assert said == {
        "message": "almost out of 茶",
        "level": "warning",
        "time": 1795168800123,
        "logger": "shop.pay",
        "attributes": {"request_id": "req-1", "entry": 1},
    }
    assert (structured["message"], structured["attributes"]["order"]) == ("failed", 7)
    assert thrown["exception"] == {
        "type": "TypeError",
        "value": "x",
        "stacktrace": "TypeError: x\n at pay",
    }
    assert (thrown["message"], thrown["level"]) == ("x", "fatal")
    assert read(Sent(json.dumps(BODY).encode())).batch_key.startswith("jsnlog:")


def test_what_was_said_with_an_exception_is_the_message() -> None:
    record = records(BODY["lg"][-1])[0]
    assert (record["message"], record["exception"]["value"]) == ("payment failed", "no card")
    assert record["attributes"] == {"request_id": "req-1", "entry": 3}
    thrown = json.loads(str(BODY["lg"][-1]["m"]))
    record = records({"m": {**thrown, "logData": {"order": 7}}})[0]
    assert (record["message"], record["attributes"]["logData"]) == ("no card", {"order": 7})


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        *((1000, "trace"), (2500, "debug"), (3000, "info"), (9e9, "fatal"), (-1, "trace")),
        *(("WARN", "WARN"), ("loud", None), (None, None), ([], None)),
    ],
)
def test_levels_are_numbers_between_which_there_may_be_others(level: Any, expected: Any) -> None:
    assert records({"m": "m", "l": level})[0].get("level") == expected


def test_what_is_no_object_is_a_text() -> None:
    assert records({"m": "{no json"})[0]["message"] == "{no json"
    assert records({"m": [1]})[0]["message"] == "[1]"
    assert records({"m": {"a": 1}})[0]["attributes"]["a"] == 1
    assert isinstance(records({"l": 1})[0], Bad)


def test_anything_may_stand_anywhere() -> None:
    for value in (7, "x", [], {}, True, [7], {"stack": 7}, {"stack": "s", "name": 7}):
        for name in ("m", "n", "u", "t", "l"):
            log = {"m": "m", name: value}
            made = read(Sent(json.dumps({"r": value, "lg": [log]}).encode()))
            assert batch_of(made, 10).count == 1, (name, value)
