"""Bulks of Elasticsearch's clients as records of ours."""

import json
from typing import Any

import pytest
from recorded.elasticsearch import BULK, ECS, NDJSON, RSYSLOG

from exceptions import NoGoodRecord, RateLimited, TooLarge, UnreadableBody
from service.adapter.elasticsearch import read, refuse, reply
from service.adapter.wire import Bad, Reply, Sent, Translated
from service.native_batch import batch_of


def bulk(body: bytes, **more: Any) -> Translated:
    made = read(Sent(body, "/_bulk", **more))
    assert isinstance(made, Translated)
    return made


def items(body: bytes) -> tuple[bool, list[dict[str, Any]]]:
    """Whether anything failed, and what is told of each document."""
    made = bulk(body)
    answer = reply(Sent(body, "/_bulk"), made, batch_of(made, 100))
    told = json.loads(answer.body)
    return told["errors"], told["items"]


def lines(*values: Any) -> bytes:
    written = (each if isinstance(each, bytes) else json.dumps(each).encode() for each in values)
    return b"\n".join(written) + b"\n"


INDEX: dict[str, Any] = {"index": {}}


def test_every_member_finds_its_place() -> None:
    ecs, plain = bulk(BULK).records
    assert ecs == {
        "message": "支付失败",
        "time": "2026-11-20T10:00:00.123Z",
        "level": "error",
        "logger": "shop.pay",
        "release": "2.1.0",
        "environment": "prod",
        "trace_id": ECS["trace.id"],
        "span_id": "eee19b7ec3c1b174",
        "user_id": "u-1",
        "exception": {"type": "ValueError", "value": "no card", "stacktrace": "Traceback …"},
        "attributes": {
            "log": {"origin": {"function": "pay"}},
            "service": {"name": "shop"},
            "host.name": "web-1",
            "_index": "shop",
        },
    }
    assert plain == {
        "message": "started",
        "time": 1795168801500000,
        "level": "WARN",
        "attributes": {"pid": 7, "_index": "b", "_id": "7"},
    }


def test_blank_lines_are_passed_over_and_the_path_names_the_index() -> None:
    made = read(Sent(RSYSLOG, "/logs/_bulk", {"index": "logs"}))
    assert isinstance(made, Translated)
    assert list(made.records) == [
        {"message": "a", "time": 1795168800123000, "attributes": {"_index": "logs"}},
        {"message": "b", "attributes": {"_index": "logs"}},
    ]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, {"message": "{}"}),
        ({"n": 1}, {"message": '{"n":1}', "attributes": {"n": 1}}),
        ({"error": {"type": "E"}}, {"message": "E", "exception": {"type": "E"}}),
        ({"error": "broken"}, {"message": '{"error":"broken"}', "attributes": {"error": "broken"}}),
        ({"msg": "a", "message": "b"}, {"message": "b", "attributes": {"msg": "a"}}),
        ({"log": "a", "level": 30}, {"message": "a", "level": 9}),
        ({"msg": "a", "level": 17}, {"message": "a", "level": 17}),
        ({"msg": "a", "status": 200}, {"message": "a", "attributes": {"status": 200}}),
        ({"msg": "a", "level": True}, {"message": "a", "attributes": {"level": True}}),
        ({"msg": "a", "time": 0}, {"message": "a", "attributes": {"time": 0}}),
        ({"msg": "a", "ts": "soon"}, {"message": "a", "attributes": {"ts": "soon"}}),
        ({"msg": "a", "time": "1795168800.5"}, {"message": "a", "time": 1795168800500000}),
        ({"msg": "a", "trace": {"id": "t"}}, {"message": "a", "trace_id": "t"}),
        ({"msg": "a", "user_id": 7}, {"message": "a", "user_id": "7"}),
        ({"msg": "a", "user_id": {"x": 1}}, {"message": "a", "attributes": {"user_id": {"x": 1}}}),
        ({"msg": "a", "exc_info": True}, {"message": "a", "attributes": {"exc_info": True}}),
        ({"msg": "a", "stack": "at"}, {"message": "a", "exception": {"stacktrace": "at"}}),
        ({"msg": "a", "env": "e" * 130}, None),
    ],
)
def test_names_and_values_of_all_kinds_are_understood(document: Any, expected: Any) -> None:
    (record,) = bulk(lines(INDEX, document)).records
    if expected is None:
        expected = {"message": "a", "environment": "e" * 128}
        expected["attributes"] = {"environment": "e" * 130}
    assert record == expected


