"""From a payload to rows: clocks, lengths, defaults and unknown fields."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored import RECEIVED, Row, rows_of

from database.long_json import MAX_JSON_BYTES
from database.rows import COLUMNS, MAX_MESSAGE_BYTES, decode, make_rows
from database.tables import log
from utils.clock import DAY, LAST, SECOND, YEAR_2000, format_time
from utils.record import Form

NOON = RECEIVED - DAY // 2
MINUTE = 60 * SECOND


def rows_of_array(*records: dict[str, Any]) -> list[Row]:
    return rows_of(Form.ARRAY, json.dumps(records).encode())


def rows_of_envelope(envelope: dict[str, Any]) -> list[Row]:
    return rows_of(Form.ENVELOPE, json.dumps(envelope).encode())


def sent(sent_at: Any, *times: Any) -> list[Row]:
    """Records of these times in a batch that was sent at a time."""
    logs = [{"message": "a", "time": time} for time in times]
    return rows_of_envelope({"sent_at": sent_at, "logs": logs})


def test_the_columns_are_those_of_the_table_but_for_the_id() -> None:
    assert tuple(column.name for column in log.c) == ("id", *COLUMNS)


def test_a_plain_record_has_no_more_than_it_must() -> None:
    assert rows_of_array({"message": "a"}) == [
        {
            "app_id": 7,
            "time": RECEIVED,
            "received_at": RECEIVED,
            "severity": 9,
            "message": "a",
        }
    ]


def test_no_records_are_no_rows() -> None:
    assert make_rows(1, RECEIVED, decode(Form.ARRAY, b"[]")) == []


@pytest.mark.parametrize(
    ("form", "payload"),
    [
        (Form.ARRAY, b'[{"message": "a", "level": 17}]'),
        (Form.RECORD, b'{"message": "a", "level": 17}'),
        (Form.LINES, b'{"message": "a", "level": 17}\n'),
        (Form.ENVELOPE, b'{"logs": [{"message": "a", "level": 17}]}'),
        (Form.CLEANED, b'{"logs": [{"message": "a", "level": 17}], "rejected": {"x": 2}}'),
    ],
)
def test_every_form_is_decoded(form: Form, payload: bytes) -> None:
    assert [(row["message"], row["severity"]) for row in rows_of(form, payload)] == [("a", 17)]
    loose = payload.replace(b'"level"', b'"k": 1, "level"')
    assert rows_of(form, loose)[0]["attributes"] == {"k": 1}
    for written in (payload, loose):
        assert decode(form, written).rejected == ({"x": 2} if form is Form.CLEANED else {})


def test_only_we_say_what_was_rejected() -> None:
    for more in (b"", b', "k": 1'):
        payload = b'{"logs": [{"message": "a"%s}], "rejected": {"x": 2}}' % more
        assert decode(Form.ENVELOPE, payload).rejected == {}


# The three clocks.


@pytest.mark.parametrize("offset", [0, 1, -1, 29 * SECOND, -29 * SECOND, 30 * SECOND, -30 * SECOND])
def test_a_clock_that_is_off_by_30_s_or_less_is_right(offset: int) -> None:
    for sent_at in (RECEIVED - offset, format_time(RECEIVED - offset)):
        (row,) = sent(sent_at, NOON)
        assert row["time"] == NOON and "skew_ms" not in row


@pytest.mark.parametrize(
    "offset",
    [30 * SECOND + 1, -30 * SECOND - 1, MINUTE, -MINUTE, 400 * DAY, -400 * DAY],
)
def test_a_clock_that_is_off_by_more_is_corrected(offset: int) -> None:
    device_noon = NOON - offset
    for sent_at in (RECEIVED - offset, format_time(RECEIVED - offset)):
        for row in sent(sent_at, device_noon, format_time(device_noon)):
            assert row["time"] == NOON
            assert row["skew_ms"] == round(offset / 1000)
            assert "attributes" not in row


def test_a_phone_that_starts_in_1970_is_corrected() -> None:
    rows = sent(3600, 0, 1, 3599.5)
    assert [row["time"] for row in rows] == [
        RECEIVED - 3600 * SECOND,
        RECEIVED - 3599 * SECOND,
        RECEIVED - SECOND // 2,
    ]
    assert {row["skew_ms"] for row in rows} == {RECEIVED // 1000 - 3_600_000}


def test_a_record_without_a_time_came_when_it_came() -> None:
    (row,) = rows_of_envelope({"sent_at": RECEIVED - DAY, "logs": [{"message": "a"}]})
    assert row["time"] == RECEIVED and row["skew_ms"] == DAY // 1000


@given(st.integers(YEAR_2000, RECEIVED + DAY), st.integers(-DAY * 3000, DAY * 3000))
def test_a_wrong_clock_does_not_matter_when_it_says_so(moment: int, offset: int) -> None:
    (row,) = sent(format_time(RECEIVED - offset), format_time(moment - offset))
    assert row["time"] == (moment if abs(offset) > 30 * SECOND else row["time"])
    assert abs(row["time"] - moment) <= 30 * SECOND or "attributes" in row


@pytest.mark.parametrize(
    "sent_at",
    [1e308, -1e308, 10**30, -(10**30), 2 * LAST, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"],
)
def test_whatever_a_batch_says_of_itself_its_rows_fit_into_64_bits(sent_at: Any) -> None:
    for row in sent(sent_at, NOON, format_time(NOON)):
        assert row["time"] in (NOON, RECEIVED)
        assert abs(row.get("skew_ms", 0)) < 2**63


@pytest.mark.parametrize("offset", [0, MINUTE])
@pytest.mark.parametrize(
    "moment", [YEAR_2000, RECEIVED + DAY, RECEIVED, YEAR_2000 + 1, RECEIVED + DAY - 1]
)
def test_times_at_the_bounds_are_kept(moment: int, offset: int) -> None:
    (row,) = sent(RECEIVED - offset, format_time(moment - offset))
    assert row["time"] == moment and "attributes" not in row


@pytest.mark.parametrize("offset", [0, MINUTE])
@pytest.mark.parametrize("moment", [YEAR_2000 - 1, RECEIVED + DAY + 1, LAST - DAY])
def test_times_out_of_bounds_are_kept_beside_the_received_one(moment: int, offset: int) -> None:
    (row,) = sent(RECEIVED - offset, format_time(moment - offset))
    assert row["time"] == RECEIVED
    original = row["attributes"].pop("original_time")
    assert original.replace("+00:00", "Z")[:19] == format_time(moment - offset)[:19]
    assert row["attributes"] == {}


@pytest.mark.parametrize("time", [0, -1, 12.5, 10**30, 1e308, -1e308, 253_402_300_800])
def test_a_number_that_is_no_time_is_kept_as_it_came(time: float) -> None:
    records = [{"message": "a", "time": time}, {"message": "b", "time": NOON}]
    for more in ({}, {"attributes": {"k": 1, "original_time": "mine"}}):
        rows = rows_of_array({**records[0], **more}, records[1])
        assert [row["time"] for row in rows] == [RECEIVED, NOON]
        expected = {"original_time": time} | ({"k": 1} if more else {})
        assert rows[0]["attributes"] == expected and "attributes" not in rows[1]


# Messages.


@pytest.mark.parametrize("letter", ["x", "é", "中", "\U0001f600"])
@pytest.mark.parametrize("before", range(4))
def test_a_long_message_is_cut_between_characters(letter: str, before: int) -> None:
    size = len(letter.encode())
    fitting = "x" * before + letter * ((MAX_MESSAGE_BYTES - before) // size)
    rows = rows_of_array({"message": fitting}, {"message": fitting + letter}, {"message": "x"})
    assert [row.get("truncated") for row in rows] == [None, 1, None]
    assert [row["message"] for row in rows] == [fitting, fitting, "x"]
    assert MAX_MESSAGE_BYTES - size < len(fitting.encode()) <= MAX_MESSAGE_BYTES


def test_a_message_may_be_empty() -> None:
    assert rows_of_array({"message": ""})[0]["message"] == ""


# Context and record.

CONTEXT = {"logger": "c", "user_id": "c", "level": "error", "seq": 3, "time": NOON}
CONTEXT |= {"exception": {"type": "C"}}


def test_a_record_without_a_value_takes_the_context_s() -> None:
    nulls = dict.fromkeys(CONTEXT)
    for record in ({"message": "a"}, {"message": "a", **nulls}):
        for attributes in ({}, {"attributes": {"k": 1}}):
            (row,) = rows_of_envelope({"context": {**CONTEXT, **attributes}, "logs": [record]})
            assert (row["logger"], row["user_id"]) == ("c", "c")
            assert (row["severity"], row["seq"], row["time"]) == (17, 3, NOON)
            assert row["exception"] == {"type": "C"}
            assert row.get("attributes", {}) == attributes.get("attributes", {})


def test_a_record_s_own_value_goes_first_also_when_it_is_empty() -> None:
    own = {"logger": "", "user_id": "r", "level": 1, "seq": 0, "time": 0, "exception": {}}
    for attributes in ({}, {"attributes": {"k": 1}}):
        context = {**CONTEXT, **attributes}
        (row,) = rows_of_envelope({"context": context, "logs": [{"message": "a", **own}]})
        assert (row["logger"], row["user_id"]) == ("", "r")
        assert (row["severity"], row["seq"], row["exception"]) == (1, 0, {})
        assert (row["time"], row["attributes"]["original_time"]) == (RECEIVED, 0)


def test_a_context_does_not_leak_from_one_batch_into_the_next() -> None:
    rows_of_envelope({"context": CONTEXT, "logs": [{"message": "a"}]})
    assert "logger" not in rows_of_envelope({"logs": [{"message": "a"}]})[0]


def test_attributes_of_context_and_record_are_merged() -> None:
    context = {"a": 1, "b": 1, "attributes": {"c": 1, "d": 1, "e": {"x": 1}}}
    record = {"message": "m", "b": 2, "attributes": {"d": 2, "e": {"y": 2}}}
    (row,) = rows_of_envelope({"context": context, "logs": [record]})
    assert row["attributes"] == {"a": 1, "b": 2, "c": 1, "d": 2, "e": {"y": 2}}


def test_unknown_fields_are_merged_into_the_attributes() -> None:
    rows = rows_of_array(
        {"message": "a", "page": {"url": "/"}, "attributes": {"k": 1, "page": "mine"}},
        {"message": "b", "attributes": {"k": None}},
        {"message": "c", "attributes": None, "x": [1.5, "中"]},
        {"message": "d"},
    )
    assert [row.get("attributes") or None for row in rows] == [
        {"k": 1, "page": "mine"},
        {"k": None},
        {"x": [1.5, "中"]},
        None,
    ]


def test_json_is_kept_as_it_was_written() -> None:
    written = b'{"n": 1.50, "big": 123456789012345678901234567890, "e": 1e999, "s": "\\u4e2d"}'
    payload = b'[{"message": "a", "attributes": %s, "exception": {"type": null}}]' % written
    row = make_rows(1, RECEIVED, decode(Form.ARRAY, payload))
    assert row[COLUMNS.index("attributes")] == written.decode()
    assert row[COLUMNS.index("exception")] == '{"type": null}'


@pytest.mark.parametrize(("depth", "wrapped"), [(800, False), (950, True)])
def test_json_too_deep_for_the_store_is_kept_as_text(depth: int, wrapped: bool) -> None:
    deep = '{"k": ' + "[" * depth + "]" * depth + "}"
    payload = f'[{{"message": "a", "attributes": {deep}}}]'.encode()
    row = make_rows(1, RECEIVED, decode(Form.ARRAY, payload))
    kept = row[COLUMNS.index("attributes")]
    assert kept == (json.dumps({"nested_json": deep}) if wrapped else deep)


def test_many_brackets_side_by_side_or_in_text_are_not_deep() -> None:
    many = {"list": [{"k": ["]"]} for _ in range(2000)], "text": "[{" * 2000 + '\\"[{'}
    (row,) = rows_of_array({"message": "a", "attributes": many})
    assert row["attributes"] == many


@pytest.mark.parametrize("letter", ["x", "中", '"', "\x01", "😀"])
def test_of_attributes_too_long_the_short_are_kept_whole(letter: str) -> None:
    given = {"before": 1, "large": letter * 200_000, "list": [letter * 9] * 30_000, "after": "é"}
    (row,) = rows_of_array({"message": "a", "attributes": given})
    kept = row["attributes"]
    assert row["truncated"] == 1
    assert [*kept] == [*given]
    assert (kept["before"], kept["after"]) == (1, "é")
    assert kept["large"] and given["large"].startswith(kept["large"])
    assert kept["list"].startswith(json.dumps([letter * 9])[:-1])
    written = msgspec.json.encode(kept)
    assert MAX_JSON_BYTES * 0.8 < len(written) <= MAX_JSON_BYTES


def test_a_long_stack_trace_is_cut_at_its_end() -> None:
    error = {"type": "E", "value": "v", "stacktrace": [{"line": n} for n in range(50_000)]}
    (row,) = rows_of_array({"message": "a", "exception": error}, {"message": "b"})[:1]
    assert row["truncated"] == 1
    assert row["exception"]["type"] == "E"
    assert row["exception"]["stacktrace"].startswith('[{"line": 0}, {"line": 1}')


def test_a_hundred_thousand_attributes_are_cut() -> None:
    (row,) = rows_of_array({"message": "a", "attributes": {f"k{n}": n for n in range(100_000)}})
    assert row["truncated"] == 1
    assert row["attributes"]["k0"] == 0
    assert len(msgspec.json.encode(row["attributes"])) <= MAX_JSON_BYTES


def test_values_of_just_the_right_length_stay() -> None:
    fits = "x" * (MAX_JSON_BYTES - len('{"k": ""}'))
    rows = rows_of_array(
        {"message": "a", "attributes": {"k": fits}},
        {"message": "b", "attributes": {"k": fits + "x"}},
    )
    assert [row.get("truncated") for row in rows] == [None, 1]
    assert rows[0]["attributes"]["k"] == fits
