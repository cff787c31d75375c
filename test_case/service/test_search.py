"""Pages and cursors, records and counts, over a store on the disk."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from node import Node, raw_frame

from database.log_store import LogStore
from database.stores import open_store
from exceptions import BadCursor, BadParameter, NotFound, Problem
from service import counts, search
from service.parameters import FACET_OPTIONS, HISTOGRAM_OPTIONS, LIST_OPTIONS, Query, parse_query
from utils.clock import DAY, SECOND, day_of, format_time, now_us
from utils.record import Form, dumps

OPTIONS = LIST_OPTIONS | HISTOGRAM_OPTIONS | FACET_OPTIONS
BEGIN = now_us() // DAY * DAY - 2 * DAY  # all is well within the bounds of time
TODAY = day_of(BEGIN + 2 * DAY)
FULL: dict[str, Any] = {
    "message": "磁盘 full",
    "time": BEGIN,
    "level": "fatal",
    "seq": 0,
    "user_id": "u",
    "exception": {"type": "E", "stacktrace": ["f"]},
    "attributes": {"big": 123456789012345678901234567890, "s": "中"},
}
RECORDS: list[dict[str, Any]] = [
    FULL,
    *({"message": f"m{n}", "time": BEGIN + n * SECOND, "level": n % 24 + 1} for n in range(1, 10)),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogStore]:
    """Ten records of app 1, a second apart, and one of app 2."""
    node = Node(tmp_path_factory.mktemp("node"))
    received = BEGIN + 2 * DAY
    node.write_segment(
        raw_frame(json.dumps(RECORDS).encode(), len(RECORDS), at=received),
        raw_frame(b'{"message": "other"}', at=received, app_id=2, form=Form.RECORD),
    )
    node.drain()
    yield node.store
    node.close()


def query(apps: tuple[int, ...] = (1,), **parameters: Any) -> Query:
    pairs = [(name.removesuffix("_"), str(value)) for name, value in parameters.items()]
    return parse_query(pairs, OPTIONS, apps, (1, 2))


def found(store: LogStore, **parameters: Any) -> dict[str, Any]:
    """A page as a client reads it."""
    return dict(json.loads(dumps(search.find(query(**parameters), store))))


def messages(page: dict[str, Any]) -> list[str]:
    return [record["message"] for record in page["logs"]]


ORDERED = [record["message"] for record in RECORDS]


# Records.


def test_a_record_shows_what_is_set_and_nothing_else(store: LogStore) -> None:
    first, second, *_ = found(store, order="oldest")["logs"]
    assert first == {
        **FULL,
        "id": f"{TODAY}-1",
        "app": 1,
        "time": format_time(BEGIN),
        "received_at": format_time(BEGIN + 2 * DAY),
        "level": "fatal",
        "severity": 21,
    }
    assert set(second) == {"id", "app", "time", "received_at", "level", "severity", "message"}


def test_one_record_by_its_id(store: LogStore) -> None:
    for record in found(store)["logs"]:
        shown = dumps(search.find_one(record["id"], (1,), store))
        assert json.loads(shown) == record


@pytest.mark.parametrize(
    "public_id",
    [
        "",
        "-",
        "1",
        TODAY,
        f"{TODAY}-",
        f"{TODAY}-0",
        f"{TODAY}-999",
        f"{TODAY}--1",
        f"{TODAY}-1.0",
        f"{TODAY}-1-1",
        f"{TODAY}- 1",
        f"{TODAY}-١",
        f"{TODAY}-{'0' * 17}12",
        f"{TODAY}-{10**18}",
        f"{TODAY}-{'9' * 5000}",
        "19991231-1",
        "20261399-1",
        "../../x-1",
        "٢٠٢٦١١٢٠-1",
    ],
)
def test_what_is_no_record(store: LogStore, public_id: str) -> None:
    with pytest.raises(NotFound) as caught:
        search.find_one(public_id, (1, 2), store)
    assert len(caught.value.detail) < 100


def test_a_record_of_another_app_is_not_found(store: LogStore) -> None:
    (other,) = json.loads(dumps(search.find(query((2,)), store)))["logs"]
    assert search.find_one(other["id"], (1, 2), store)["message"] == "other"
    for apps in ((1,), ()):
        with pytest.raises(NotFound):
            search.find_one(other["id"], apps, store)


def around(store: LogStore, **nearby: Any) -> list[str]:
    """The messages around m5, with those before and after it in one line."""
    (record,) = found(store, q="m5")["logs"]
    reply = search.find_around(record["id"], search.Nearby(**nearby), (1,), store)
    assert reply["log"]["message"] == "m5"
    assert set(reply) == {"before", "log", "after"}
    return [each["message"] for each in (*reply["before"], reply["log"], *reply["after"])]


def test_a_record_with_those_before_and_after_it(store: LogStore) -> None:
    assert around(store, before=2, after=1) == ["m3", "m4", "m5", "m6"]
    assert around(store, before=0, after=0) == ["m5"]
    assert around(store) == ORDERED
    with pytest.raises(BadParameter, match="the record has no session_id"):
        around(store, within="session")
    (other,) = found(store, q="other", apps=(2,))["logs"]
    with pytest.raises(NotFound):
        search.find_around(other["id"], search.Nearby(), (1,), store)


def test_the_context_of_a_session_is_of_that_session(tmp_path: Path) -> None:
    node = Node(tmp_path)
    records = [{"message": f"{n}", "time": BEGIN, "session_id": "ab"[n % 2]} for n in range(9)]
    node.write_segment(raw_frame(json.dumps(records).encode(), 9, at=BEGIN))
    node.write_segment(
        raw_frame(b'{"message": "x", "session_id": "a"}', app_id=2, form=Form.RECORD)
    )
    node.drain()
    (record,) = found(node.store, q="4")["logs"]
    reply = search.find_around(record["id"], search.Nearby(1, 9, "session"), (1, 2), node.store)
    assert [each["message"] for each in reply["before"] + reply["after"]] == ["2", "6", "8"]
    node.close()


# Pages and cursors.


@pytest.mark.parametrize("limit", [1, 3, 5, 9, 10, 11])
@pytest.mark.parametrize("order", ["oldest", "newest"])
def test_a_walk_visits_each_record_once(store: LogStore, order: str, limit: int) -> None:
    seen: list[str] = []
    cursor: dict[str, str] = {}
    pages = 0
    while True:
        page = found(store, order=order, limit=limit, **cursor)
        seen += messages(page)
        pages += 1
        if page["next_cursor"] is None:
            break
        assert len(page["logs"]) == limit
        cursor = {"cursor": page["next_cursor"]}
    assert seen == (ORDERED if order == "oldest" else ORDERED[::-1])
    assert pages == -(-len(RECORDS) // limit)


def test_nothing_found_is_an_empty_page(store: LogStore) -> None:
    assert found(store, q="nowhere") == {"logs": [], "next_cursor": None}


def test_the_limit_may_change_from_page_to_page(store: LogStore) -> None:
    cursor = found(store, limit=2)["next_cursor"]
    assert messages(found(store, limit=3, cursor=cursor)) == ORDERED[::-1][2:5]


@pytest.mark.parametrize(
    "other",
    [
        {"q": "m"},
        {"order": "oldest"},
        {"app": 1},
        {"level": "info"},
        {"user_id": "u"},
        {"attr.s": "中"},
        {"from_": BEGIN},
    ],
)
def test_a_cursor_of_another_query_is_refused(store: LogStore, other: dict[str, Any]) -> None:
    cursor = found(store, limit=2)["next_cursor"]
    with pytest.raises(BadCursor, match="another query"):
        found(store, limit=2, cursor=cursor, **other)
    theirs = found(store, limit=1, **other)["next_cursor"]
    if theirs is not None:
        with pytest.raises(BadCursor, match="another query"):
            found(store, cursor=theirs)


def forged(store: LogStore, **changed: Any) -> str:
    """A cursor as we write them, with parts of it changed."""
    text = found(store, limit=2)["next_cursor"]
    parts = msgspec.msgpack.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    places = {"fingerprint": 0, "time": 1, "day": 2, "id": 3}
    for name, value in changed.items():
        parts[places[name]] = value
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(parts)).decode().rstrip("=")


def test_a_cursor_put_together_again_is_the_same(store: LogStore) -> None:
    assert forged(store) == found(store, limit=2)["next_cursor"]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("fingerprint", b""),
        ("fingerprint", b"123456"),
        ("fingerprint", "text"),
        ("time", 2**63),
        ("time", 2**64 - 1),
        ("time", -1),
        ("time", "0"),
        ("time", 1.5),
        ("time", None),
        ("day", 5),
        ("day", None),
        ("id", 2**63),
        ("id", -1),
        ("id", []),
    ],
)
def test_a_forged_cursor_is_refused(store: LogStore, part: str, value: Any) -> None:
    with pytest.raises(BadCursor) as caught:
        found(store, cursor=forged(store, **{part: value}))
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("part", "value"), [("time", 2**63 - 1), ("id", 2**63 - 1), ("day", ""), ("day", "x" * 500)]
)
def test_a_forged_position_harms_nothing(store: LogStore, part: str, value: Any) -> None:
    page = found(store, limit=1000, cursor=forged(store, **{part: value}))
    assert set(messages(page)) <= set(ORDERED)


@pytest.mark.parametrize("text", ["", "x", "=", "....", "AAAA", "中文", "é", "\ud800", "A" * 5000])
def test_what_is_no_cursor_is_refused(store: LogStore, text: str) -> None:
    with pytest.raises(BadCursor):
        found(store, cursor=text)


def test_a_cursor_cut_or_made_longer_is_refused(store: LogStore) -> None:
    cursor = found(store, limit=2)["next_cursor"]
    for cut in range(len(cursor)):
        with pytest.raises(BadCursor):
            found(store, cursor=cursor[:cut])
    for more in ("AA", "AAAA", cursor):
        with pytest.raises(BadCursor):
            found(store, cursor=cursor + more)


@given(st.text() | st.binary().map(lambda b: base64.urlsafe_b64encode(b).decode()))
def test_any_cursor_is_read_or_refused(store: LogStore, text: str) -> None:
    try:
        found(store, cursor=text)
    except Problem as problem:
        assert problem.status == 400


# Counts.


def counted(store: LogStore, **parameters: Any) -> dict[str, Any]:
    return counts.histogram(query(**parameters), store)


def test_counts_by_time_and_level(store: LogStore) -> None:
    reply = counted(store, from_=BEGIN, to=BEGIN + 10 * SECOND, interval="5s")
    assert (reply["from"], reply["to"]) == (format_time(BEGIN), format_time(BEGIN + 10 * SECOND))
    assert reply["interval"] == 5
    assert reply["buckets"] == [
        {
            "time": format_time(BEGIN),
            "total": 5,
            "counts": {"trace": 3, "debug": 1, "fatal": 1},
        },
        {"time": format_time(BEGIN + 5 * SECOND), "total": 5, "counts": {"debug": 3, "info": 2}},
    ]


def test_only_what_is_wanted_is_counted(store: LogStore) -> None:
    span = {"from_": BEGIN, "to": BEGIN + 60 * SECOND, "interval": "1d"}
    for more, total in (({}, 10), ({"q": "m"}, 9), ({"level": "fatal"}, 1), ({"user_id": "u"}, 1)):
        assert sum(bucket["total"] for bucket in counted(store, **span, **more)["buckets"]) == total
    assert counted(store, **span, q="nowhere")["buckets"] == []
    assert counted(store, from_=BEGIN + 60 * SECOND, to=BEGIN)["buckets"] == []


def test_without_bounds_the_last_24_hours_are_counted(store: LogStore) -> None:
    reply = counted(store)
    assert reply["buckets"] == []
    assert reply["interval"] == 600
    end = BEGIN + 9 * SECOND + 1
    assert sum(bucket["total"] for bucket in counted(store, to=end)["buckets"]) == 10


@pytest.mark.parametrize("span", [SECOND, 3600 * SECOND, DAY, 30 * DAY, 5000 * DAY, 400_000 * DAY])
def test_the_interval_fits_the_range(store: LogStore, span: int) -> None:
    start = BEGIN if span < 1000 * DAY else 0
    reply = counted(store, from_=start, to=format_time(start + span))
    assert 1 <= span / SECOND / reply["interval"] <= counts.AIMED_BUCKETS or span == SECOND


def test_too_many_buckets_are_refused(store: LogStore) -> None:
    most = counts.MAX_BUCKETS * SECOND
    assert counted(store, from_=BEGIN, to=BEGIN + most, interval=1)["interval"] == 1
    with pytest.raises(BadParameter, match="interval"):
        counted(store, from_=BEGIN, to=BEGIN + most + SECOND, interval=1)


@pytest.mark.parametrize("interval", ["1000000d", "1000000h", "1"])
@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 1), (-5, -3), ("0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z"), (5, 0)],
)
def test_bounds_at_the_edge_of_time_are_answered(
    store: LogStore, start: Any, end: Any, interval: str
) -> None:
    assert counted(store, from_=start, to=end, interval=interval)["buckets"] == []
    assert counted(store, to=end, interval="1000000d")["buckets"] == []


def test_the_most_frequent_values_of_a_field(store: LogStore) -> None:
    def values(field: str, apps: tuple[int, ...] = (1, 2), **more: Any) -> list[tuple[Any, int]]:
        asked = query(apps, field=field, from_=BEGIN, **more)
        reply = json.loads(dumps(counts.facets(asked, store)))
        assert reply["field"] == field and "approximate" not in reply
        return [(each["value"], each["count"]) for each in reply["values"]]

    assert values("level") == [("debug", 4), ("info", 3), ("trace", 3), ("fatal", 1)]
    assert values("level", limit=1, q="other") == [("info", 1)]
    assert values("app") == [(1, 10), (2, 1)]
    assert values("user_id", (1,)) == [("u", 1)]
    assert values("attr.s") == [("中", 1)]
    assert values("attr.big") == [(FULL["attributes"]["big"], 1)]
    assert values("logger") == values("attr.absent") == []
    with pytest.raises(BadParameter, match="field is missing"):
        counts.facets(query(), store)


def test_rare_values_are_counted_as_others(tmp_path: Path) -> None:
    node = Node(tmp_path)
    releases = [None, "", *(f"r{n}" for n in range(12) for _ in range(n + 1))]
    records = [{"message": "m", "release": release} for release in releases]
    node.write_segment(raw_frame(json.dumps(records).encode(), len(records)))
    node.drain()
    (bucket,) = counts.histogram(query(by="release", interval="1d"), node.store)["buckets"]
    assert bucket["counts"] == {"": 2, **{f"r{n}": n + 1 for n in range(2, 12)}}
    assert (bucket["total"], bucket["other"]) == (len(records), 3)
    node.close()


# Time.


def test_when_the_time_is_up_a_cursor_goes_on(
    store: LogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no time at all, a page is a microsecond of the range."""
    monkeypatch.setattr(store, "seconds", 0.0)
    span = {"from_": BEGIN - 2, "to": BEGIN + 3}
    page, pages = found(store, **span), 1
    assert page["partial"] and page["logs"] == []
    assert page["searched_to"] == format_time(BEGIN + 2)
    seen: list[str] = []
    while page["next_cursor"]:
        page, pages = found(store, **span, cursor=page["next_cursor"]), pages + 1
        seen += messages(page)
    assert seen == [FULL["message"]]
    assert pages == 5 and "partial" not in page
    assert counted(store, **span)["partial"]
    assert counts.facets(query(field="level", **span), store)["partial"]


# Damage.


def test_a_day_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.write_segment(raw_frame(b'[{"message": "a"}]', at=BEGIN))
    node.write_segment(raw_frame(b'[{"message": "b"}]', at=BEGIN + DAY))
    node.drain()
    broken = node.data / "logs" / f"{day_of(BEGIN)}.db"
    broken.write_bytes(b"this is no database" * 500)
    store = open_store(node.engine, node.data)
    page = json.loads(dumps(search.find(query(), store)))
    assert messages(page) == ["b"] and page["unreadable_days"] == [day_of(BEGIN)]
    reply = counted(store, from_=BEGIN - DAY, to=BEGIN + 2 * DAY)
    assert reply["unreadable_days"] == [day_of(BEGIN)]
    assert sum(bucket["total"] for bucket in reply["buckets"]) == 1
    node.close()
