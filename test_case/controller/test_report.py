"""Reports over HTTP, good and bad, to real workers of both classes."""

import gzip
import json
import random
import socket
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any
from uuid import uuid4

import brotli
import pytest
import requests
import zstandard
from started import Server, wait_until

pytestmark = pytest.mark.server

CAP = 10 * 2**20  # setting ingest.max_body_bytes
DEEP = 10_000
Record = dict[str, Any]


@pytest.fixture(autouse=True)
def unharmed(either_server: Server) -> Iterator[None]:
    """Whatever is reported: no worker dies, nothing is put aside, nothing fails unforeseen."""
    workers, put_aside = either_server.workers(), put_aside_by(either_server)
    logged = len(either_server.log_text())
    yield
    assert either_server.workers() == workers
    assert len(workers) == 2
    assert put_aside_by(either_server) == put_aside
    assert "Traceback" not in either_server.log_text()[logged:]


def put_aside_by(server: Server) -> dict[str, str]:
    return {path.name: path.read_text() for path in server.data.glob("quarantine/*.txt")}


def post(server: Server, data: Any, **headers: str | None) -> requests.Response:
    """Report bytes or, from an iterator, chunks; `headers` with `_` for `-`.

    Each over its own connection: it is closed when a body that is too large is not read on.
    """
    named: dict[str, str | None] = {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    sent = {"X-Redlog-Key": server.key, "Content-Type": "application/json", **named}
    return requests.post(f"{server.url}/api/v1/logs", data=data, headers=sent, timeout=60)


def in_chunks(body: bytes, size: int = 50_000) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def found(server: Server, count: int, **filters: Any) -> list[Record]:
    """The records that match, as soon as there are so many; it fails when there are more."""
    ask = {"order": "oldest", "limit": 1000, **filters}
    records: list[Record] = wait_until(
        lambda: (got := server.query(**ask)) and len(got) >= count and got,
        f"{count} records of {filters}",
    )
    assert len(records) == count
    return records


def assert_problem(answer: requests.Response, status: int, code: str) -> Record:
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: Record = answer.json()
    assert problem.keys() >= {"type", "title", "status", "detail", "code"}
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["title"]
    assert problem["detail"]
    return problem


@pytest.fixture
def session() -> str:
    """A session id that no other test uses."""
    return uuid4().hex


# What a good report looks like.

TYPES = [
    "application/json",
    "application/json; charset=utf-8",
    "text/plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
    None,
]


def as_lines(records: list[Record]) -> str:
    return "\n".join(json.dumps(record) for record in records) + "\n"


FORMS: dict[str, Callable[[list[Record]], str]] = {
    "array": json.dumps,
    "envelope": lambda records: json.dumps({"logs": records}),
    "lines": as_lines,
}


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_body_is_read_whatever_its_type_is_called(
    either_server: Server, session: str, form: str, content_type: str | None
) -> None:
    records = [
        {"message": "开机 %", "level": "W", "session_id": session, "seq": 1},
        {"message": "a=1&b=2", "session_id": session, "seq": 2},
    ]
    answer = post(either_server, FORMS[form](records).encode(), Content_Type=content_type)
    assert answer.status_code == 202, answer.text
    assert answer.json() == {"accepted": 2, "rejected": [], "shed": 0}
    stored = sorted(found(either_server, 2, session_id=session), key=lambda record: record["seq"])
    assert [(record["message"], record["level"]) for record in stored] == [
        ("开机 %", "warning"),
        ("a=1&b=2", "info"),
    ]


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson", "text/plain"])
def test_one_record_is_a_body_too(either_server: Server, session: str, content_type: str) -> None:
    body = json.dumps({"message": "alone", "session_id": session}).encode()
    assert post(either_server, body, Content_Type=content_type).json()["accepted"] == 1
    (record,) = found(either_server, 1, session_id=session)
    assert record["message"] == "alone"


def test_all_of_a_record_comes_back(either_server: Server, session: str) -> None:
    given = {
        "message": "全部",
        "logger": "net",
        "environment": "prod",
        "release": "2.1.0",
        "platform": "android",
        "device_id": "d",
        "session_id": session,
        "user_id": "u",
        "trace_id": "t",
        "span_id": "s",
        "seq": 2**63 - 1,
        "exception": {"type": "E", "value": "v", "stacktrace": ["at a", {"line": 1}]},
        "attributes": {"a": [1, {"b": None}]},
    }
    sent = [{**given, "time": "2024-02-29T12:00:00.123456+08:00", "level": "FATAL", "own": True}]
    assert either_server.report(sent).json()["accepted"] == 1
    (record,) = found(either_server, 1, session_id=session)
    assert record.items() >= {**given, "attributes": {"a": [1, {"b": None}], "own": True}}.items()
    assert record["app"] == either_server.app["id"]
    assert record["time"] == "2024-02-29T04:00:00.123456Z"
    assert (record["level"], record["severity"]) == ("fatal", 21)
    assert record["id"].startswith(record["received_at"][:10].replace("-", ""))


def test_the_context_stands_in_for_what_a_record_does_not_say(
    either_server: Server, session: str
) -> None:
    body = {
        "batch_id": session,
        "sent_at": None,
        "context": {"session_id": session, "release": "1", "attributes": {"a": 1, "b": 1}},
        "logs": [{"message": "m", "release": "2", "attributes": {"b": 2}}, {"message": "n"}],
    }
    assert either_server.report(body).json()["batch_id"] == session
    of_message = {r["message"]: r for r in found(either_server, 2, session_id=session)}
    assert of_message["m"]["release"] == "2"
    assert of_message["m"]["attributes"] == {"a": 1, "b": 2}
    assert of_message["n"]["release"] == "1"
    assert of_message["n"]["attributes"] == {"a": 1, "b": 1}


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
    "br": brotli.compress,
}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("encoding", PACKERS)
def test_a_compressed_body_is_inflated(
    either_server: Server, session: str, encoding: str, chunked: bool
) -> None:
    records = [{"message": f"line {n}", "session_id": session, "seq": n} for n in range(500)]
    packed = PACKERS[encoding](json.dumps(records).encode())
    body = in_chunks(packed, 700) if chunked else packed
    assert post(either_server, body, Content_Encoding=encoding).json()["accepted"] == 500
    assert {record["seq"] for record in found(either_server, 500, session_id=session)} == {
        *range(500)
    }


