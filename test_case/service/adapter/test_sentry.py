"""What Sentry's SDKs send, as records of ours."""

import json
from typing import Any

import pytest
from recorded.sentry import (
    ALL,
    BROWSER,
    CLIENT_REPORT,
    EVENT,
    EVENT_ID,
    FEEDBACK,
    FILE,
    FRAMES,
    HEADERS,
    LOGS,
    SPAN,
    TRACE,
    envelope,
)

from exceptions import BadKey, NoGoodRecord, RateLimited, TooLarge, UnreadableBody
from service.adapter.sentry import keys_of, read, refuse, reply
from service.adapter.wire import Bad, Reply, Sent, Translated
from service.attachments import NOT_KEPT
from service.native_batch import batch_of

ENVELOPE = "/api/1/envelope/"


def translated(body: bytes, path: str = ENVELOPE) -> Translated:
    made = read(Sent(body, path, address="192.0.2.7"))
    assert isinstance(made, Translated)
    return made


def record_of(event: dict[str, Any], kind: str = "event") -> dict[str, Any]:
    (record,) = translated(envelope({}, ({"type": kind}, event))).records
    assert isinstance(record, dict)
    return record


def answered(made: Translated) -> Reply:
    return reply(Sent(b""), made, batch_of(made, 1000))


# Envelopes.


def test_every_kind_of_item_is_read_and_the_unknown_passed_over() -> None:
    made = translated(ALL)
    assert [
        each["message"] if isinstance(each, dict) else each.reason for each in made.records
    ] == [
        "payment of 茶 failed",
        "almost out of 茶",
        "gone",
        "session crashed",
        "sessions: 3 exited, 1 crashed",
        "it broke",
    ]
    assert (made.batch_key, made.sent_at) == (EVENT_ID, HEADERS["sent_at"])
    assert made.lost == {"network_error": 3, "ratelimit_backoff": 20, "other": 1}
    assert batch_of(made, 100).count == 6


def test_items_without_a_length_end_with_their_line() -> None:
    made = translated(BROWSER)
    assert [each["message"] for each in made.records] == ["hello", "session ok"]
    assert translated(BROWSER.rstrip(b"\n")).records == made.records


def test_a_torn_envelope_keeps_what_came_whole() -> None:
    whole = len(translated(ALL).records)
    torn = translated(ALL[:-3])
    assert len(torn.records) == whole
    assert isinstance(torn.records[5], Bad) and torn.records[5].reason == "invalid_item"
    assert batch_of(torn, 100).count == 5


@pytest.mark.parametrize("length", [-1, 10**9, 99])
def test_a_length_that_lies_costs_nothing_before_it(length: int) -> None:
    good = envelope({}, ({"type": "event"}, {"message": "m"}))
    made = translated(good + b'{"type":"event","length":%d}\n{}' % length)
    assert [getattr(each, "reason", "good") for each in made.records] == ["good", "invalid_item"]


def test_an_item_that_is_no_object_costs_no_other() -> None:
    parts = [({"type": kind}, payload) for kind in ("event", "log") for payload in (b"[]", b"{", 7)]
    made = translated(envelope({}, *parts, ({"type": "event"}, {"message": "m"})))
    assert (batch_of(made, 100).count, batch_of(made, 100).rejected[-1].index) == (1, 5)


@pytest.mark.parametrize("body", [b"", b"\n", b"{", b"x\n{}", b"\xff\n"])
def test_what_is_no_envelope_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableBody):
        translated(body)


def test_there_are_only_so_many_items() -> None:
    with pytest.raises(TooLarge):
        translated(b"{}" + b"\n{}\n" * 1001)


def test_an_envelope_of_nothing_that_is_kept_is_good() -> None:
    for body in (b"{}", b"{}\n", envelope({}, ({"type": "span"}, {"items": []}))):
        made = translated(body)
        assert (made.records, made.batch_key, answered(made).status) == ([], "", 200)


# Events.


def test_every_member_of_an_event_finds_its_place() -> None:
    assert record_of(EVENT) == {
        "message": "payment of 茶 failed",
        "level": "error",
        "time": EVENT["timestamp"],
        "logger": "shop.pay",
        "release": "2.1.0",
        "environment": "prod",
        "platform": "python",
        "user_id": "u-1",
        "trace_id": TRACE,
        "span_id": SPAN,
        "exception": {
            "type": "ValueError",
            "value": "no card",
            "module": "shop",
            "mechanism": {"type": "logging", "handled": True},
            "stacktrace": FRAMES,
            "causes": [{"type": "KeyError", "value": "'card'", "stacktrace": FRAMES[:1]}],
        },
        "attributes": {
            "event_id": EVENT_ID,
            "extra": {"order": 7},
            "transaction": "pay",
            "server_name": "web-1",
            "logentry": {"message": "payment of %s failed", "params": ["茶"]},
            "tags": {"page": "pay"},
            "contexts": {
                "runtime": {"name": "CPython", "version": "3.11.7"},
                "trace": {"op": "http.server"},
            },
            "breadcrumbs": [{"type": "log", "category": "shop", "message": "crumb"}],
            "user": {"email": "a@b.example", "ip_address": "192.0.2.7"},
            "sdk": "sentry.python 2.75.0",
        },
    }


