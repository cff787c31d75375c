"""Bodies of reports, good and bad, followed to the rows that are stored of them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stored import MAX_RECORDS, RECEIVED, Row, report, rows_of

from exceptions import Problem, TooLarge, UnreadableBody
from service.batch import Batch, decode_batch
from service.clean import clean_batch
from utils.clock import DAY, SECOND, YEAR_2000, format_time, parse_time
from utils.level import SEVERITIES, severity_of
from utils.record import FIELDS, MAX_TEXT, TEXT_FIELDS, Form

GOOD = b'{"message": "good"}'


def messages(rows: list[Row]) -> list[str]:
    return [row["message"] for row in rows]


def rejections(batch: Batch) -> list[tuple[int, str]]:
    for rejection in batch.rejected:
        assert rejection.detail and len(rejection.detail) <= 300
    return [(rejection.index, rejection.reason) for rejection in batch.rejected]


def refusal(body: bytes, **options: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        decode_batch(body, options.get("lines", False), options.get("max_records", MAX_RECORDS))
    return caught.value


# The forms.


@pytest.mark.parametrize(
    ("body", "lines", "form"),
    [
        (b'[{"message": "a"}, {"message": "b"}]', False, Form.ARRAY),
        (b'{"logs": [{"message": "a"}, {"message": "b"}]}', False, Form.ENVELOPE),
        (b'{"message": "a"}\n{"message": "b"}\n', True, Form.LINES),
        (b'\n{"message": "a"}\r\n\r\n  {"message": "b"}', True, Form.LINES),
        (b'{"message": "a"}\n{"message": "b"}', False, Form.CLEANED),
        (b'{"message": "a"}\r\n\n{"message": "b"}\r\n', False, Form.CLEANED),
    ],
)
def test_two_records_in_every_form(body: bytes, lines: bool, form: Form) -> None:
    for sent in (body, b"\xef\xbb\xbf" + body, b" \n" + body + b"\t "):
        batch, rows = report(sent, lines=lines)
        assert (batch.form, batch.count, batch.rejected) == (form, 2, ())
        assert messages(rows) == ["a", "b"]


@pytest.mark.parametrize("lines", [False, True])
def test_one_record_alone(lines: bool) -> None:
    for body in (GOOD, b"\xef\xbb\xbf" + GOOD, b'{\n "message":\n "good"\n}\n'):
        batch, rows = report(body, lines=lines)
        assert messages(rows) == ["good"] and batch.rejected == ()


@pytest.mark.parametrize("body", [b"[]", b'{"logs": []}', b" [ ] "])
def test_a_batch_of_none(body: bytes) -> None:
    batch, rows = report(body)
    assert (batch.count, batch.rejected, rows) == (0, (), [])


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("body", [b"", b" ", b"\r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_an_empty_body_is_unreadable(body: bytes, lines: bool) -> None:
    assert isinstance(refusal(body, lines=lines), UnreadableBody)


@pytest.mark.parametrize(
    "body",
    [
        b"x",
        b"null",
        b"5",
        b'"message"',
        b"message=hello&level=info",
        b"<xml/>",
        b"\x1f\x8b\x08\x00garbage",
        b"\xff\xfe[\x00]\x00",
        b'[{"message": "a"}',
        b'[{"message": "a"}, {"mess',
        b'[{"message": "a"}] [{"message": "b"}]',
        b'[{"message": "a"}}',
        b'{"message": "a"',
        b'{"message": "a}',
        b'{"logs": [{"message": "a"}]',
        b'{"logs": [{"message": "a"}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_garbage_and_torn_bodies_are_unreadable(body: bytes) -> None:
    assert isinstance(refusal(body), UnreadableBody)


def test_a_torn_last_line_costs_only_itself() -> None:
    for lines in (False, True):
        batch, rows = report(b'{"message": "a"}\n{"message": "b"}\n{"mess', lines=lines)
        assert rejections(batch) == [(2, "invalid_json")]
        assert messages(rows) == ["a", "b"]


# One bad record never costs the good ones.

BAD: dict[str, tuple[bytes, str]] = {
    "null": (b"null", "not_an_object"),
    "a number": (b"5", "not_an_object"),
    "text": (b'"message"', "not_an_object"),
    "an array": (b'[{"message": "inner"}]', "not_an_object"),
    "no JSON": (b"{message: 1}", "invalid_json"),
    "a trailing comma": (b'{"message": "x",}', "invalid_json"),
    "two values": (b'{"message": "x"} {}', "invalid_json"),
    "nothing": (b"{}", "missing_message"),
    "no message": (b'{"level": "info"}', "missing_message"),
    "a null message": (b'{"message": null}', "missing_message"),
    "a message of another type": (b'{"message": {"text": "x"}}', "invalid_message"),
    "a message that is a number": (b'{"message": 5}', "invalid_message"),
    "a level that is none": (b'{"message": "x", "level": "loud"}', "invalid_level"),
    "a level out of range": (b'{"message": "x", "level": 25}', "invalid_level"),
    "a level of another type": (b'{"message": "x", "level": {}}', "invalid_level"),
    "a level of 5,000 digits": (b'{"message":"x","level":"%s"}' % (b"9" * 5000), "invalid_level"),
    "a seq below 0": (b'{"message": "x", "seq": -1}', "invalid_seq"),
    "a seq over 63 bits": (b'{"message": "x", "seq": 9223372036854775808}', "invalid_seq"),
    "a seq over 64 bits": (b'{"message": "x", "seq": 18446744073709551616}', "invalid_seq"),
    "a seq of 400 digits": (b'{"message": "x", "seq": %s}' % (b"9" * 400), "invalid_seq"),
    "a seq of 5,000 digits": (b'{"message": "x", "seq": %s}' % (b"9" * 5000), "invalid_seq"),
    "a seq with a fraction": (b'{"message": "x", "seq": 1.5}', "invalid_seq"),
    "a seq that is text": (b'{"message": "x", "seq": "1"}', "invalid_seq"),
    "a user that is a number": (b'{"message": "x", "user_id": 5}', "invalid_user_id"),
    "a user that is too long": (
        b'{"message": "x", "user_id": "%s"}' % (b"u" * 129),
        "invalid_user_id",
    ),
    "an exception that is text": (b'{"message": "x", "exception": "E"}', "invalid_exception"),
    "a stacktrace of numbers": (
        b'{"message": "x", "exception": {"stacktrace": [1]}}',
        "invalid_exception",
    ),
    "attributes that are a list": (b'{"message": "x", "attributes": []}', "invalid_attributes"),
    "100,000 deep": (
        b'{"message": "x", "a": %s1%s}' % (b"[" * 100_000, b"]" * 100_000),
        "too_deep",
    ),
}
BREAKS_LINES = {"two values"}  # as a line of its own it is what NDJSON readers take for two

Wrap = Callable[[list[bytes]], bytes]
ways: dict[str, tuple[Wrap, bool]] = {
    "array": (lambda records: b"[" + b", ".join(records) + b"]", False),
    "envelope": (lambda records: b'{"logs": [' + b",".join(records) + b"]}", False),
    "lines": (b"\n".join, True),
    "lines undeclared": (b"\r\n".join, False),
}
each_way = pytest.mark.parametrize(("wrap", "lines"), ways.values(), ids=ways)


@each_way
@pytest.mark.parametrize(("bad", "reason"), BAD.values(), ids=BAD)
def test_a_bad_record_among_good_ones(wrap: Wrap, lines: bool, bad: bytes, reason: str) -> None:
    batch, rows = report(wrap([GOOD, bad, b'{"message": "better"}']), lines=lines)
    assert (batch.count, rejections(batch)) == (2, [(1, reason)])
    assert messages(rows) == ["good", "better"]
    assert json.loads(batch.payload)["rejected"] == {reason: 1}


@each_way
def test_all_bad_records_together(wrap: Wrap, lines: bool) -> None:
    body = wrap([GOOD, *(bad for bad, _ in BAD.values()), GOOD])
    batch, rows = report(body, lines=lines)
    assert rejections(batch) == [(at, reason) for at, (_, reason) in enumerate(BAD.values(), 1)]
    assert messages(rows) == ["good", "good"]
    counted = json.loads(batch.payload)["rejected"]
    assert sum(counted.values()) == len(BAD)
    assert counted["missing_message"] == 3


def test_one_bad_record_alone() -> None:
    for bad, reason in BAD.values():
        if bad.startswith(b"{") and reason != "invalid_json":
            batch, rows = report(bad)
            assert (rejections(batch), rows) == ([(0, reason)], [])


def test_an_array_of_non_objects() -> None:
    batch, rows = report(b'[1, "two", null, [4], true, 6.5]')
    assert rejections(batch) == [(at, "not_an_object") for at in range(6)]
    assert rows == []


# What can be mended is mended.


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (b"\\ud800", "\ufffd"),
        (b"a\\udc00b", "a\ufffdb"),
        (b"\\ud83d\\ude00", "\U0001f600"),
        (b"\\ude00\\ud83d", "\ufffd\ufffd"),
        (b"a\\u0000b", "a\ufffdb"),
        (b"caf\xe9 \xff", "caf\ufffd \ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        (b"\\\\u0000", "\\u0000"),
        ("\u4e2d\u6587 \U0001f600 \x7f\u2028".encode(), "\u4e2d\u6587 \U0001f600 \x7f\u2028"),
    ],
)
def test_broken_text_is_mended_wherever_it_stands(text: bytes, stored: str) -> None:
    record = b'{"message": "%s", "user_id": "%s", "extra": ["%s"], "exception": {"value": "%s"}}'
    body = b"[" + record % (text, text, text, text) + b", " + GOOD + b"]"
    batch, rows = report(body)
    assert batch.rejected == ()
    assert rows[0]["message"] == rows[0]["user_id"] == rows[0]["exception"]["value"] == stored
    assert rows[0]["attributes"] == {"extra": [stored]}
    assert messages(rows)[1:] == ["good"]


@pytest.mark.parametrize("text", [b"\xff", b"\\ud800", b"\\u0000"])
@pytest.mark.parametrize("name", [b"x", b"attributes", b"exception"])
def test_broken_text_that_nobody_looks_into_is_mended_too(name: bytes, text: bytes) -> None:
    for lines in (False, True):
        _, rows = report(b'{"message": "a", "%s": {"k": "%s"}}' % (name, text), lines=lines)
        inner = rows[0]["exception"] if name == b"exception" else rows[0]["attributes"]
        assert inner.get("x", inner) == {"k": "\ufffd"}


def test_broken_keys_are_mended() -> None:
    _, rows = report(b'[{"message": "a", "k\\u0000": 1, "\\ud800": {"\\udc00": "\xff"}}]')
    assert rows[0]["attributes"] == {"k\ufffd": 1, "\ufffd": {"\ufffd": "\ufffd"}}


def test_a_control_sign_that_is_not_escaped_is_no_json() -> None:
    batch, rows = report(b'[{"message": "a\x00b"}, {"message": "a\x1fb"}, ' + GOOD + b"]")
    assert rejections(batch) == [(0, "invalid_json"), (1, "invalid_json")]
    assert messages(rows) == ["good"]


@pytest.mark.parametrize(
    ("number", "stored"),
    [
        (b"1e308", 1e308),
        (b"-0.0", -0.0),
        (b"18446744073709551616", 2**64),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b"NaN", None),
        (b"Infinity", None),
        (b"-Infinity", None),
    ],
)
def test_numbers_in_attributes(number: bytes, stored: object) -> None:
    record = b'{"message": "a", "n": %s, "attributes": {"m": [%s]}}' % (number, number)
    batch, rows = report(b"[" + record + b"]")
    assert rows[0]["attributes"] == {"n": stored, "m": [stored]} and batch.rejected == ()


@pytest.mark.parametrize("number", [b"1e309", b"-1e999", b"9" * 5000, b"1" + b"0" * 400])
def test_a_number_that_no_float_holds_harms_nothing(number: bytes) -> None:
    for name in (b"n", b"attributes", b"time"):
        value = b'{"m": %s}' % number if name == b"attributes" else number
        body = b'[{"message": "a", "time": 5, "%s": %s}, %s]' % (name, value, GOOD)
        batch, rows = report(body)
        assert batch.rejected == () and messages(rows) == ["a", "good"]
        assert rows[0]["time"] == RECEIVED


def test_numbers_too_large_beside_something_to_mend_become_text() -> None:
    _, rows = report(b'[{"message": "\\u0000", "n": 18446744073709551616, "m": 1e309}]')
    assert rows[0]["attributes"] == {"n": "18446744073709551616", "m": None}


def test_the_last_of_equal_keys_counts() -> None:
    body = b'{"message": "a", "message": "b", "level": "loud", "level": "error", "x": 1, "x": 2}'
    batch, rows = report(b"[" + body + b"]")
    assert (messages(rows), rows[0]["severity"]) == (["b"], 17)
    assert rows[0]["attributes"] == {"x": 2} and batch.rejected == ()
    _, rows = report(b'{"logs": [{"message": "a"}], "logs": [{"message": "b"}]}')
    assert messages(rows) == ["b"]


# Unknown fields.


def test_unknown_fields_are_kept_among_the_attributes() -> None:
    record = {"message": "a", "extra": {"deep": [1, None]}, "none": None, "attributes": {"k": "v"}}
    for body in (
        json.dumps([record]).encode(),
        json.dumps(record).encode(),
        json.dumps({"logs": [record]}).encode(),
        json.dumps([record, 5]).encode(),
    ):
        _, rows = report(body)
        assert rows[0]["attributes"] == {"extra": {"deep": [1, None]}, "none": None, "k": "v"}


def test_an_attribute_goes_before_an_unknown_field_of_its_name() -> None:
    for rest in (b"", b", 5"):
        _, rows = report(b'[{"message": "a", "k": 1, "attributes": {"k": 2}}%s]' % rest)
        assert rows[0]["attributes"] == {"k": 2}


def test_a_record_of_every_field_is_stored_as_it_came() -> None:
    record: dict[str, Any] = {name: f"the {name}" for name in TEXT_FIELDS}
    record |= {
        "message": "a",
        "time": format_time(RECEIVED - 5),
        "level": "ERROR",
        "seq": 2**63 - 1,
    }
    record |= {"exception": {"type": "E", "stacktrace": ["f", {"line": 3}], "more": 1}}
    record |= {"attributes": {"中": "文"}}
    assert set(record) == FIELDS
    expected = {**record, "time": RECEIVED - 5, "severity": 17, "app_id": 7}
    expected |= {"received_at": RECEIVED}
    del expected["level"]
    for body in ([record], record, {"logs": [record]}, [record, 5], {"logs": [record], "x": 1}):
        _, rows = report(json.dumps(body).encode())
        assert rows == [expected]


# The envelope.


def test_the_context_gives_defaults_for_every_record() -> None:
    context = {"release": "2.1", "level": "warn", "seq": 0, "exception": {"type": "E"}, "net": "4g"}
    records = [{"message": "a"}, {"message": "b", "release": "3.0", "level": 1, "seq": 7}]
    for rest in ([], [5]):
        body = {"context": {**context, "attributes": {"k": 1}}, "logs": [*records, *rest]}
        _, rows = report(json.dumps(body).encode())
        shown = [(row["release"], row["severity"], row["seq"], row["exception"]) for row in rows]
        assert shown == [("2.1", 13, 0, {"type": "E"}), ("3.0", 1, 7, {"type": "E"})]
        assert all(row["attributes"] == {"net": "4g", "k": 1} for row in rows)


@pytest.mark.parametrize("context", [b"null", b"{}", b'{"release": null}'])
def test_an_empty_context_says_nothing(context: bytes) -> None:
    for rest in (b"", b", 5"):
        _, rows = report(b'{"context": %s, "logs": [%s%s]}' % (context, GOOD, rest))
        assert "release" not in rows[0] and rows[0]["severity"] == 9


@pytest.mark.parametrize("context", [b"5", b"[]", b'"x"', b"{x: 1}", BAD["100,000 deep"][0]])
def test_a_context_that_is_no_object_is_unreadable(context: bytes) -> None:
    assert isinstance(refusal(b'{"context": %s, "logs": [%s]}' % (context, GOOD)), UnreadableBody)


def test_a_bad_default_is_rejected_with_the_records_that_take_it() -> None:
    body = b'{"context": {"level": "loud", "user_id": 5}, "logs": [%s, %s, %s]}'
    own = b'{"message": "own", "level": "info", "user_id": "u"}'
    batch, rows = report(body % (GOOD, own, b'{"message": "x", "level": "info"}'))
    assert rejections(batch) == [(0, "invalid_level"), (2, "invalid_user_id")]
    assert messages(rows) == ["own"]


@pytest.mark.parametrize(
    ("batch_id", "read"),
    [
        (b'"b-1"', "b-1"),
        (b'"1"', "1"),
        (b"1", "1"),
        (b"-5", "-5"),
        (b"123456789012345678901234567890", "123456789012345678901234567890"),
        (b'"%s"' % (b"x" * MAX_TEXT), "x" * MAX_TEXT),
        ('"批"'.encode(), "批"),
        (b"null", None),
    ],
)
def test_a_batch_id_is_text_or_an_integer(batch_id: bytes, read: str | None) -> None:
    for rest in (b"", b", 5"):
        batch, rows = report(b'{"batch_id": %s, "logs": [%s%s]}' % (batch_id, GOOD, rest))
        assert (batch.batch_id, messages(rows)) == (read, ["good"])


@pytest.mark.parametrize(
    "batch_id",
    [
        b'""',
        b'"%s"' % (b"x" * (MAX_TEXT + 1)),
        b"9" * (MAX_TEXT + 1),
        b"9" * 5000,
        b"1.5",
        b"true",
        b"[]",
        b"{}",
        b'"a\\u0000b"',
        b'"\\ud800"',
        b'"\xff"',
        b"nonsense",
    ],
)
def test_a_batch_id_that_is_none_is_refused(batch_id: bytes) -> None:
    for rest in (b"", b", 5"):
        problem = refusal(b'{"batch_id": %s, "logs": [%s%s]}' % (batch_id, GOOD, rest))
        assert isinstance(problem, UnreadableBody) and "batch_id" in problem.detail


def test_what_else_stands_in_an_envelope_changes_nothing() -> None:
    for members in (b'"rejected": [], "count": 5', b'"rejected": {"x": 3}', b'"rejected": 1'):
        for rest in (b"", b", 5"):
            batch, rows = report(b'{%s, "logs": [%s%s]}' % (members, GOOD, rest))
            assert messages(rows) == ["good"]
            assert len(batch.rejected) == rest.count(b"5")


@pytest.mark.parametrize("logs", [b"null", b"{}", b"5", b'"[]"'])
def test_an_envelope_without_an_array_is_one_bad_record(logs: bytes) -> None:
    batch, rows = report(b'{"batch_id": "b", "logs": %s}' % logs)
    assert (rejections(batch), rows) == ([(0, "missing_message")], [])


def test_a_record_may_have_logs_of_its_own() -> None:
    for name in (b"logs", b"context"):
        batch, rows = report(b'{"message": "a", "attributes": {"%s": [1]}}' % name)
        assert (messages(rows), batch.rejected) == (["a"], ())
        assert rows[0]["attributes"] == {name.decode(): [1]}


# Bounds.


@each_way
def test_as_many_records_as_allowed_and_no_more(wrap: Wrap, lines: bool) -> None:
    batch, _ = report(wrap([GOOD] * 10), lines=lines, max_records=10)
    assert batch.count == 10
    too_many = [GOOD] * 10 + [b"5"], [GOOD] + [b"5"] * 10, [b"{}"] + [GOOD] * 1000
    for records in ([GOOD] * 11, *too_many):
        problem = refusal(wrap(records), lines=lines, max_records=10)
        assert isinstance(problem, TooLarge) and problem.status == 413
        assert "10 records" in problem.detail


def test_a_million_tiny_records_are_refused() -> None:
    for record in (b'{"message":""}', b"{}", b"0"):
        assert refusal(b"[" + b",".join([record] * 1_000_000) + b"]").status == 413


def test_the_word_message_alone_is_no_record() -> None:
    batch, rows = report(
        b'{"message": "a", "x": [%s]}' % b",".join([b'"message"'] * 20), max_records=3
    )
    assert (batch.count, len(rows[0]["attributes"]["x"])) == (1, 20)


def test_a_message_of_5_mb_is_cut_and_flagged() -> None:
    for letter in ("x", "é", "中", "\U0001f600"):
        text = letter * (5_000_000 // len(letter.encode()))
        _, rows = report(
            json.dumps([{"message": text}, {"message": "a"}], ensure_ascii=False).encode()
        )
        stored = rows[0]["message"]
        assert rows[0]["truncated"] == 1 and "truncated" not in rows[1]
        assert text.startswith(stored) and 65_536 - 3 <= len(stored.encode()) <= 65_536


@pytest.mark.parametrize("name", sorted(TEXT_FIELDS))
def test_a_text_field_holds_128_characters_and_no_more(name: str) -> None:
    fits, too_long = "中" * MAX_TEXT, "中" * (MAX_TEXT + 1)
    body = [{"message": "a", name: fits}, {"message": "b", name: too_long}]
    batch, rows = report(json.dumps(body).encode())
    assert rejections(batch) == [(1, f"invalid_{name}")]
    assert [row[name] for row in rows] == [fits]


DEEP = {
    "arrays": lambda depth: b"[" * depth + b"]" * depth,
    "objects": lambda depth: b'{"a":' * depth + b"1" + b"}" * depth,
}


@pytest.mark.parametrize("field", ["x", "attributes", "exception", "time"])
@pytest.mark.parametrize("nested", DEEP.values(), ids=DEEP)
def test_json_as_deep_as_it_can_be_read_is_kept_and_deeper_is_rejected(
    nested: Callable[[int], bytes], field: str
) -> None:
    for depth in (10, 100, 400, *range(880, 1000), 10_000):
        value = b'{"m": %s}' % nested(depth)
        for other in (GOOD, b"5"):
            body = b'[%s, {"message": "deep", "%s": %s}]' % (other, field.encode(), value)
            batch, rows = report(body)
            if (1, "too_deep") in rejections(batch):
                assert depth > 400 and "deep" not in messages(rows)
            else:
                assert "deep" in messages(rows) and len(rows) + len(batch.rejected) == 2


# Levels and times.

every_spelling = st.sampled_from(sorted(SEVERITIES)).flatmap(
    lambda name: st.tuples(*(st.sampled_from((c, c.upper())) for c in name)).map("".join)
)
levels = (
    every_spelling
    | every_spelling.map(lambda name: f" {name} ")
    | st.integers(1, 24)
    | st.integers(1, 24).map(str)
    | st.integers(1, 24).map(float)
    | st.none()
)


@given(levels)
def test_a_level_in_any_form(level: Any) -> None:
    batch, rows = report(json.dumps([{"message": "a", "level": level}]).encode())
    assert batch.rejected == ()
    assert rows[0]["severity"] == severity_of(level)


@given(st.text() | st.integers() | st.floats() | st.booleans() | st.lists(st.integers()))
def test_anything_as_a_level_is_read_or_rejected(level: Any) -> None:
    batch, rows = report(json.dumps([{"message": "a", "level": level}]).encode())
    known = severity_of(level) if level == level and abs_is_finite(level) else severity_of(None)
    if known is None:
        assert rejections(batch) == [(0, "invalid_level")]
    else:
        assert rows[0]["severity"] == known


def abs_is_finite(value: Any) -> bool:
    """NaN and the infinities become null, which is no level given."""
    return not isinstance(value, float) or abs(value) != float("inf")


moments = st.integers(YEAR_2000, RECEIVED + DAY)
forms_of_time = st.sampled_from(
    [
        format_time,
        lambda moment: format_time(moment).replace("Z", "+00:00"),
        lambda moment: format_time(moment).replace("T", " ").lower(),
        lambda moment: format_time(moment)[:-1],
        lambda moment: moment,
        lambda moment: moment / SECOND,
        lambda moment: moment * 1000,
        str,
        lambda moment: f" {moment * 1000}",
    ]
)


@given(moments, forms_of_time)
def test_a_time_in_any_form(moment: int, form: Callable[[int], Any]) -> None:
    batch, rows = report(json.dumps([{"message": "a", "time": form(moment)}]).encode())
    assert batch.rejected == () and rows[0]["time"] == moment
    assert "attributes" not in rows[0]


@pytest.mark.parametrize(
    "nonsense",
    [
        "now",
        "",
        "2026-02-30T00:00:00Z",
        "2026-11-20T10:00:00+99:00",
        "0000-00-00",
        True,
        False,
        [],
        [2026, 11],
        {"$date": 5},
        {},
        "9" * 200,
        10**30,
        -(10**30),
        1e308,
        -1e308,
        "1e400.",
    ],
)
def test_a_time_that_is_none_is_kept_beside_and_costs_no_record(nonsense: Any) -> None:
    for body in (
        [{"message": "a", "time": nonsense}],
        [{"message": "a", "time": nonsense}, 5],
        {"context": {"time": nonsense}, "logs": [{"message": "a"}]},
    ):
        _, rows = report(json.dumps(body).encode())
        assert rows[0]["time"] == RECEIVED
        assert rows[0]["attributes"] == {"original_time": nonsense}


@pytest.mark.parametrize(
    "time",
    ["1999-12-31T23:59:59Z", 0, 1, -1, 946_684_799, "9999-12-31T23:59:59Z", 253_402_300_799],
)
def test_a_time_that_cannot_be_is_kept_beside_the_received_one(time: Any) -> None:
    for rest in ([], [5]):
        _, rows = report(json.dumps([{"message": "a", "time": time, "k": 1}, *rest]).encode())
        assert rows[0]["time"] == RECEIVED
        original = rows[0]["attributes"].pop("original_time")
        assert parse_time(original) == parse_time(time)
        assert rows[0]["attributes"] == {"k": 1}


@pytest.mark.parametrize("sent_at", [b'"never"', b"[]", b"true", b"1e400", b"null", b'""'])
def test_a_sent_at_that_is_none_changes_nothing(sent_at: bytes) -> None:
    record = b'{"message": "a", "time": %d}' % (RECEIVED - SECOND)
    _, rows = report(b'{"sent_at": %s, "logs": [%s]}' % (sent_at, record))
    assert rows[0]["time"] == RECEIVED - SECOND and "skew_ms" not in rows[0]


@pytest.mark.parametrize("sent_at", [b"1e308", b"1e300", b"-1e308", b"9" * 30, b"9" * 400])
def test_a_sent_at_beyond_all_times_changes_nothing(sent_at: bytes) -> None:
    record = b'{"message": "a", "time": %d}' % (RECEIVED - SECOND)
    for rest in (b"", b", 5"):
        _, rows = report(b'{"sent_at": %s, "logs": [%s%s]}' % (sent_at, record, rest))
        assert rows[0]["time"] == RECEIVED - SECOND and "skew_ms" not in rows[0]


# Anything at all.

texts = st.text(max_size=20) | st.sampled_from(("\ud800", "a\0b", "message", "中文"))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from(sorted(FIELDS))
odd_records = st.dictionaries(names | texts, json_values, max_size=6)
nearly_good = st.builds(lambda record, message: {**record, "message": message}, odd_records, texts)


@given(st.lists(json_values | odd_records | nearly_good, max_size=6))
def test_every_element_is_accepted_or_rejected(elements: list[Any]) -> None:
    body = json.dumps(elements).encode()
    batch, rows = report(body)
    assert batch.count + len(batch.rejected) == len(elements)
    indexes = [rejection.index for rejection in batch.rejected]
    assert indexes == sorted(set(indexes))
    assert len(rows) == batch.count


@given(st.lists(odd_records | nearly_good, min_size=1, max_size=4), odd_records, json_values)
def test_every_record_of_an_envelope_is_accepted_or_rejected(
    records: list[Any], context: dict[str, Any], sent_at: Any
) -> None:
    body = {"context": context, "sent_at": sent_at, "logs": records}
    batch, rows = report(json.dumps(body).encode())
    assert batch.count + len(batch.rejected) == len(records) and len(rows) == batch.count


@given(
    st.binary(max_size=60) | st.text(alphabet='[]{},:"\\ \nmesag1tru', max_size=60).map(str.encode)
)
@example(b'{"message":"a"}\n{"message":"b"}\nx')
@example(b"[" * 5000)
def test_any_bytes_become_a_batch_or_a_problem(body: bytes) -> None:
    for lines in (False, True):
        try:
            report(body, lines=lines)
        except Problem as problem:
            assert problem.status in (400, 413)


@given(st.lists(nearly_good, min_size=1, max_size=3), st.data())
def test_a_body_with_any_byte_changed_becomes_a_batch_or_a_problem(
    records: list[Any], data: st.DataObject
) -> None:
    body = bytearray(json.dumps(records).encode())
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        batch, rows = report(bytes(body))
    except Problem as problem:
        assert problem.status == 400
    else:
        assert len(rows) == batch.count


# The two ways lead to the same place.

good_texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=9)
good_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | good_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(good_texts, inner, max_size=3),
    max_leaves=4,
)
good_times = (
    st.integers(-(10**20), 10**20)
    | moments
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.datetimes().map(lambda moment: moment.isoformat() + "+05:30")
    | st.sampled_from(("2026-11-20T10:00:00.123456789Z", "2026-11-20T10:00:00.9999995Z"))
)
FIELD_VALUES: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(TEXT_FIELDS, good_texts),
    "time": good_times,
    "level": st.sampled_from(("info", "WARN", "Error")) | st.integers(1, 24),
    "seq": st.integers(0, 2**63 - 1),
    "exception": st.fixed_dictionaries({"type": good_texts, "more": good_json}),
    "attributes": st.dictionaries(good_texts, good_json, max_size=3),
    "unknown": good_json,
}
ABSENT = object()
a_few_fields = st.lists(st.sampled_from(sorted(FIELD_VALUES)), min_size=1, max_size=4, unique=True)


def with_fields(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects in which each of these fields is set, null or absent."""
    values = {name: st.sampled_from((ABSENT, None)) | FIELD_VALUES[name] for name in names}
    return st.fixed_dictionaries(values).map(
        lambda members: {name: value for name, value in members.items() if value is not ABSENT}
    )