def test_each_document_is_told_of_in_its_order() -> None:
    failed, told = items(BULK)
    assert not failed
    kinds = [(kind, one["_index"], one["status"]) for item in told for kind, one in item.items()]
    assert kinds == [("create", "shop", 201), ("index", "b", 201)]
    assert told[1]["index"]["_id"] == "7" and told[0]["create"]["_id"]


def test_what_is_bad_costs_no_other() -> None:
    good = {"message": "good"}
    body = lines(INDEX, b"{torn", INDEX, good, b"garbage", good, INDEX, good, b"{}", INDEX, good)
    body += lines({"delete": {"_id": 3}}, {"update": {"_id": 3}}, {"doc": good}, INDEX, good, INDEX)
    failed, told = items(body)
    assert failed
    kinds = [(kind, one["status"]) for item in told for kind, one in item.items()]
    index, bad = ("index", 201), ("index", 400)
    rest = [("delete", 400), ("update", 400), index, bad]
    assert kinds == [bad, index, bad, index, bad, index, *rest]
    assert told[0]["index"]["error"]["type"] == "mapper_parsing_exception"
    assert told[0]["index"]["error"]["reason"].startswith("invalid_json: ")


def test_the_same_bulk_has_the_same_key_if_its_documents_are_told_apart() -> None:
    assert bulk(BULK).batch_key == bulk(BULK).batch_key != ""
    assert bulk(lines({"index": {"_id": 1}}, {"msg": "m"})).batch_key != ""
    assert bulk(RSYSLOG).batch_key == ""


@pytest.mark.parametrize("body", [b"", b"\n \n"])
def test_without_a_line_there_is_nothing_to_do(body: bytes) -> None:
    with pytest.raises(UnreadableBody):
        bulk(body)


def test_no_more_is_made_than_may_be_stored() -> None:
    with pytest.raises(TooLarge):
        bulk(lines(INDEX, {}) * 11, max_records=10)
    with pytest.raises(TooLarge):
        bulk(lines(INDEX, b"[" + b"{}," * 500_000 + b"{}]"), max_records=10)


def test_a_single_document_is_stored_and_told_of() -> None:
    sent = Sent(b'{"message": "m"}', "/logs/_doc/7", {"index": "logs", "id": "7"})
    made = read(sent)
    assert isinstance(made, Translated)
    assert list(made.records) == [{"message": "m", "attributes": {"_index": "logs", "_id": "7"}}]
    answer = reply(sent, made, batch_of(made, 10))
    told = json.loads(answer.body)
    assert (answer.status, told["_index"], told["_id"], told["result"]) == (
        201,
        "logs",
        "7",
        "created",
    )
    bad = read(sent._replace(body=b"{"))
    assert isinstance(bad, Translated) and isinstance(bad.records[0], Bad)
    with pytest.raises(NoGoodRecord) as refused:
        reply(sent, bad, batch_of(bad, 10))
    assert refuse(sent, refused.value).status == 400


PROBES = {
    "/": "tagline",
    "/_license": "license",
    "/_refresh": "_shards",
}


@pytest.mark.parametrize(("path", "member"), PROBES.items())
def test_clients_are_told_who_we_are(path: str, member: str) -> None:
    answer = read(Sent(b"", path, method="GET"))
    assert isinstance(answer, Reply)
    assert (member in json.loads(answer.body), answer.status) == (True, 200)
    assert read(Sent(b"", "/_ilm/policy/x", {"name": "x"})) == answer._replace(body=b"{}")


def test_an_index_is_refreshed_by_doing_nothing() -> None:
    answer = read(Sent(b"", "/shop/_refresh", {"index": "shop"}, method="GET"))
    assert isinstance(answer, Reply) and json.loads(answer.body)["_shards"]["failed"] == 0
    named = Sent(b'{"m":1}', "/shop/_doc/_refresh", {"index": "shop", "id": "_refresh"})
    assert isinstance(read(named), Translated)


@pytest.mark.parametrize("media", [NDJSON["Content-Type"], "", "text/html"])
def test_all_answers_are_of_the_product_in_the_form_that_was_asked_for(media: str) -> None:
    asked = "application/vnd.elasticsearch+json; compatible-with=9" if "vnd" in media else media
    sent = Sent(b"", "/_bulk", headers={"accept": asked})
    answer = refuse(sent, RateLimited("slowly", 7))
    assert answer.headers == {"X-Elastic-Product": "Elasticsearch"}
    assert answer.media == (asked if "vnd" in media else "application/json")
    told = json.loads(answer.body)
    assert told["error"]["type"] == "es_rejected_execution_exception"
    assert (told["status"], told["error"]["reason"]) == (429, "rate_limited: slowly")