def test_a_chunked_body_just_below_the_cap_is_stored_whole(
    either_server: Server, session: str
) -> None:
    records = [{"message": "x" * 60_000, "session_id": session, "seq": n} for n in range(170)]
    body = json.dumps(records).encode()
    body += b" " * (CAP - len(body))
    assert post(either_server, in_chunks(body)).json()["accepted"] == 170
    assert len(found(either_server, 170, session_id=session)) == 170


# Who may report.


@pytest.mark.parametrize("way", ["header", "bearer", "query"])
def test_the_key_is_taken_from_header_bearer_or_query(
    either_server: Server, session: str, way: str
) -> None:
    key = either_server.key
    headers = {"header": {"X-Redlog-Key": key}, "bearer": {"Authorization": f"Bearer {key}"}}
    answer = requests.post(
        f"{either_server.url}/api/v1/logs",
        params={"key": key} if way == "query" else None,
        headers=headers.get(way),
        json={"message": way, "session_id": session},
        timeout=60,
    )
    assert answer.status_code == 202
    assert found(either_server, 1, session_id=session)[0]["message"] == way


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"headers": {"X-Redlog-Key": "rlk_wrong"}},
        {"headers": {"X-Redlog-Key": "\xff'; --"}},
        {"headers": {"Authorization": "Bearer rlk_wrong"}},
        {"headers": {"Authorization": "Basic cmxrOg=="}},
        {"headers": {"Authorization": "Bearer"}},
        {"params": {"key": "rlk_wrong\0"}},
        {"params": b"key=%ff%fe"},
    ],
)
def test_without_a_good_key_nothing_is_read(either_server: Server, sent: Any) -> None:
    url = f"{either_server.url}/api/v1/logs"
    answer = requests.post(url, data=b'{"message": "m"}', timeout=60, **sent)
    assert_problem(answer, 401, "bad_key")


def test_a_readers_token_can_not_report(either_server: Server) -> None:
    answer = post(either_server, b'{"message": "m"}', X_Redlog_Key=either_server.token)
    assert_problem(answer, 401, "bad_key")


# What can't be read at all.

