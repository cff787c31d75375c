"""OTLP logs as records of ours, the same from JSON and from protobuf."""

import json
from typing import Any

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from recorded.otlp import BODY, JSON, PACKED, PROTOBUF, REQUEST, THROWN, pairs, protobuf, text

from exceptions import RateLimited, TooLarge, UnreadableBody
from service.adapter.otlp import read, refuse, reply
from service.adapter.wire import Bad, Reply, Sent, Translated
from service.batch import Batch
from service.native_batch import batch_of
from utils.record import Form

BOTH = [(BODY, JSON), (PACKED, PROTOBUF)]
COMMON = {
    "logger": "shop.pay",
    "release": "2.1.0",
    "environment": "prod",
    "platform": "Android",
    "device_id": "d-1",
}
SHARED = {
    "service.name": "shop",
    "telemetry.sdk.name": "opentelemetry",
    "os.name": "Android",
    "otel.scope.version": "1.0",
}


def sent(body: bytes, headers: dict[str, str], path: str = "/v1/logs", **more: Any) -> Sent:
    said = {name.lower(): value for name, value in headers.items()}
    return Sent(body, path, headers=said, **more)


def translated(body: bytes, headers: dict[str, str]) -> Translated:
    made = read(sent(body, headers))
    assert isinstance(made, Translated)
    return made


def of_json(*logs: Any, scope: Any = None) -> list[Any]:
    scope_logs = {"logRecords": list(logs), "scope": scope}
    body = json.dumps({"resourceLogs": [{"scopeLogs": [scope_logs]}]}).encode()
    return list(translated(body, JSON).records)


@pytest.mark.parametrize(("body", "headers"), BOTH, ids=["json", "protobuf"])
def test_every_field_finds_its_place(body: bytes, headers: dict[str, str]) -> None:
    thrown, tapped = translated(body, headers).records
    assert thrown == {
        **COMMON,
        "message": "支付失败",
        "time": 1795168800123456,
        "level": 17,
        "trace_id": "5b8efff798038103d269b633813fc60c",
        "span_id": "eee19b7ec3c1b174",
        "session_id": "s-1",
        "user_id": "u-1",
        "exception": {"type": "ValueError", "value": "no card", "stacktrace": "Traceback …"},
        "attributes": {
            **SHARED,
            "trace_flags": 1,
            "code.line.number": 42,
            "big": 9007199254740991,
            "ratio": 0.5,
            "ok": True,
            "tags": ["a", None],
            "http": {"status": 500},
            "raw": "AAE=",
        },
    }
    assert tapped == {
        **COMMON,
        "message": '{"x":1}',
        "time": 1795168801000000,
        "level": 13,
        "attributes": {**SHARED, "event.name": "tap", "dropped_attributes_count": 2},
    }


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ({}, {"message": ""}),
        ({"eventName": "tap"}, {"message": "tap"}),
        ({"body": {}, "eventName": "tap"}, {"message": "tap"}),
        ({"severityNumber": 24}, {"message": "", "level": 24}),
        ({"severityNumber": 25}, {"message": ""}),
        ({"severityNumber": 9, "severityText": "INFO"}, {"message": "", "level": 9}),
        (
            {"severityNumber": 9, "severityText": "NOTICE-2"},
            {"message": "", "level": 9, "attributes": {"severity_text": "NOTICE-2"}},
        ),
        ({"severityText": "loud"}, {"message": "", "attributes": {"severity_text": "loud"}}),
        ({"traceId": "0" * 32, "spanId": "0" * 16}, {"message": ""}),
        ({"traceId": "ab" * 15, "spanId": "x" * 16}, {"message": ""}),
        ({"traceId": None, "timeUnixNano": "0", "unknown": 1}, {"message": ""}),
        ({"body": {"doubleValue": "NaN"}}, {"message": "NaN"}),
        ({"body": {"intValue": 3}}, {"message": "3"}),
        ({"body": text("\ud800")}, {"message": "\ufffd"}),
    ],
)
def test_what_is_missing_or_strange_is_no_reason_to_lose_a_record(log: Any, expected: Any) -> None:
    assert of_json(log) == [expected]


def test_a_value_too_long_for_its_field_is_kept_whole() -> None:
    (record,) = of_json({"attributes": pairs(session__id=text("s" * 200))})
    assert record["session_id"] == "s" * 128
    assert record["attributes"] == {"session_id": "s" * 200}


@pytest.mark.parametrize("bad", [1, "x", {"timeUnixNano": "soon"}, {"severityNumber": "INFO"}])
def test_a_bad_record_costs_no_other(bad: Any) -> None:
    made = of_json(THROWN, bad, THROWN)
    assert [type(record) for record in made] == [dict, Bad, dict]
    batch = batch_of(Translated(made), 10)
    assert (batch.count, [each.index for each in batch.rejected]) == (2, [1])


def test_a_bad_record_in_protobuf_costs_no_other() -> None:
    request = protobuf()
    logs = request.resource_logs[0].scope_logs[0].log_records
    marked = PACKED.replace(logs[1].SerializeToString(), b"\xff" * logs[1].ByteSize())
    assert [type(record) for record in translated(marked, PROTOBUF).records] == [dict, Bad]


