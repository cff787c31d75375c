"""Events of Splunk's HTTP Event Collector as records of ours."""

import json
from typing import Any

import pytest
from recorded.splunk import EVENTS, HANDLER, LOGGING

from exceptions import BadKey, NoGoodRecord, NotAccepting, TooLarge, UnreadableBody
from service.adapter.splunk import read, refuse, reply
from service.adapter.wire import Bad, Reply, Sent, Translated
from service.native_batch import batch_of

PATH = "/services/collector/event"


def records(body: bytes, path: str = PATH, **query: str) -> list[Any]:
    made = read(Sent(body, path, query=query))
    assert isinstance(made, Translated)
    return list(made.records)


ARRAY = json.dumps([HANDLER, LOGGING]).encode()
LINES = b"\n".join(json.dumps(each).encode() for each in (HANDLER, LOGGING))


@pytest.mark.parametrize("body", [EVENTS, ARRAY, LINES], ids=["joined", "array", "lines"])
def test_every_member_finds_its_place(body: bytes) -> None:
    assert records(body) == [
        {
            "message": "支付失败",
            "time": 1795168800123000,
            "attributes": {
                "host": "web-1",
                "index": "main",
                "source": "/app/pay.py",
                "sourcetype": "text",
            },
        },
        {
            "message": "almost out",
            "level": "warn",
            "time": 1795168801500000,
            "attributes": {
                "host": "phone-7",
                "source": "shop",
                "region": "cn",
                "text": "x",
                "order": 7,
            },
        },
    ]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (7, {"message": "7"}),
        (["a"], {"message": '["a"]'}),
        ({"a": 1}, {"message": '{"a":1}', "attributes": {"a": 1}}),
        ({"message": "m", "level": "error"}, {"message": "m", "level": "error"}),
    ],
)
def test_an_event_is_anything(event: Any, expected: Any) -> None:
    assert records(json.dumps({"event": event}).encode()) == [expected]


def test_raw_lines_are_told_of_by_the_query() -> None:
    made = records(b"a\n\n b\xff\r\n", "/services/collector/raw", host="h", time="1795168800")
    shared = {"time": 1795168800000000, "attributes": {"host": "h"}}
    assert made == [{"message": "a", **shared}, {"message": "b\ufffd", **shared}]


def test_a_torn_event_costs_no_other() -> None:
    good = b'{"event": "good"}'
    made = records(good + b'{"event": "to\n' + good + b"7" + good + b'{"event": }' + good + b"{}")
    assert [getattr(each, "reason", "good") for each in made] == [
        *("good", "invalid_json", "good", "not_an_object", "good"),
        *("invalid_json", "good", "missing_event"),
    ]


def test_torn_events_are_not_looked_for_for_ever() -> None:
    deep = b'{"k":[\n' * 300 + b"1," * 400_000
    made = records(deep)
    assert len(made) < 40 and all(isinstance(each, Bad) for each in made)


@pytest.mark.parametrize(
    ("body", "path"), [(b"", PATH), (b" \n", PATH), (b"", "/services/collector/raw")]
)
def test_without_an_event_there_is_nothing_to_keep(body: bytes, path: str) -> None:
    with pytest.raises(UnreadableBody) as refused:
        records(body, path)
    assert refuse(Sent(b""), refused.value).status == 400
    assert told(refuse(Sent(b""), refused.value)) == (5, "No data")


def test_no_more_is_made_than_may_be_stored() -> None:
    with pytest.raises(TooLarge):
        read(Sent(b'{"event":1}' * 11, PATH, max_records=10))


def told(answer: Reply) -> tuple[int, str]:
    body = json.loads(answer.body)
    return body["code"], body["text"]


def test_replies_are_splunks() -> None:
    translated = Translated([Bad("r", "why"), {"message": "m"}])
    assert told(reply(Sent(b""), translated, batch_of(translated, 9))) == (0, "Success")
    asked = Sent(b"", headers={"authorization": "Splunk x"})
    assert told(refuse(Sent(b""), BadKey())) == (2, "Token is required")
    assert told(refuse(asked, BadKey())) == (3, "Invalid authorization")
    assert told(refuse(asked, NotAccepting("full", 5))) == (9, "Server is busy")
    health = read(Sent(b"", "/services/collector/health/1.0", method="GET"))
    assert isinstance(health, Reply) and told(health) == (17, "HEC is healthy")
    ack = read(Sent(b"{}", "/services/collector/ack"))
    assert isinstance(ack, Reply) and (ack.status, *told(ack)) == (400, 14, "ACK is disabled")


@pytest.mark.parametrize(("body", "code"), [(b'{"event":""}', 13), (b"{}", 12), (b"{", 6)])
def test_of_nothing_good_the_first_is_named(body: bytes, code: int) -> None:
    translated = Translated(records(body))
    with pytest.raises(NoGoodRecord) as refused:
        reply(Sent(body), translated, batch_of(translated, 9))
    answer = refuse(Sent(body), refused.value)
    assert (answer.status, told(answer)[0]) == (400, code)
    assert json.loads(answer.body)["invalid-event-number"] == 0