GOOD = b'[{"message": "good"}]'
TORN = gzip.compress(GOOD * 1000)[:-20]
UNREADABLE: dict[str, tuple[bytes, dict[str, str]]] = {
    "empty": (b"", {}),
    "blank": (b" \r\n\t", {}),
    "only a byte order mark": (b"\xef\xbb\xbf", {}),
    "garbage": (random.Random(1).randbytes(5000), {}),
    "a word": (b"hello", {}),
    "a string": (b'"message"', {}),
    "a number": (b"42", {}),
    "null": (b"null", {}),
    "an object cut short": (b'{"message": "x', {}),
    "an array cut short": (GOOD[:-1], {}),
    "two arrays": (GOOD + GOOD, {}),
    "UTF-16": (GOOD.decode().encode("utf-16"), {}),
    "a deep array cut short": (b"[" * DEEP, {}),
    "a context that is none": (b'{"context": [], "logs": [{"message": "m"}]}', {}),
    "a batch id that is none": (b'{"batch_id": {}, "logs": [{"message": "m"}]}', {}),
    "an empty batch id": (b'{"batch_id": "", "logs": [{"message": "m"}]}', {}),
    "a broken batch id": (b'{"batch_id": "\\ud800", "logs": [{"message": "m"}]}', {}),
    "a long idempotency key": (GOOD, {"Idempotency_Key": "k" * 129}),
    "torn gzip": (TORN, {"Content_Encoding": "gzip"}),
    "torn zstd": (zstandard.compress(GOOD * 1000)[:-5], {"Content_Encoding": "zstd"}),
    "torn br": (brotli.compress(GOOD * 1000)[:-5], {"Content_Encoding": "br"}),
    "no gzip": (GOOD, {"Content_Encoding": "gzip"}),
    "no br": (b"\xff" * 50, {"Content_Encoding": "br"}),
    "gzip, and it isn't said": (gzip.compress(GOOD), {}),
    "five encodings": (GOOD, {"Content_Encoding": "gzip, gzip, gzip, gzip, gzip"}),
}