def good_records(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda fields, text: {**fields, "message": text}, with_fields(names), good_texts
    )


@st.composite
def envelopes(draw: st.DrawFn) -> dict[str, Any]:
    """Context and records have the same few fields, so that they meet."""
    names = draw(a_few_fields)
    members = {"context": with_fields(names), "logs": st.lists(good_records(names), min_size=1)}
    more = {"sent_at": st.none() | good_times, "batch_id": st.integers(0, 9)}
    return draw(st.fixed_dictionaries(members, optional=more))


def without_empty_attributes(rows: list[Row]) -> list[Row]:
    """No attributes and an empty object of them are the same."""
    return [{n: v for n, v in row.items() if n != "attributes" or v} for row in rows]


def assert_both_ways_agree(body: Any) -> None:
    written = json.dumps(body).encode()
    fast = decode_batch(written, False, MAX_RECORDS)
    is_told_apart = "logs" in body or b'"logs"' not in written  # a record with a text "logs" is not
    assert fast.form is not Form.CLEANED or not is_told_apart
    careful = clean_batch(written, False, MAX_RECORDS)
    assert careful.rejected == ()
    assert (fast.count, fast.batch_id) == (careful.count, careful.batch_id)
    stored = [rows_of(batch.form, batch.payload) for batch in (fast, careful)]
    assert without_empty_attributes(stored[0]) == without_empty_attributes(stored[1])


@given(envelopes())
@example({"context": {"exception": {"type": "E"}}, "logs": [{"message": "", "exception": None}]})
@example(
    {"context": {"user_id": "u", "time": 5}, "logs": [{"message": "", "user_id": "", "time": 0}]}
)
def test_the_fast_and_the_careful_way_store_the_same_of_an_envelope(body: dict[str, Any]) -> None:
    assert_both_ways_agree(body)


@given(st.lists(a_few_fields.flatmap(good_records), min_size=1, max_size=3))
def test_the_fast_and_the_careful_way_store_the_same_of_records(records: list[Any]) -> None:
    assert_both_ways_agree(records)
    assert_both_ways_agree(records[0])
