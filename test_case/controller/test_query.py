"""Queries over HTTP: filters, order, cursors, days, and who may read what."""

import base64
import csv
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import requests
from started import Server, wait_until

from database.day_append import Prepared
from database.engine import open_engine
from database.frame import Frame
from database.preparing import packed
from database.rows import decode, make_rows, time_range
from database.stores import open_store
from utils.clock import DAY, day_of, format_time, now_us, start_of
from utils.principal import Scope
from utils.record import Form
from utils.settings import Database
from utils.tokens import Access, Tokens

pytestmark = pytest.mark.server

Record = dict[str, Any]
HOUR = DAY // 24
NOON = start_of(day_of(now_us())) - DAY // 2  # yesterday's, so that nothing lies in the future


def at(offset: int) -> str:
    return format_time(NOON + offset)


# One page of records that differ, and every filter on them.

ATTRIBUTES: list[Record] = [
    {"a": {"b": {"c": "deep"}}},
    {"a.b": "dotted"},
    {"on": True},
    {"on": False},
    {"n": 3, "f": 1.5},
    {"n": "3"},
    {"n": -17},
    {"键": "值"},
    {'quote"d': "1"},
    {"back\\slash": "1"},
    {"last\\": "1"},
    {"list[0]": "1"},
    {"$": "1"},
    {"a b": "x y"},
]
RECORDS: list[Record] = [
    {
        "message": "Disk almost FULL: 95% of /dev_a",
        "level": "warning",
        "logger": "disk",
        "environment": "prod",
        "release": "2.1.0",
        "platform": "android",
        "device_id": "d1",
        "session_id": "s1",
        "user_id": "u1",
        "trace_id": "t1",
    },
    {"message": "系统启动完成，网络错误", "level": 17},
    {"message": "Ошибка сети: Straße gesperrt", "level": "fatal"},
    {"message": "deploy 🚀 done 👩‍💻", "level": "trace"},
    {"message": "100 percent, x_y, C:\\temp\\new", "level": 10},
    *({"message": f"attributes {n}", "attributes": a} for n, a in enumerate(ATTRIBUTES)),
]


def attribute(number: int) -> int:
    """The `seq` of the record that has ATTRIBUTES[number]."""
    return len(RECORDS) - len(ATTRIBUTES) + number


@pytest.fixture(scope="module")
def page(server: Server) -> Server:
    """The server with RECORDS, a second apart, each with its number as `seq`; and others'."""
    numbered = [{**r, "seq": n, "time": at(n * 1_000_000)} for n, r in enumerate(RECORDS)]
    assert server.report(numbered).json()["accepted"] == len(RECORDS)
    other = server.manage("app", "create", "other", "--json")
    answer = server.report([{"message": "of another app"}], key=other["ingest_key"])
    assert answer.status_code == 202
    wait_until(lambda: len(server.query()) == len(RECORDS) + 1, "the records of both apps")
    return server