def test_a_message_of_a_browser_has_a_stack_and_no_exception() -> None:
    record = translated(BROWSER).records[0]
    assert isinstance(record, dict)
    assert record["exception"] == {"stacktrace": FRAMES[:1]}
    assert (record["level"], record["platform"]) == ("log", "Android")
    assert (record["device_id"], record["session_id"]) == ("d-1", "r")
    attributes = record["attributes"]
    assert (attributes["tags"], attributes["platform"]) == ({"page": "pay"}, "javascript")
    assert attributes["breadcrumbs"] == [{"category": "ui.click"}]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"exception": {"values": [{"type": "E", "value": "v"}]}}, "E: v"),
        ({"exception": [{"type": "E"}]}, "E"),
        ({"exception": [{"module": "m"}]}, "error"),
        ({"logentry": {"message": "a %s", "params": ["b", "c"]}}, "a b"),
        ({"logentry": {"message": "a %s %d %999999999d", "params": [1]}}, "a 1 %d %999999999d"),
        ({"logentry": {"formatted": "f", "message": "m"}}, "f"),
        ({"message": {"message": "old"}}, "old"),
        ({"message": ["x"]}, '["x"]'),
        ({"transaction": "GET /"}, "GET /"),
        ({}, "event"),
    ],
)
def test_the_message_is_what_says_most(event: dict[str, Any], message: str) -> None:
    assert record_of(event)["message"] == message


def test_a_native_crash_has_the_stack_of_its_thread() -> None:
    threads = [{"id": 1}, {"id": 2, "crashed": True, "stacktrace": {"frames": FRAMES}}]
    assert record_of({"threads": {"values": threads}})["exception"] == {"stacktrace": FRAMES}
    assert record_of({"stacktrace": {"frames": FRAMES}})["exception"] == {"stacktrace": FRAMES}


def test_a_level_that_is_none_of_ours_is_kept_beside() -> None:
    record = record_of({"message": "m", "level": "sample"})
    assert (record["level"], record["attributes"]["level"]) == ("error", "sample")
    assert record_of({"message": "m"}, "feedback")["level"] == "info"


def test_what_somebody_wrote_is_the_message() -> None:
    record = record_of(FEEDBACK, "feedback")
    assert (record["message"], record["logger"]) == ("it broke", "sentry.feedback")
    kept = record["attributes"]["contexts"]["feedback"]
    assert (kept["name"], kept["associated_event_id"]) == ("Ada", EVENT_ID)


def test_anything_may_stand_anywhere() -> None:
    for value in (7, "x", [], [7], {}, {"values": 7}, True, None, [[1]], [{"x": 1}]):
        for name in EVENT:
            made = translated(envelope({}, ({"type": "event"}, {**EVENT, name: value})))
            assert batch_of(made, 10).count == 1, (name, value)


def test_an_event_alone_has_its_id_too() -> None:
    made = translated(json.dumps(EVENT).encode(), "/api/1/store/")
    assert (made.batch_key, len(made.records)) == (EVENT_ID, 1)
    made = translated(json.dumps({**EVENT, "event_id": "x"}).encode(), "/api/1/store/")
    assert made.batch_key.startswith("sentry:")


def test_what_is_neither_named_nor_dated_may_come_twice() -> None:
    undated = {"items": [{"body": "a"}]}
    assert translated(envelope({}, ({"type": "log"}, undated))).batch_key == ""
    assert translated(envelope({}, ({"type": "log"}, LOGS))).batch_key.startswith("sentry:")
    of_another = ({"type": "user_report"}, {"comments": "c"})
    assert translated(envelope(HEADERS, of_another)).batch_key == ""


# Logs and the rest.


def test_attributes_of_a_log_find_their_places() -> None:
    first, second = translated(envelope({}, ({"type": "log"}, LOGS))).records
    assert first == {
        "message": "almost out of 茶",
        "level": 14,
        "time": 1795168800.25,
        "logger": "shop.pay",
        "release": "2.1.0",
        "environment": "prod",
        "user_id": "u-1",
        "trace_id": TRACE,
        "span_id": SPAN,
        "attributes": {"order": 7},
    }
    assert second == {"message": "gone", "level": "fatal", "time": 1795168801.25}


