"""What loglevel-plugin-remote sends, as records of ours."""

import json
from typing import Any

import pytest
from recorded.loglevel import LINES, LOGS

from exceptions import TooLarge
from service.adapter.loglevel import read
from service.adapter.wire import Bad, Sent


def records(body: Any) -> list[Any]:
    return list(read(Sent(body if isinstance(body, bytes) else json.dumps(body).encode())).records)


def test_lines_and_json_say_the_same() -> None:
    warned, thrown = records(LINES.encode())
    assert warned == {
        "message": "almost out of 茶",
        "level": "WARN",
        "time": "2026-11-20T10:00:00.123Z",
        "logger": "shop.pay",
    }
    stack = "    at pay (https://shop.example/a.js:1:9)"
    more = "    at main (https://shop.example/a.js:2:3)"
    assert thrown["exception"] == {"stacktrace": f"{stack}\n{more}"}
    assert (thrown["message"], thrown["level"]) == ("TypeError: x", "ERROR")
    warned_too, thrown_too = records(LOGS)
    assert warned_too == {**warned, "level": "warn", "attributes": {"order": 7}}
    assert (thrown_too["level"], thrown_too["exception"]) == ("error", {"stacktrace": stack})


def test_a_line_of_no_log_is_one_or_belongs_to_the_one_before() -> None:
    (first,) = records(b"what is this\nand this\n")
    assert (first["message"], first["exception"]) == ("what is this", {"stacktrace": "and this"})
    (record,) = records(b"\n\n[x] WARN: m\n")
    assert (record["message"], record["time"]) == ("m", "x")
    assert records(b"\n") == records(b"") == []


def test_a_body_is_known_again_only_if_all_is_dated() -> None:
    assert read(Sent(LINES.encode())).batch_key.startswith("loglevel:")
    assert read(Sent(b"undated")).batch_key == ""


def test_without_a_message_there_is_no_record() -> None:
    assert isinstance(records({"logs": [{"level": "warn"}]})[0], Bad)


def test_no_more_are_read_than_may_be_stored() -> None:
    with pytest.raises(TooLarge):
        read(Sent(b"[x] WARN: m\n" * 11, max_records=10))
