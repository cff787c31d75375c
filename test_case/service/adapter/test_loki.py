"""Loki's pushes as records of ours, the same from JSON and from protobuf."""

import json
from typing import Any

import pytest
from recorded.loki import BODY, JSON, NS, PACKED, PINO, PUSH, entry, packed, part, stream

from exceptions import NoGoodRecord, RateLimited, TooLarge, UnreadableBody
from service.adapter.loki import read, refuse, reply
from service.adapter.wire import Bad, Reply, Sent, Translated
from service.native_batch import batch_of

TIME = 1795168800123456
SHARED = {"service_name": "shop", "pod": "p-1"}


def of_json(*values: Any, **labels: Any) -> list[Any]:
    body = json.dumps({"streams": [{"stream": labels, "values": values}]}).encode()
    return list(read(Sent(body)).records)


@pytest.mark.parametrize("body", [BODY, PACKED], ids=["json", "protobuf"])
def test_every_part_finds_its_place(body: bytes) -> None:
    pino, plain, python = read(Sent(body)).records
    assert pino == {
        "message": "支付失败",
        "time": TIME,
        "level": "error",
        "environment": "prod",
        "exception": {
            "type": "TypeError",
            "value": "no card",
            "stacktrace": "TypeError: no card\n at pay",
        },
        "attributes": {"time": PINO["time"], "pid": 7, "order": 7, **SHARED},
    }
    assert plain == {
        "message": "plain 支付",
        "time": TIME,
        "level": "error",
        "environment": "prod",
        "trace_id": "5b8efff798038103d269b633813fc60c",
        "exception": {"stacktrace": "at"},
        "attributes": SHARED,
    }
    assert python == {
        "message": "almost out",
        "time": 1795168801000000,
        "level": "warning",
        "logger": "shop.pay",
        "attributes": {"job": "shop"},
    }


@pytest.mark.parametrize(
    ("line", "labels", "expected"),
    [
        ("{}", {}, {"message": "{}"}),
        ("{torn", {}, {"message": "{torn"}),
        ('{"level": 40}', {}, {"message": '{"level": 40}', "level": 13}),
        ('{"msg": "m", "level": "x"}', {}, {"message": "m", "attributes": {"level": "x"}}),
        ('{"msg": {"a": 1}}', {}, {"message": '{"a":1}'}),
        ("m", {"detected_level": "unknown"}, {"attributes": {"detected_level": "unknown"}}),
        ("m", {"level": "warn", "detected_level": "info"}, {"level": "warn"}),
        ("m", {"env": "e" * 130}, {"environment": "e" * 128}),
    ],
)
def test_lines_and_labels_say_what_they_can(line: str, labels: Any, expected: Any) -> None:
    (record,) = of_json([NS, line], **labels)
    assert {**record, **({"message": line} | expected), "time": TIME} == record


def test_a_bad_line_costs_no_other() -> None:
    bad: tuple[Any, ...] = ([1795168800123456789, "a number"], ["soon", "m"], ["1"], {}, [NS, 1])
    made = of_json([NS, "good"], *bad, [NS, "good", {"k": 1}, "more"], [NS, "\ud800"])
    assert [type(each) for each in made] == [dict, *[Bad] * 5, dict, dict]


def test_a_bad_entry_in_protobuf_costs_no_other() -> None:
    good = entry(1, b"\xff m")
    body = packed(stream('{a="b"}', good, part(2, b"\xff"), part(2, bytes(2**20 + 1)), good))
    made = read(Sent(body)).records
    assert [type(each) for each in made] == [dict, Bad, Bad, dict]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ('{a="1", b = "2"}', {"a": "1", "b": "2"}),
        ('{a="x\\"\\n\\\\", b="\\x00"}', {"a": 'x"\n\\', "b": "\\x00"}),
        ('{a.b="支付"}', {"a.b": "支付"}),
        ("{}", {}),
        ('{a="1', {"labels": '{a="1'}),
    ],
)
def test_labels_are_read_as_prometheus_writes_them(labels: str, expected: Any) -> None:
    (record,) = read(Sent(packed(stream(labels, entry(1, "m"))))).records
    assert not isinstance(record, Bad)
    assert record.get("attributes", {}) == expected


def test_the_same_push_has_the_same_key_if_its_lines_have_times() -> None:
    assert read(Sent(BODY)).batch_key == read(Sent(BODY)).batch_key != ""
    body = json.dumps({"streams": [{"values": [["0", "m"]]}]}).encode()
    assert read(Sent(body)).batch_key == ""


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b"", ""),
        (b"", "application/json"),
        (b"[]", "application/json"),
        (BODY[:-1], ""),
        (PACKED[:-1], ""),
        (BODY, "application/x-protobuf"),
        (packed(b"\xff"), ""),
        (b'{"streams": {}}', ""),
    ],
)
def test_what_is_no_push_is_refused(body: bytes, media: str) -> None:
    with pytest.raises((UnreadableBody, ValueError)):
        read(Sent(body, headers={"content-type": media}))


def test_a_snappy_block_shows_how_large_it_is_before_it_is_inflated() -> None:
    bomb = packed(bytes(20 * 2**20))
    assert len(bomb) < 2**20
    with pytest.raises(TooLarge):
        read(Sent(bomb))


@pytest.mark.parametrize("media", [JSON["Content-Type"], "application/x-protobuf"])
def test_labels_are_not_copied_into_more_lines_than_there_is_room_for(media: str) -> None:
    labels, many = {"a": "x" * 2**20}, 20_000
    if "json" in media:
        push = {"streams": [{"stream": labels, "values": [["1", ""]] * many}]}
        body = json.dumps(push).encode()
    else:
        body = packed(stream(f'{{a="{labels["a"]}"}}', *[entry(1, "")] * many))
    with pytest.raises(TooLarge):
        read(Sent(body, headers={"content-type": media}))


@pytest.mark.parametrize("body", [BODY, PACKED], ids=["json", "protobuf"])
def test_no_more_is_made_than_may_be_stored(body: bytes) -> None:
    with pytest.raises(TooLarge):
        read(Sent(body, max_records=2))


def test_anything_good_is_a_success_and_nothing_good_none() -> None:
    translated = Translated([Bad("r", "why"), {"message": "m"}])
    assert reply(Sent(b""), translated, batch_of(translated, 10)) == Reply(204)
    translated = Translated([Bad("r", "why")])
    with pytest.raises(NoGoodRecord) as refused:
        reply(Sent(b""), translated, batch_of(translated, 10))
    assert refuse(Sent(b""), refused.value).status == 400
    assert refuse(Sent(b""), RateLimited("slowly", 7)).body == b"rate_limited: slowly\n"


def test_the_sample_has_streams() -> None:
    assert [len(each["values"]) for each in PUSH["streams"]] == [2, 1]
