"""GELF as records of ours."""

import json
from typing import Any

import pytest
from recorded.gelf import BULK, GRAYPY, PYGELF

from exceptions import NoGoodRecord, TooLarge, UnreadableBody
from service.adapter.gelf import read, reply
from service.adapter.wire import Bad, Sent, Translated
from service.native_batch import batch_of


def records(body: Any) -> list[Any]:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return list(read(Sent(text)).records)


def test_every_member_finds_its_place() -> None:
    assert records(GRAYPY) == [
        {
            "message": "支付失败 %",
            "level": "error",
            "time": 1795168800.123,
            "logger": "shop.pay",
            "exception": {"stacktrace": GRAYPY["full_message"]},
            "attributes": {
                "host": "phone-7",
                "file": "/app/pay.py",
                "line": 42,
                "function": "pay",
                "pid": 7,
                "thread_name": "MainThread",
            },
        }
    ]
    assert records(PYGELF)[0]["logger"] == "boot"


def test_a_bulk_is_an_object_a_line_and_a_bad_line_costs_no_other() -> None:
    assert [record["message"] for record in records(BULK)] == ["支付失败 %", "started"]
    made = records(b"\n" + BULK + b'\n{"short_message": \n[]\n{"host": "h"}\n')
    assert [each.reason for each in made[2:]] == ["invalid_json", "invalid_json", "missing_message"]
    batch = batch_of(Translated(made), 10)
    assert (batch.count, [each.index for each in batch.rejected]) == (2, [2, 3, 4])


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        *((0, "fatal"), (2, "fatal"), ("3", "error"), (4, "warning"), (5, "info"), (7, "debug")),
        *(("WARN", "WARN"), (8, None), (-1, None), (None, None), ([], None), ("loud", None)),
    ],
)
def test_levels_are_those_of_syslog_and_missing_ones_are_not_alerts(
    level: Any, expected: str | None
) -> None:
    (record,) = records({"short_message": "m", "level": level})
    assert record.get("level") == expected


def test_a_time_of_zero_is_none() -> None:
    (record,) = records({"short_message": "m", "timestamp": 0})
    assert "time" not in record


def test_a_logger_that_is_too_long_is_kept_whole() -> None:
    (record,) = records({"short_message": "m", "facility": "f" * 200})
    assert record["logger"] == "f" * 128
    assert record["attributes"] == {"logger": "f" * 200}


@pytest.mark.parametrize("body", [b"", b"{", b"short_message", b"{}{}", b"\xff\xfe"])
def test_what_is_no_gelf_at_all_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableBody):
        read(Sent(body))


def test_no_more_lines_are_read_than_may_be_stored() -> None:
    with pytest.raises(TooLarge):
        read(Sent(b"{}\n" * 11, max_records=10))


def test_without_a_message_nothing_was_good() -> None:
    translated = Translated(records({"host": "h"}))
    assert isinstance(translated.records[0], Bad)
    with pytest.raises(NoGoodRecord):
        reply(Sent(b""), translated, batch_of(translated, 10))
