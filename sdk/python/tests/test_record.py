"""What becomes of a LogRecord."""

import json
import logging
import math
from typing import Any

from redlog_client.record import encoded


def made(message: Any = "m", *args: Any, level: int = 20, exc: Any = None, **extra: Any) -> Any:
    record = logging.Logger("shop").makeRecord(
        "shop.pay", level, "/a/pay.py", 7, message, args, exc, "pay", extra
    )
    return json.loads(encoded(record, 3))


def test_every_part_of_a_record_finds_its_place() -> None:
    record = made("paid %d", 7, user_id="u-1", trace_id=5, order={"id": 7})
    assert {name: record[name] for name in ("message", "level", "logger", "seq", "user_id")} == {
        "message": "paid 7",
        "level": "info",
        "logger": "shop.pay",
        "seq": 3,
        "user_id": "u-1",
    }
    place = {"file": "/a/pay.py", "line": 7, "function": "pay", "thread": "MainThread"}
    assert record["attributes"].pop("pid") > 0
    assert record["attributes"] == {**place, "order": {"id": 7}, "trace_id": 5}
    assert record["time"] > 1.7e15


def test_levels_are_known_by_their_numbers() -> None:
    levels = [made(level=level)["level"] for level in (5, 10, 25, 30, 49, 50, 99)]
    assert levels == ["trace", "debug", "info", "warning", "error", "fatal", "fatal"]


def test_an_exception_comes_with_those_that_caused_it() -> None:
    try:
        try:
            raise KeyError("card")
        except KeyError as cause:
            raise ValueError("no card") from cause
    except ValueError as error:
        exception = made(exc=(ValueError, error, error.__traceback__))["exception"]
    assert (exception["type"], exception["value"]) == ("ValueError", "no card")
    assert exception["stacktrace"].index("KeyError: 'card'") < exception["stacktrace"].index(
        "direct cause"
    )


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_whatever_is_logged_can_be_sent() -> None:
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert made("%d", "x")["message"] == "%d % ('x',) (TypeError)"
    assert made("%s", Hostile())["message"].startswith("%s % ")
    for value in (cycle, Hostile(), {(1, 2): 3}, math.nan, {"a": math.inf}, deep):
        assert isinstance(made(value=value, other=1)["attributes"]["value"], str)
    assert made(value={1, 2})["attributes"]["value"] == "{1, 2}"
    assert made("\ud800 支付")["message"] == "\ud800 支付"
    assert made(None)["message"] == "None"
    error = type("Odd", (Exception,), {"__str__": Hostile.__repr__})()
    assert made(exc=(type(error), error, None))["exception"]["value"] == "<Odd>"


def test_loguru_puts_what_is_bound_one_deeper() -> None:
    assert made(extra={"user_id": "u", "order": 7})["user_id"] == "u"
    assert made(extra={"order": 7})["attributes"]["order"] == 7