@pytest.mark.parametrize(("body", "headers"), UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_body_is_refused_with_400(
    either_server: Server, body: bytes, headers: dict[str, str]
) -> None:
    assert_problem(post(either_server, body, **headers), 400, "unreadable_body")


def test_a_wrong_encoding_is_refused_with_those_that_are_accepted(either_server: Server) -> None:
    answer = post(either_server, GOOD, Content_Encoding="gzipp")
    assert "gzipp" in assert_problem(answer, 415, "unsupported_encoding")["detail"]
    assert answer.headers["Accept-Encoding"] == "gzip, deflate, zstd, br"


@cache
def zstd_bomb() -> bytes:
    return zstandard.ZstdCompressor(level=19).compress(bytes(200 * 2**20))


@cache
def gzip_bomb() -> bytes:
    return gzip.compress(b'[{"message": "' + b" " * (200 * 2**20) + b'"}]')


def records_in(separator: bytes, record: bytes, count: int) -> bytes:
    return b"[" + separator.join([record] * count) + b"]"


TOO_LARGE: dict[str, tuple[Callable[[], bytes], dict[str, str]]] = {
    "a body over the cap": (lambda: b"[" + b" " * (CAP - 1) + b"]", {}),
    "a gzip bomb": (gzip_bomb, {"Content_Encoding": "gzip"}),
    "a zstd bomb": (zstd_bomb, {"Content_Encoding": "zstd"}),
    "a gzip bomb in gzip": (
        lambda: gzip.compress(gzip_bomb()),
        {"Content_Encoding": "gzip, gzip"},
    ),
    "a million records": (lambda: records_in(b",", b'{"message":1}', 700_000), {}),
    "a million records, packed": (
        lambda: gzip.compress(records_in(b",", b'{"message":""}', 1_000_000), 1),
        {"Content_Encoding": "gzip"},
    ),
    "a million empty objects": (lambda: records_in(b",", b"{}", 1_000_000), {}),
    "a million numbers": (lambda: records_in(b",", b"10", 1_000_000), {}),
    "a million lines": (lambda: b"{}\n" * 1_000_000, {"Content_Type": "application/x-ndjson"}),
    "a record too many": (lambda: records_in(b",", b'{"messag\\u0065":""}', 50_001), {}),
}


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize(("make", "headers"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_too_large_a_body_is_refused_with_413(
    either_server: Server, make: Callable[[], bytes], headers: dict[str, str], chunked: bool
) -> None:
    body = make()
    answer = post(either_server, in_chunks(body) if chunked else body, **headers)
    assert_problem(answer, 413, "too_large")


def test_a_client_that_goes_away_in_its_body_leaves_nothing(
    either_server: Server, session: str
) -> None:
    record = json.dumps([{"message": "half", "session_id": session}])
    head = f"POST /api/v1/logs HTTP/1.1\r\nHost: x\r\nX-Redlog-Key: {either_server.key}\r\n"
    for rest in (
        f"Content-Length: {len(record) + 1}\r\n\r\n{record}",
        f"Transfer-Encoding: chunked\r\n\r\n{len(record):x}\r\n{record}\r\n",
        f"Transfer-Encoding: chunked\r\n\r\nzz\r\n{record}\r\n0\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", either_server.port), timeout=10) as client:
            client.sendall((head + rest).encode())
            client.shutdown(socket.SHUT_WR)
            assert b" 202 " not in client.recv(1000)
    either_server.report([{"message": "whole", "session_id": session}])
    (record_,) = found(either_server, 1, session_id=session)
    assert record_["message"] == "whole"


# Good and bad records together.

REJECTED = {
    "no object": (b"42", "not_an_object"),
    "null": (b"null", "not_an_object"),
    "an array": (b"[1]", "not_an_object"),
    "no JSON": (b"{'message': 'x'}", "invalid_json"),
    "a control character": (b'{"message": "a\0b"}', "invalid_json"),
    "no message": (b"{}", "missing_message"),
    "message null": (b'{"message": null}', "missing_message"),
    "message number": (b'{"message": 1}', "invalid_message"),
    "a level we don't know": (b'{"message": "", "level": "loud"}', "invalid_level"),
    "level 25": (b'{"message": "", "level": 25}', "invalid_level"),
    "level of 5000 digits": (
        b'{"message": "", "level": "' + b"9" * 5000 + b'"}',
        "invalid_level",
    ),
    "level true": (b'{"message": "", "level": true}', "invalid_level"),
    "a long device id": (
        b'{"message": "", "device_id": "' + b"d" * 129 + b'"}',
        "invalid_device_id",
    ),
    "user id number": (b'{"message": "", "user_id": 7}', "invalid_user_id"),
    "seq beyond 64 bits": (b'{"message": "", "seq": 18446744073709551616}', "invalid_seq"),
    "seq of 63 bits and one": (b'{"message": "", "seq": 9223372036854775808}', "invalid_seq"),
    "seq of 5000 digits": (b'{"message": "", "seq": ' + b"9" * 5000 + b"}", "invalid_seq"),
    "seq negative": (b'{"message": "", "seq": -1}', "invalid_seq"),
    "seq 1e308": (b'{"message": "", "seq": 1e308}', "invalid_seq"),
    "exception string": (b'{"message": "", "exception": "E"}', "invalid_exception"),
    "attributes list": (b'{"message": "", "attributes": []}', "invalid_attributes"),
    "deep attributes": (
        b'{"message": "", "a": ' + b"[" * DEEP + b"]" * DEEP + b"}",
        "too_deep",
    ),
    "a deep record": (b"[" * DEEP + b"]" * DEEP, "too_deep"),
    "deep objects": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "too_deep"),
}


@pytest.mark.parametrize(("bad", "reason"), REJECTED.values(), ids=REJECTED)
def test_a_bad_record_is_rejected_by_index_and_the_good_ones_are_kept(
    either_server: Server, session: str, bad: bytes, reason: str
) -> None:
    good = json.dumps({"message": "good", "session_id": session}).encode()
    answer = either_server.report(b"[" + b",".join([good, bad, good, bad]) + b"]")
    assert answer.status_code == 202
    receipt = answer.json()
    assert receipt["accepted"] == 2
    assert [(r["index"], r["reason"]) for r in receipt["rejected"]] == [(1, reason), (3, reason)]
    assert all(rejection["detail"] for rejection in receipt["rejected"])
    found(either_server, 2, session_id=session)

    alone = either_server.report(b"[" + bad + b"]")
    problem = assert_problem(alone, 422, "no_good_record")
    assert [(r["index"], r["reason"]) for r in problem["rejected"]] == [(0, reason)]


def test_a_bad_line_costs_no_other_line(either_server: Server, session: str) -> None:
    good = json.dumps({"message": "good", "session_id": session}).encode()
    body = b"\r\n".join([good, b'{"message": ', b"", good, b"[" * DEEP, good])
    receipt = post(either_server, body, Content_Type="application/x-ndjson").json()
    assert receipt["accepted"] == 3
    assert [r["index"] for r in receipt["rejected"]] == [1, 3]
    found(either_server, 3, session_id=session)


def test_an_array_of_no_objects_is_refused_record_by_record(either_server: Server) -> None:
    problem = assert_problem(
        either_server.report(b'[1, "a", null, [], true]'), 422, "no_good_record"
    )
    assert [r["reason"] for r in problem["rejected"]] == ["not_an_object"] * 5


# What is odd, and stored.

SURROGATE = b"\\ud800"
ODD: dict[str, tuple[bytes, Record]] = {
    "invalid UTF-8": (b'"message": "a\xff\xc3b"', {"message": "a\ufffd\ufffdb"}),
    "a lone surrogate": (b'"message": "a' + SURROGATE + b'b"', {"message": "a\ufffdb"}),
    "a surrogate as bytes": (b'"message": "a\xed\xa0\x80b"', {"message": "a\ufffd\ufffd\ufffdb"}),
    "a pair of surrogates": (b'"message": "\\ud83d\\ude00"', {"message": "😀"}),
    "NUL": (b'"message": "a\\u0000b"', {"message": "a\ufffdb"}),
    "a message twice": (b'"message": "a", "message": "b"', {"message": "b"}),
    "a bad message and a good one": (b'"message": 1, "message": "b"', {"message": "b"}),
    "level twice": (b'"message": "", "level": "debug", "level": "error"', {"level": "error"}),
    "a level's number as text": (b'"message": "", "level": " 17 "', {"level": "error"}),
    "NaN": (b'"message": "", "x": NaN, "y": -Infinity', {"attributes": {"x": None, "y": None}}),
    "1e308": (b'"message": "", "x": 1e308', {"attributes": {"x": 1e308}}),
    "time 1e308": (b'"message": "", "time": 1e308', {"attributes": {"original_time": 1e308}}),
    "time NaN": (b'"message": "", "time": NaN', {"message": ""}),
    "time a word": (b'"message": "", "time": "now"', {"attributes": {"original_time": "now"}}),
    "time of year 1": (
        b'"message": "", "time": "0001-01-01T00:00:00Z", "attributes": {"a": 1}',
        {"attributes": {"a": 1, "original_time": "0001-01-01T00:00:00+00:00"}},
    ),
    "an odd time and a lone surrogate": (
        b'"message": "", "time": 1, "attributes": {"x": "' + SURROGATE + b'"}',
        {"attributes": {"x": "\ufffd", "original_time": 1}},
    ),
    "a lone surrogate in attributes": (
        b'"message": "", "attributes": {"x": "' + SURROGATE + b'"}',
        {"attributes": {"x": "\ufffd"}},
    ),
    "a lone surrogate in a name": (
        b'"message": "", "' + SURROGATE + b'": 1',
        {"attributes": {"\ufffd": 1}},
    ),
    "a lone surrogate in a name of attributes": (
        b'"message": "", "attributes": {"' + SURROGATE + b'": 1}, "own": 2',
        {"attributes": {"\ufffd": 1, "own": 2}},
    ),
    "a number beyond 64 bits": (
        b'"message": "", "x": 1' + b"0" * 30,
        {"attributes": {"x": 10**30}},
    ),
    "attributes 800 deep": (
        b'"message": "", "attributes": {"x": ' + b"[" * 400 + b"]" * 400 + b"}",
        {"message": ""},
    ),
}


@pytest.mark.parametrize(("members", "wanted"), ODD.values(), ids=ODD)
def test_an_odd_record_is_mended_and_stored(
    either_server: Server, session: str, members: bytes, wanted: Record
) -> None:
    body = b'[{"session_id": "' + session.encode() + b'", ' + members + b"}]"
    answer = either_server.report(body)
    assert answer.status_code == 202, answer.text[:300]
    assert answer.json()["accepted"] == 1
    (record,) = found(either_server, 1, session_id=session)
    assert record.items() >= wanted.items()


@pytest.mark.parametrize("value", ["1e999", "-1e999"])
def test_a_number_beyond_all_numbers_leaves_the_reply_valid_json(
    either_server: Server, session: str, value: str
) -> None:
    """A browser's JSON.parse reads 1e999, but not Python's `Infinity`."""
    body = (
        f'{{"message": "", "session_id": "{session}", "time": 1, "attributes": {{"x": {value}}}}}'
    )
    assert either_server.report(body.encode()).status_code == 202
    found(either_server, 1, session_id=session)
    text = either_server.get("/api/v1/logs", session_id=session).text
    assert "Infinity" not in text


@pytest.mark.parametrize(
    "sent_at",
    ["1e308", "-1e308", "9e18", "0", "1e999", '"0001-01-01T00:00:00Z"', '"soon"', "NaN", "{}"],
)
def test_a_batch_is_stored_whatever_the_device_takes_for_now(
    either_server: Server, session: str, sent_at: str
) -> None:
    record = f'{{"message": "m", "session_id": "{session}", "time": 1700000000}}'
    body = f'{{"sent_at": {sent_at}, "logs": [{record}]}}'
    assert either_server.report(body.encode()).json()["accepted"] == 1
    found(either_server, 1, session_id=session)


def test_a_message_of_5_mb_is_cut_and_flagged(either_server: Server, session: str) -> None:
    records = [
        {"message": "长" * 1_700_000, "session_id": session},
        {"message": "short", "session_id": session},
    ]
    body = json.dumps(records, ensure_ascii=False).encode()
    assert either_server.report(body).json()["accepted"] == 2
    short, long = sorted(
        found(either_server, 2, session_id=session), key=lambda record: len(record["message"])
    )
    assert long["truncated"] is True
    assert long["message"] == "长" * (65_536 // 3)
    assert "truncated" not in short


# The same batch again.


def test_the_idempotency_key_names_a_batch(either_server: Server, session: str) -> None:
    body = json.dumps([{"message": "once", "session_id": session}]).encode()
    receipts = [post(either_server, body, Idempotency_Key=session).json() for _ in range(3)]
    assert receipts == [{"accepted": 1, "rejected": [], "shed": 0, "batch_id": session}] * 3
    either_server.report([{"message": "next", "session_id": session}])
    assert wait_until(lambda: either_server.query(session_id=session, q="next"), "the next one")
    assert [r["message"] for r in found(either_server, 2, session_id=session)] == ["once", "next"]


def test_the_bodys_batch_id_goes_before_the_headers(either_server: Server, session: str) -> None:
    body = json.dumps({"batch_id": session, "logs": [{"message": "m"}]}).encode()
    assert post(either_server, body, Idempotency_Key="other").json()["batch_id"] == session


def test_a_batch_sent_50_times_at_once_is_stored_once_and_every_record_is_counted(
    either_server: Server, session: str
) -> None:
    app = either_server.manage("app", "create", session, "--json")
    good = [{"message": f"m{n}", "session_id": session} for n in range(20)]
    body = json.dumps({"batch_id": session, "logs": [*good, {"level": "info"}]}).encode()

    def send(_: int) -> int:  # each over its own connection, so both workers are asked
        headers = {"X-Redlog-Key": app["ingest_key"]}
        answer = requests.post(
            f"{either_server.url}/api/v1/logs", body, headers=headers, timeout=60
        )
        return int(answer.json()["accepted"])

    with ThreadPoolExecutor(50) as threads:
        assert list(threads.map(send, range(50))) == [20] * 50
    expected = {
        "received": 50 * 21,
        "stored": 20,
        "duplicate": 49 * 20,
        "rejected:missing_message": 50,
    }
    wait_until(lambda: either_server.totals(session).get("received", 0) >= 50 * 21, "the counters")
    assert either_server.totals(session) == expected
    found(either_server, 20, session_id=session)


def test_every_record_reported_is_stored_or_duplicate_or_rejected(
    either_server: Server, session: str
) -> None:
    for _ in range(2):
        body = {"batch_id": session, "logs": [{"message": "m"}, {"message": 1}]}
        assert either_server.report(body).status_code == 202
    either_server.wait_drained()
    app_id = either_server.app["id"]
    wait_until(
        lambda: either_server.totals().get("stored") == len(either_server.walk(app=app_id)),
        "the counters to say what is stored",
    )
    totals = either_server.totals()
    assert totals.pop("received") == sum(totals.values())
    assert totals.keys() >= {"stored", "duplicate", "rejected:invalid_message"}