@pytest.mark.parametrize(("body", "headers"), BOTH, ids=["json", "protobuf"])
def test_the_same_body_has_the_same_key_if_its_records_have_times(
    body: bytes, headers: dict[str, str]
) -> None:
    key = translated(body, headers).batch_key
    assert key == translated(body, headers).batch_key != ""
    undated = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [{}]}]}]}).encode()
    assert translated(undated, JSON).batch_key == ""


def test_the_encoding_is_known_without_a_content_type() -> None:
    assert len(translated(BODY, {}).records) == len(translated(PACKED, {}).records) == 2


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {**JSON}),
        (b"[]", JSON),
        (b'{"resourceLogs": 1}', JSON),
        (BODY[:-1], JSON),
        (PACKED[:-1], PROTOBUF),
        (b"\xff" * 10, PROTOBUF),
        (b"garbage", {}),
    ],
)
def test_what_is_no_request_is_refused(body: bytes, headers: dict[str, str]) -> None:
    with pytest.raises((UnreadableBody, ValueError)):
        read(sent(body, headers))


def test_an_empty_request_is_a_good_one() -> None:
    assert translated(b"{}", JSON).records == translated(b"", PROTOBUF).records == []


def varint(number: int) -> bytes:
    head = b""
    while number > 127:
        head += bytes([number & 127 | 128])
        number >>= 7
    return head + bytes([number])


def nested(*tags: int, inside: bytes) -> bytes:
    """A field in a field in a field."""
    for tag in reversed(tags):
        inside = bytes([tag]) + varint(len(inside)) + inside
    return inside


@pytest.mark.parametrize(
    "body",
    [
        b"\x0a\x00" * 1_000_000,
        nested(0x0A, inside=b"\x12\x00" * 1_000_000),
        nested(0x0A, 0x12, inside=b"\x12\x00" * 1_000_000),
        nested(0x0A, inside=b"\x12\x00" * 500) * 1000,
    ],
)
def test_a_million_empty_messages_are_counted_before_they_are_made(body: bytes) -> None:
    with pytest.raises(TooLarge):
        read(sent(body, PROTOBUF, max_records=50_000))


def test_a_record_of_a_million_empty_attributes_is_not_parsed() -> None:
    body = nested(0x0A, 0x12, 0x12, inside=b"\x32\x00" * 1_000_000)
    (bad,) = translated(body, PROTOBUF).records
    assert isinstance(bad, Bad) and bad.reason == "too_large"


def test_a_million_empty_objects_are_not_made() -> None:
    body = b'{"resourceLogs": [' + b"{}," * 1_000_000 + b"{}]}"
    with pytest.raises(TooLarge):
        read(sent(body, JSON))


# Replies.


def test_full_success_says_nothing() -> None:
    kept = batch_of(translated(BODY, JSON), 10)
    for body, headers, expected in ((BODY, JSON, b"{}"), (PACKED, PROTOBUF, b"")):
        answer = reply(sent(body, headers), Translated([]), kept)
        assert answer == Reply(200, expected, headers["Content-Type"])


def test_partial_success_says_how_many_and_why() -> None:
    kept = batch_of(Translated([Bad("r", "why"), {"message": "m"}]), 10)
    answer = reply(sent(BODY, JSON), Translated([]), kept)
    told = {"rejectedLogRecords": "1", "errorMessage": "record 0: r: why"}
    assert json.loads(answer.body) == {"partialSuccess": told}
    packed = ExportLogsServiceResponse.FromString(
        reply(sent(PACKED, PROTOBUF), Translated([]), kept).body
    )
    assert packed.partial_success.rejected_log_records == 1
    assert packed.partial_success.error_message == "record 0: r: why"


def test_what_is_shed_is_told() -> None:
    answer = reply(sent(BODY, JSON), Translated([]), Batch(Form.ARRAY, b"[]", 0, shed=3))
    assert json.loads(answer.body)["partialSuccess"]["rejectedLogRecords"] == "3"


def test_a_refusal_is_a_status_in_the_encoding_of_the_request() -> None:
    problem = RateLimited("slowly", 7)
    answer = refuse(sent(BODY, JSON), problem)
    assert (answer.status, answer.media) == (429, "application/json")
    assert json.loads(answer.body) == {"code": 8, "message": "rate_limited: slowly"}
    packed = refuse(sent(b"", PROTOBUF), problem)
    assert packed.media == "application/x-protobuf"
    assert Status.FromString(packed.body) == Status(code=8, message="rate_limited: slowly")


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/metrics", "/otlp/v1/traces"])
def test_other_signals_are_answered_and_not_kept(path: str) -> None:
    assert read(sent(b"whatever", PROTOBUF, path)) == Reply(200, b"", PROTOBUF["Content-Type"])
    assert read(sent(b"{}", JSON, path)) == Reply(200, b"{}", JSON["Content-Type"])


def test_the_samples_are_what_they_say() -> None:
    assert ExportLogsServiceRequest.FromString(PACKED) == protobuf()
    assert json.loads(BODY) == REQUEST