def test_a_log_without_a_body_is_rejected_alone() -> None:
    items = {"items": [{"body": "a"}, {"level": "info"}, 7, {"body": "b", "attributes": [1]}]}
    batch = batch_of(translated(envelope({}, ({"type": "log"}, items))), 10)
    assert (batch.count, [each.index for each in batch.rejected]) == (2, [1, 2])


def test_sessions_tell_how_they_went() -> None:
    one, many = (each for each in translated(ALL).records[3:5])
    assert isinstance(one, dict) and isinstance(many, dict)
    assert (one["level"], one["session_id"], one["device_id"]) == ("fatal", "s-1", "u-1")
    assert "ip_address" not in one["attributes"] and one["attributes"]["user_agent"] == "Mozilla"
    assert (one["release"], one["attributes"]["duration"]) == ("2.1.0", 3600.0)
    assert (many["attributes"], many["logger"]) == ({"exited": 3, "crashed": 1}, "sentry.session")


@pytest.mark.parametrize(
    "event",
    [
        *({"quantity": -1}, {"quantity": "3"}, {"quantity": 0}, {"category": "span"}),
        {"category": ["error"]},
    ],
)
def test_losses_are_counted_only_when_they_can_be(event: dict[str, Any]) -> None:
    loss = {**CLIENT_REPORT["discarded_events"][0], **event}  # type: ignore[index]
    made = translated(envelope({}, ({"type": "client_report"}, {"discarded_events": [loss, 7]})))
    assert made.lost == {}


# Files.


def test_files_come_with_the_first_record() -> None:
    made = translated(ALL)
    (file,) = made.files
    assert file.record is made.records[0] and file.content == FILE
    assert file.about == {"filename": "a.txt", "content_type": "text/plain", "bytes": 5}
    assert file.record["attributes"]["attachments"] == [file.about]


def test_a_file_that_comes_alone_has_a_record() -> None:
    made = translated(envelope(HEADERS, ({"type": "attachment"}, b"x")))
    (record,) = made.records
    assert isinstance(record, dict)
    assert record["attributes"] == {"event_id": EVENT_ID, "attachments": [{"bytes": 1}]}
    assert (answered(made).status, batch_of(made, 10).count) == (200, 1)


def test_a_file_that_is_not_kept_is_no_mistake_of_the_client() -> None:
    made = translated(envelope(HEADERS, ({"type": "attachment"}, b"x")))
    made = made._replace(records=[Bad(NOT_KEPT, "a file")])
    answer = answered(made)
    assert answer.status == 200
    assert answer.headers == {"X-Sentry-Rate-Limits": "3600:attachment:key:not_kept"}


# Replies.


def test_the_reply_names_the_event_and_what_need_not_come() -> None:
    answer = answered(translated(ALL))
    assert (answer.status, json.loads(answer.body)) == (200, {"id": EVENT_ID})
    told = "3600:transaction:key:not_kept"
    assert answer.headers == {"X-Sentry-Rate-Limits": told}
    assert answered(translated(BROWSER)).headers == {}


def test_when_nothing_was_good_it_is_told() -> None:
    with pytest.raises(NoGoodRecord):
        answered(translated(envelope({}, ({"type": "event"}, b"{"))))


def test_a_refusal_says_which_categories_wait_for_how_long() -> None:
    answer = refuse(Sent(b""), RateLimited("too much", 7))
    assert answer.status == 429
    seconds, categories, scope, reason = answer.headers["X-Sentry-Rate-Limits"].split(":")
    assert (seconds, scope, reason) == ("7", "key", "rate_limited")
    assert {"default", "error", "log_item"} <= set(categories.split(";"))
    assert "transaction" not in categories
    assert json.loads(answer.body) == {"detail": "rate_limited: too much", "causes": []}
    assert "X-Sentry-Rate-Limits" not in refuse(Sent(b""), BadKey()).headers


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        (b'{"dsn":"https://rlk_a1@h/2"}\n', ["rlk_a1"]),
        (b'{"dsn":"https://rlk_a1:rlk_secret@h:9/2"}', ["rlk_a1"]),
        (b'{"dsn":"https://abc@h/2"}', []),
        (b'{"event_id":"x"}\n{"dsn":"https://rlk_a1@h/2"}', []),
        *((b'{"dsn":7}', []), (b'{"dsn":', []), (b'["dsn"]', []), (b'{"dsn":"//[rlk_1@"}', [])),
    ],
)
def test_a_tunnel_sends_the_key_in_its_dsn(body: bytes, keys: list[str]) -> None:
    assert list(keys_of(Sent(body, "/tunnel"))) == keys