FILTERS: list[tuple[Record, set[int]]] = [
    *(
        ({name: RECORDS[0][name]}, {0})
        for name in (
            "logger",
            "environment",
            "release",
            "platform",
            "device_id",
            "session_id",
            "user_id",
            "trace_id",
        )
    ),
    *(
        ({name: "D1"}, set())
        for name in ("logger", "environment", "release", "platform", "device_id")
    ),
    *(({name: "no"}, set()) for name in ("session_id", "user_id", "trace_id")),
    ({"user_id": "u1", "device_id": "d1"}, {0}),
    ({"user_id": "u1", "device_id": "d2"}, set()),
    ({"level": "warning"}, {0}),
    ({"level": "WARN"}, {0}),
    ({"level": "error,trace"}, {1, 3}),
    ({"level": "10"}, {4}),
    ({"level": "11"}, set()),
    ({"level": "debug"}, set()),
    ({"min_level": "warning"}, {0, 1, 2}),
    ({"min_level": "18"}, {2}),
    ({"min_level": "24"}, set()),
    ({"q": "disk ALMOST full"}, {0}),
    ({"q": "系统"}, {1}),
    ({"q": "错误"}, {1}),
    ({"q": "统系"}, set()),
    ({"q": "，"}, {1}),
    ({"q": "🚀"}, {3}),
    ({"q": "👩‍💻"}, {3}),
    ({"q": "🚁"}, set()),
    ({"q": "оШИБКА"}, {2}),
    ({"q": "straße"}, {2}),
    ({"q": "%"}, {0}),
    ({"q": "95%"}, {0}),
    ({"q": "_"}, {0, 4}),
    ({"q": "x_y"}, {4}),
    ({"q": "x_Y,"}, {4}),
    ({"q": "xzy"}, set()),
    ({"q": "\\temp\\"}, {4}),
    ({"q": "\\"}, {4}),
    ({"q": '"\'; --"'}, set()),
    ({"q": "\0"}, set()),
    ({"q": "错误", "level": "error"}, {1}),
    ({"q": "错误", "level": "info"}, set()),
    ({"attr.a.b.c": "deep"}, {attribute(0)}),
    ({"attr.a.b.c": "DEEP"}, set()),
    ({"attr.a.c": "deep"}, set()),
    ({"attr.a.b": "dotted"}, {attribute(1)}),
    ({"attr.on": "true"}, {attribute(2)}),
    ({"attr.on": "false"}, {attribute(3)}),
    ({"attr.on": "yes"}, set()),
    ({"attr.n": "3"}, {attribute(4), attribute(5)}),
    ({"attr.f": "1.5"}, {attribute(4)}),
    ({"attr.n": "3", "attr.f": "1.5"}, {attribute(4)}),
    ({"attr.n": "-17"}, {attribute(6)}),
    ({"attr.n": "4"}, set()),
    ({"attr.键": "值"}, {attribute(7)}),
    ({'attr.quote"d': "1"}, {attribute(8)}),
    ({"attr.back\\slash": "1"}, {attribute(9)}),
    ({"attr.last\\": "1"}, {attribute(10)}),
    ({"attr.list[0]": "1"}, {attribute(11)}),
    ({"attr.$": "1"}, {attribute(12)}),
    ({"attr.a b": "x y"}, {attribute(13)}),
    ({"attr..": "1"}, set()),
    ({"attr.\0": "1"}, set()),
    ({"from": at(2_000_000), "to": at(4_000_000)}, {2, 3}),
    ({"from": at(2_000_001), "to": at(4_000_001)}, {3, 4}),
    ({"to": at(1_000_000)}, {0}),
    ({"from": NOON / 1e6, "to": NOON // 1000 + 1}, {0}),
    ({"from": NOON, "to": at(1).replace("Z", "+00:00")}, {0}),
    ({"from": at(0).removesuffix("Z"), "to": NOON * 1000 + 1000}, {0}),
    ({"from": at(4_000_000), "to": at(2_000_000)}, set()),
]


@pytest.mark.parametrize(("filters", "wanted"), FILTERS, ids=lambda value: str(value)[:50])
def test_a_filter_finds_what_it_says_and_nothing_else(
    page: Server, filters: Record, wanted: set[int]
) -> None:
    found = page.query(app=page.app["id"], **filters)
    assert {record["seq"] for record in found} == wanted
    assert len(found) == len(wanted)


def test_no_filter_finds_all_newest_first(page: Server) -> None:
    found = page.query(app=page.app["id"], q="")
    assert [record["seq"] for record in found] == [*reversed(range(len(RECORDS)))]


@pytest.mark.parametrize(("order", "first"), [("newest", len(RECORDS) - 1), ("oldest", 0)])
def test_limit_and_order_choose_the_end_to_begin_with(page: Server, order: str, first: int) -> None:
    answer = page.get("/api/v1/logs", app=page.app["id"], order=order, limit=1).json()
    assert [record["seq"] for record in answer["logs"]] == [first]
    assert answer["next_cursor"]


def test_a_record_holds_what_is_set_and_no_more(page: Server) -> None:
    (record,) = page.query(user_id="u1")
    assert record["app"] == page.app["id"]
    assert record["time"] == at(0)
    assert (record["level"], record["severity"]) == ("warning", 13)
    assert not {"span_id", "exception", "attributes", "skew_ms", "truncated"} & record.keys()
    (plain,) = page.query(app=page.app["id"], q="系统")
    assert plain.keys() == {
        *("id", "app", "time", "received_at", "level", "severity", "message", "seq")
    }


def test_a_record_is_found_by_its_id(page: Server) -> None:
    (record,) = page.query(user_id="u1")
    assert page.get(f"/api/v1/logs/{record['id']}").json() == record


# What is not understood.

BAD_LIST = [
    *({"limit": value} for value in ("0", "-1", "1001", "", "ten", "1e2", "１", "0000000011001")),
    {"limit": "9" * 4000},
    {"order": "up"},
    *({"from": value} for value in ("yesterday", "", "2026-13-01", "9" * 40, "1.5e308", "1.e999")),
    {"to": "2026-11-20T25:00:00Z"},
    *({"level": value} for value in ("loud", "", "0", "25", "error,", "9" * 4000)),
    {"min_level": "error,fatal"},
    {"level": "error", "min_level": "info"},
    *({"app": value} for value in ("abc", "", "-1", "1.0")),
    {"unknown": "1"},
    {"Q": "x"},
    {"attr.": "1"},
    {"attr": "1"},
    {"message": "x"},
    {"limit": ["1", "2"]},
    {"q": ["a", "a"]},
    {"interval": "60"},
]
BAD_HISTOGRAM = [
    *({"interval": value} for value in ("0", "-1", "5x", "5mm", "", "1.5h", "m", "9" * 4000 + "s")),
    {"interval": "999999999d"},
    {"interval": "1", "from": at(0), "to": at(DAY)},
    {"by": "user_id"},
    {"limit": "1"},
    {"cursor": "x"},
]


def assert_problem(answer: requests.Response, status: int, code: str) -> Record:
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: Record = answer.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"]
    assert problem["title"]
    return problem


@pytest.mark.parametrize("parameters", BAD_LIST, ids=lambda value: str(value)[:50])
def test_a_parameter_that_is_not_understood_is_refused(page: Server, parameters: Record) -> None:
    problem = assert_problem(page.get("/api/v1/logs", **parameters), 400, "bad_parameter")
    assert any(name in problem["detail"] for name in parameters)


@pytest.mark.parametrize("parameters", BAD_HISTOGRAM, ids=lambda value: str(value)[:50])
def test_a_histogram_refuses_what_it_does_not_understand(page: Server, parameters: Record) -> None:
    answer = page.get("/api/v1/logs/histogram", **parameters)
    assert_problem(answer, 400, "bad_parameter")


@pytest.fixture
def cursor(page: Server) -> str:
    """A good cursor of the query with `limit` 1 and nothing else."""
    return str(page.get("/api/v1/logs", limit=1).json()["next_cursor"])


def altered(cursor: str, change: Callable[[list[Any]], Any]) -> str:
    packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    changed = msgspec.msgpack.encode(change(msgspec.msgpack.decode(packed)))
    return base64.urlsafe_b64encode(changed).decode().rstrip("=")


FORGERIES: dict[str, Callable[[list[Any]], Any]] = {
    "another query": lambda c: [b"123456", *c[1:]],
    "no time": lambda c: [c[0], "now", *c[2:]],
    "a time beyond 64 bits": lambda c: [c[0], 2**64 - 1, *c[2:]],
    "an id beyond 64 bits": lambda c: [*c[:3], 2**64 - 1],
    "too short": lambda c: c[:3],
    "too long": lambda c: [*c, 1],
    "an object": lambda c: {"a": 1},
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_cursor_is_refused(
    page: Server, cursor: str, forge: Callable[[list[Any]], Any]
) -> None:
    answer = page.get("/api/v1/logs", cursor=altered(cursor, forge))
    assert_problem(answer, 400, "bad_cursor")


@pytest.mark.parametrize("bad", ["", "x", "中", "====", "AAAA", "a b", "%00"])
def test_what_is_no_cursor_is_refused(page: Server, bad: str) -> None:
    assert_problem(page.get("/api/v1/logs", cursor=bad), 400, "bad_cursor")


@pytest.mark.parametrize(
    "other",
    [{"order": "oldest"}, {"level": "error"}, {"q": "x"}, {"attr.a": "1"}, {"from": at(0)}],
    ids=str,
)
def test_a_cursor_of_another_query_is_refused(page: Server, cursor: str, other: Record) -> None:
    assert_problem(page.get("/api/v1/logs", cursor=cursor, **other), 400, "bad_cursor")


def test_a_cursor_goes_on_with_another_limit(page: Server, cursor: str) -> None:
    rest = page.query(cursor=cursor, limit=1000)
    assert rest == page.query(limit=1000)[1:]


# Who may read.


def ask(server: Server, headers: dict[str, str]) -> requests.Response:
    return requests.get(f"{server.url}/api/v1/logs", headers=headers, timeout=60)


def bad_authorizations(server: Server) -> Iterator[str]:
    good = signed(server, 60)
    payload, _, signature = good.rpartition(".")
    yield "Bearer"
    yield "Bearer x"
    yield f"Basic {good}"
    yield good
    yield f"Bearer {server.key}"
    yield f"Bearer {good[:-2]}"
    yield f"Bearer {payload[:-1]}{'B' if payload[-1] == 'A' else 'A'}.{signature}"
    yield f"Bearer .{signature}"
    yield f"Bearer {payload}.\xff"
    yield f"Bearer {server.token[:-1]}"
    yield f"Bearer {server.token[:4]}{'0' * 16}{server.token[20:]}"
    yield f"Bearer {signed(server, -1)}"
    yield f"Bearer {signed(server, 60)}."


def signed(server: Server, seconds: int, scope: Scope = "read") -> str:
    """A token of the kind that `token create` made once."""
    access = Access(int(time.time()) + seconds, "0" * 16, scope, None)
    return Tokens(server.data).sign(access)


@pytest.mark.parametrize(
    "path", ["", "/histogram", "/facets?field=level", "/export", "/20261120-1"]
)
def test_without_a_good_token_nothing_is_told(page: Server, path: str) -> None:
    url = f"{page.url}/api/v1/logs{path}"
    for authorization in bad_authorizations(page):
        headers = {"Authorization": authorization.encode("latin-1")}
        answer = requests.get(url, headers=headers, timeout=60)
        assert_problem(answer, 401, "bad_token")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert_problem(requests.get(url, timeout=60), 401, "bad_token")
    assert_problem(requests.get(url, params={"token": page.token}, timeout=60), 401, "bad_token")


def test_the_admin_scope_may_read(page: Server) -> None:
    admin = page.manage("token", "create", "--scope", "admin", "--json")["token"]
    for token in (admin, signed(page, 60, "admin"), signed(page, 60)):
        assert page.get("/api/v1/logs", token=token, user_id="u1").json() == {
            "logs": page.query(user_id="u1"),
            "next_cursor": None,
        }


READS: dict[str, dict[str, str]] = {
    "/api/v1/logs": {},
    "/api/v1/logs/histogram": {},
    "/api/v1/logs/facets": {"field": "user_id"},
    "/api/v1/logs/export": {},
    "/api/v1/logs/tail": {},
    "/api/v1/timeline": {"device_id": "d1"},
    "/api/v1/searches": {},
}


def test_a_reader_of_one_app_sees_only_that(page: Server) -> None:
    apps = {app["name"]: app["id"] for app in page.manage("app", "list", "--json")}
    mine, other = apps["other"], apps["test"]
    options = ("--scope", "read", "--app", str(mine))
    token = page.manage("token", "create", *options, "--json")["token"]

    (record,) = page.get("/api/v1/logs", token=token).json()["logs"]
    assert (record["app"], record["message"]) == (mine, "of another app")
    assert page.get("/api/v1/logs", token=token, app=mine).json()["logs"] == [record]
    assert page.get(f"/api/v1/logs/{record['id']}", token=token).json() == record
    counted = page.get("/api/v1/logs/histogram", token=token).json()["buckets"]
    assert sum(bucket["total"] for bucket in counted) == 1

    foreign = page.query(user_id="u1")[0]["id"]
    for path in (foreign, f"{foreign}/context"):
        assert_problem(page.get(f"/api/v1/logs/{path}", token=token), 404, "not_found")
    for path, asked in READS.items():
        for app in (other, 999):
            answer = page.get(path, token=token, app=app, **asked)
            refusal = (404, "not_found") if "searches" in path else (403, "forbidden")
            assert_problem(answer, *refusal)
        assert_problem(page.get(path, app=999, **asked), 404, "not_found")
    for q in ("u1", "d1"):  # nor by any word of theirs
        assert page.get("/api/v1/logs", token=token, q=q).json()["logs"] == []
    assert page.get("/api/v1/timeline", token=token, device_id="d1").json()["logs"] == []
    assert page.get("/api/v1/logs/export", token=token).text.count("\n") == 1
    counted = page.get("/api/v1/logs/facets", token=token, field="app").json()["values"]
    assert [(each["value"], each["count"]) for each in counted] == [(mine, 1)]


@pytest.mark.parametrize(
    "public_id",
    [
        "20261120-999999999",
        "19990101-1",
        "20261120",
        "20261120-",
        "20261120--1",
        "20261120-1e3",
        "2026112０-1",
        "../redlog-1",
        "x" * 3000,
        "20261120-" + "9" * 3000,
        "%00-1",
    ],
    ids=lambda value: value[:30],
)
def test_what_is_no_record_is_not_found(page: Server, public_id: str) -> None:
    assert_problem(page.get(f"/api/v1/logs/{public_id}"), 404, "not_found")


# Counts.


@pytest.mark.parametrize("interval", ["1s", "7", "5m", "1h", "1d", None])
@pytest.mark.parametrize("filters", [{}, {"min_level": "warning"}, {"q": "attributes"}], ids=str)
def test_a_histogram_counts_every_record_in_its_bucket(
    page: Server, filters: Record, interval: str | None
) -> None:
    span = {"from": at(0), "to": at(HOUR)}
    given = {"interval": interval} if interval else {}
    app_id = page.app["id"]
    answer = page.get("/api/v1/logs/histogram", app=app_id, **span, **filters, **given).json()
    width = answer["interval"]
    assert width == {"1s": 1, "7": 7, "5m": 300, "1h": 3600, "1d": 86400, None: 30}[interval]
    counted: Counter[tuple[str, str]] = Counter()
    for bucket in answer["buckets"]:
        assert bucket["total"] == sum(bucket["counts"].values())
        counted.update({(bucket["time"], level): n for level, n in bucket["counts"].items()})
    expected: Counter[tuple[str, str]] = Counter()
    for record in page.query(app=app_id, **span, **filters):
        second = (NOON + record["seq"] * 1_000_000) // 1_000_000
        expected[format_time(second // width * width * 1_000_000), record["level"]] += 1
    assert expected
    assert counted == expected


@pytest.mark.parametrize(
    "span", [{"from": "0"}, {"from": "1900-01-01"}, {"to": "-99999999999"}, {"to": "9999-12-31"}]
)
def test_a_histogram_answers_for_any_time(page: Server, span: Record) -> None:
    answer = page.get("/api/v1/logs/histogram", app=page.app["id"], **span)
    assert answer.status_code == 200, answer.text
    total = sum(bucket["total"] for bucket in answer.json()["buckets"])
    assert total == (len(RECORDS) if "from" in span else 0)


def test_values_are_counted_under_the_filter(page: Server) -> None:
    span = {"from": at(0), "to": at(HOUR), "app": page.app["id"]}
    answer = page.get("/api/v1/logs/facets", field="attr.n", q="attributes", **span).json()
    values = {json.dumps(each["value"]): each["count"] for each in answer["values"]}
    assert values == {"3": 1, '"3"': 1, "-17": 1}
    by_release = page.get("/api/v1/logs/histogram", by="release", interval="1h", **span).json()
    assert by_release["buckets"][0]["counts"] == {"2.1.0": 1, "": len(RECORDS) - 1}
    for bad in ({"field": "message"}, {"field": "attr."}, {}, {"field": "level", "by": "level"}):
        assert_problem(page.get("/api/v1/logs/facets", **bad), 400, "bad_parameter")


def test_the_records_around_one(page: Server) -> None:
    record = page.query(user_id="u1")[0]
    path = f"/api/v1/logs/{record['id']}/context"
    answer = page.get(path, before=3, after=2).json()
    assert answer["log"] == record
    assert [each["seq"] for each in answer["before"] + answer["after"]] == [1, 2]
    assert page.get(path, within="device").json() == {"before": [], "log": record, "after": []}
    for bad in ({"before": "201"}, {"after": "x"}, {"within": "user"}, {"q": "x"}):
        assert_problem(page.get(path, **bad), 400, "bad_parameter")
    assert_problem(page.get("/api/v1/logs/20261120-999999999/context"), 404, "not_found")


def test_a_session_in_order(page: Server) -> None:
    answer = page.get("/api/v1/timeline", session_id="s1").json()
    assert [record["seq"] for record in answer["logs"]] == [0]
    assert (answer["gaps"], answer["gaps_known"], answer["next_cursor"]) == ([], True, None)
    assert_problem(page.get("/api/v1/timeline"), 400, "bad_parameter")
    assert_problem(requests.get(f"{page.url}/api/v1/timeline", timeout=60), 401, "bad_token")


# Walks along the cursor, on days that an earlier server wrote.


class Days(NamedTuple):
    """A server with records of four days; `written` are the (time, message) it has."""

    server: Server
    written: set[tuple[str, str]]


TIMES = [NOON + offset * HOUR for offset in range(-84, 2, 2)]


def write_day(server: Server, received_at: int, number: int) -> set[tuple[str, str]]:
    """Store records as if received then, by the store's own door: 3 batches of 100 records.

    Most come late, by up to a day and a half more, and every time is had by many records.
    """
    chance = random.Random(number)
    store = open_store(open_engine(Database(url=""), server.data), server.data)
    written = set()
    for batch in range(3):
        times = chance.choices([time for time in TIMES if time <= received_at], k=100)
        records = [
            {"message": f"{number}-{batch}-{n}", "time": format_time(time)}
            for n, time in enumerate(times)
        ]
        payload = json.dumps(records).encode()
        frame = Frame(server.app["id"], received_at + batch, 100, Form.ARRAY, "", payload)
        values = make_rows(frame.app_id, frame.received_at, decode(frame.form, payload))
        written |= {(record["time"], record["message"]) for record in records}
        prepared = packed(Prepared(frame, 100, values, {}, time_range(values)), store.pack)
        assert list(store.append(f"earlier-{number}", [prepared]))
    store.publish()
    store.close_writer()
    store.catalogue.engine.dispose()
    return written


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Days]:
    folder: Path = tmp_path_factory.mktemp("days")
    server = Server(folder / "data", folder / "server.log", {})
    written: set[tuple[str, str]] = set()
    for number in range(3):
        written |= write_day(server, NOON - number * DAY, number)
    server.start()
    late = [{"message": f"late {n}", "time": format_time(t)} for n, t in enumerate(TIMES * 3)]
    assert server.report(late).json()["accepted"] == len(late)
    written |= {(record["time"], record["message"]) for record in late}
    wait_until(lambda: len(server.query(q="late", limit=1000)) == len(late), "the late records")
    yield Days(server, written)
    server.kill()


def seen(records: list[Record]) -> list[tuple[str, str]]:
    return [(record["time"], record["message"]) for record in records]


@pytest.mark.parametrize("limit", [1000, 97])
@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_a_walk_over_several_days_is_in_order_and_complete(
    days: Days, order: str, limit: int
) -> None:
    assert len(days.server.manage("partition", "list", "--json")) == 4
    walked = days.server.walk(order=order, limit=limit)
    times = [record["time"] for record in walked]
    assert times == sorted(times, reverse=order == "newest")
    assert len({record["id"] for record in walked}) == len(walked)
    assert sorted(seen(walked)) == sorted(days.written)


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_a_time_range_is_answered_from_all_days_that_hold_it(days: Days, order: str) -> None:
    start, end = NOON - 2 * DAY, NOON - DAY
    span = {"from": format_time(start), "to": format_time(end)}
    wanted = {pair for pair in days.written if span["from"] <= pair[0] < span["to"]}
    walked = days.server.walk(order=order, limit=50, **span)
    assert {record["id"][:8] for record in walked} == {
        day_of(moment) for moment in (NOON - 2 * DAY, NOON - DAY, NOON, now_us())
    }
    assert sorted(seen(walked)) == sorted(wanted)
    counted = days.server.get("/api/v1/logs/histogram", **span).json()["buckets"]
    assert sum(bucket["total"] for bucket in counted) == len(wanted)


def test_a_record_of_an_earlier_day_is_found_by_its_id(days: Days) -> None:
    for record in days.server.query(q="-0-7", limit=10):
        assert days.server.get(f"/api/v1/logs/{record['id']}").json() == record


def test_a_long_reply_is_packed_for_who_takes_it(days: Days) -> None:
    url, headers = (
        f"{days.server.url}/api/v1/logs",
        {"Authorization": f"Bearer {days.server.token}"},
    )
    packed, plain = (
        requests.get(f"{url}?limit=100", headers=headers | {"Accept-Encoding": name}, timeout=60)
        for name in ("gzip", "identity")
    )
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 2
    assert packed.json() == plain.json()
    short = days.server.get("/api/v1/logs", limit=1)
    assert "Content-Encoding" not in short.headers
    for answer in (packed, plain, short):
        assert "Accept-Encoding" in answer.headers["Vary"]


def test_an_export_has_all_that_is_found(days: Days) -> None:
    app_id = days.server.app["id"]
    answer = days.server.get("/api/v1/logs/export", order="oldest", app=app_id)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines == days.server.walk(order="oldest", app=app_id)
    headers = {"Authorization": f"Bearer {days.server.token}", "Accept-Encoding": "identity"}
    asked = {"format": "csv", "tz": "Asia/Shanghai", "q": "late"}
    url = f"{days.server.url}/api/v1/logs/export"
    plain = requests.get(url, params=asked, headers=headers, timeout=60)
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Content-Disposition"] == "attachment; filename=redlog.csv"
    table = list(csv.DictReader(plain.content.decode("utf-8-sig").splitlines()))
    late = days.server.query(q="late", limit=1000)
    assert [row["id"] for row in table] == [record["id"] for record in late]
    assert {row["time"][-6:] for row in table} == {"+08:00"}
    for bad in ({"format": "xml"}, {"limit": "5"}, *({"format": "csv", "tz": z} for z in "x/ ..")):
        assert_problem(days.server.get("/api/v1/logs/export", **bad), 400, "bad_parameter")


# And while more comes in.


@pytest.fixture
def reporting(either_server: Server) -> Iterator[Callable[[], int]]:
    """A thread that reports batches with random late times; it tells how many there were."""
    stopping = threading.Event()
    sent: list[int] = []

    def report_on() -> None:
        chance = random.Random(5)
        while not stopping.is_set():
            batch = [
                {"message": "new", "time": at(chance.randrange(-200, 200) * 1000)}
                for _ in range(20)
            ]
            headers = {"X-Redlog-Key": either_server.key}
            url = f"{either_server.url}/api/v1/logs"
            requests.post(url, json=batch, headers=headers, timeout=60)
            sent.append(len(batch))

    thread = threading.Thread(target=report_on)
    thread.start()
    yield lambda: sum(sent)
    stopping.set()
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_a_walk_visits_each_record_once_while_others_come_in(
    either_server: Server, order: str, reporting: Callable[[], int]
) -> None:
    chance = random.Random(order)
    there = [
        {"message": f"{order} {n}", "time": at(chance.randrange(-100, 100) * 1000)}
        for n in range(1500)
    ]
    assert either_server.report(there).json()["accepted"] == len(there)
    app_id = either_server.app["id"]
    wait_until(lambda: len(either_server.walk(q=order, app=app_id)) == 1500, "the records")
    before = reporting()
    walked = either_server.walk(order=order, limit=40, app=app_id)
    assert reporting() > before
    times = [record["time"] for record in walked]
    assert times == sorted(times, reverse=order == "newest")
    assert max(Counter(record["id"] for record in walked).values()) == 1
    assert Counter(r["message"] for r in walked if order in r["message"]) == Counter(
        r["message"] for r in there
    )
