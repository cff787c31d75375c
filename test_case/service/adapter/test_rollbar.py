"""What Rollbar's SDKs send, as records of ours."""

import json
from typing import Any

import pytest
from recorded.rollbar import FRAMES, SAID, THROWN, UUID

from exceptions import BadKey, NoGoodRecord
from service.adapter.rollbar import keys_of, read, refuse, reply
from service.adapter.wire import Sent, Translated
from service.native_batch import batch_of


def translated(data: Any) -> Translated:
    return read(Sent(json.dumps({"data": data}).encode(), address="192.0.2.7"))


def test_every_member_of_an_error_finds_its_place() -> None:
    made = translated(THROWN)
    cause = {"type": "KeyError", "value": "card", "stacktrace": FRAMES[:1]}
    assert made.records == [
        {
            "message": "payment failed",
            "level": "critical",
            "time": 1795168800,
            "release": "2.1.0",
            "environment": "prod",
            "platform": "linux",
            "user_id": "u-1",
            "exception": {
                "type": "ValueError",
                "value": "no card",
                "description": "payment failed",
                "stacktrace": FRAMES,
                "causes": [cause],
            },
            "attributes": {
                "language": "python",
                "custom": {"order": 7},
                "server": {"host": "web-1"},
                "notifier": THROWN["notifier"],
                "person": {"username": "ada"},
                "telemetry": [{"type": "log"}],
            },
        }
    ]
    answer = reply(Sent(b""), made, batch_of(made, 10))
    assert json.loads(answer.body) == {"err": 0, "result": {"id": None, "uuid": UUID}}
    assert made.batch_key == UUID


def test_a_message_has_what_was_said_with_it() -> None:
    (record,) = translated(SAID).records
    assert isinstance(record, dict)
    assert (record["message"], record["level"]) == ("almost out of 茶", "warning")
    assert (record["time"], record["release"]) == (1795168801, "2.1.0")
    assert record["attributes"]["extra"] == {"order": 7}
    assert "exception" not in record
    assert record["session_id"] == "s-1"
    assert record["attributes"]["attributes"] == {"replay_id": "r-1"}
    assert record["attributes"]["request"]["user_ip"] == "192.0.2.7"


@pytest.mark.parametrize("attributes", [[], [7], {"a": 1}, [{"key": "session_id", "value": 7}]])
def test_attributes_may_be_of_another_form(attributes: Any) -> None:
    (record,) = translated({**SAID, "attributes": attributes}).records
    assert isinstance(record, dict)
    if attributes == [{"key": "session_id", "value": 7}]:
        assert record["session_id"] == "7" and "attributes" not in record["attributes"]
    else:
        assert record["attributes"]["attributes"] == attributes


def test_a_crash_report_is_a_stack() -> None:
    (record,) = translated({"body": {"crash_report": {"raw": "Thread 0"}}, "title": "t"}).records
    assert isinstance(record, dict)
    assert (record["message"], record["exception"]) == ("t", {"stacktrace": "Thread 0"})


@pytest.mark.parametrize("data", [None, 7, [], "x"])
def test_without_data_nothing_was_good(data: Any) -> None:
    made = translated(data)
    with pytest.raises(NoGoodRecord):
        reply(Sent(b""), made, batch_of(made, 10))


def test_a_refusal_is_in_its_own_form() -> None:
    assert json.loads(refuse(Sent(b""), BadKey("none")).body) == {
        "err": 1,
        "message": "bad_key: none",
    }


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        (b'{"access_token": "rlk_a1"}', ["rlk_a1"]),
        *((b'{"access_token": 7}', []), (b'{"access_token":', []), (b'{"data": "rlk_a1"}', [])),
        (b'{"access_token": "abc"}', []),
    ],
)
def test_older_clients_send_the_key_in_the_body(body: bytes, keys: list[str]) -> None:
    assert list(keys_of(Sent(body))) == keys


def test_anything_may_stand_anywhere() -> None:
    for value in (7, "x", [], {}, None, True, [7], {"body": 7}):
        for name in THROWN:
            made = translated({**THROWN, name: value})
            assert batch_of(made, 10).count == 1, (name, value)
