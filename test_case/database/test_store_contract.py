"""What every store must do, on SQLite and on a real MariaDB."""

import random
from collections import Counter
from collections.abc import Iterator
from time import monotonic
from typing import Any, NamedTuple

import msgspec
import pytest
from node import APPS, MESSAGE, Node, frame, messages_of, raw_frame
from sqlalchemy import update

from database import day_file, drainer, log_reader, mysql_days, scan
from database.day_append import Prepared
from database.expression import ANY, LIKE, All, Compares, Contains, Either, IsSet, Member, Not
from database.expression import Node as Condition
from database.frame import Frame
from database.journal import Journal
from database.log_query import COLUMNS, LogFilter, Position
from database.log_reader import Page, position_of
from database.preparing import packed
from database.rows import decode, make_rows, time_range
from database.scan import OutOfTime
from database.segments import list_segments
from database.tables import log_partition
from exceptions import StartError
from utils.clock import DAY, SECOND, day_of, now_us, start_of
from utils.record import Form
from utils.text import contains_folded

HOUR = 3600 * SECOND
NOW = now_us()
TODAY = day_of(NOW)
MIDNIGHT = start_of(TODAY)


class Known(NamedTuple):
    """A record as the test knows it; its place in the order comes first."""

    time: int
    day: str
    number: int
    app_id: int
    message: str


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer keeps house after each chunk."""
    monkeypatch.setattr(drainer, "TIDY_SECONDS", 0.0)
    monkeypatch.setattr(drainer, "RETENTION_SECONDS", 0.0)


@pytest.fixture
def node(any_node: Node) -> Node:
    """A fresh node on each kind of store."""
    return any_node


def store_on(node: Node, messages: list[str], at: int) -> str:
    """Store records received at `at`; their partition."""
    node.write_segment(frame(messages, at=at), at=at)
    node.drain()
    return day_of(at)


JOINED: list[dict[str, Any]] = [
    {"message": "1", "user_id": "a", "attributes": {"screen": "home", "http": {"status": 200}}},
    {"message": "2", "user_id": "a", "attributes": {"http.status": 503, "screen": None}},
    {"message": "3", "user_id": "b", "attributes": {"screen": "home", "ms": 1.5,
                                                   "http": {"status": "5x"}}},
    {"message": "4", "exception": {"type": "TypeError"}},
]  # fmt: skip


def store_records(node: Node, records: list[dict[str, Any]]) -> None:
    payload = msgspec.json.encode(records)
    node.write_segment(raw_frame(payload, len(records)))
    node.drain()


def everything(node: Node) -> Page:
    return node.store.search(LogFilter(APPS), 10_000)


def found(node: Node, where: Condition) -> list[str]:
    return sorted(messages_of(node.store.search(LogFilter(APPS, where=where), 10_000)))


def days_of(node: Node) -> list[str]:
    """The days in the catalogue, which must be those that have files or tables."""
    days = [partition.name for partition in node.store.catalogue.partitions()]
    if node.engine.dialect.name == "sqlite":
        there = [path.stem for path in (node.data / "logs").glob("*.db")]
    else:
        with node.engine.connect() as connection:
            tables = connection.exec_driver_sql("SHOW TABLES LIKE 'log\\_2%%'").scalars()
            there = [name.removeprefix("log_") for name in tables]
    assert sorted(days) == sorted(there)
    return days


def fill(node: Node, chance: random.Random, first_day: int = 4) -> list[Known]:
    """Five days with many equal times, late records and several apps."""
    known = []
    moments = [NOW - chance.randrange(6 * DAY) for _ in range(12)]
    for days_ago in range(first_day, -1, -1):
        received = NOW - days_ago * DAY
        frames, number = [], 0
        for _ in range(chance.randint(1, 8)):
            app_id = chance.choice((1, 2, 3))
            times = [
                chance.choice(moments) if chance.random() < 0.7 else received - chance.randrange(99)
                for _ in range(chance.randint(1, 30))
            ]
            times = [min(time, received + DAY // 2) for time in times]
            names = [f"{days_ago}-{number + n}" for n in range(len(times))]
            frames.append(frame(names, at=received, app_id=app_id, times=times))
            for name, time in zip(names, times, strict=True):
                number += 1
                known.append(Known(time, day_of(received), number, app_id, name))
        node.write_segment(*frames, at=received)
        node.drain(batch_bytes=2000)
    return known


def walk(
    node: Node, wanted: LogFilter, limit: int, newest_first: bool
) -> Iterator[tuple[Position, str]]:
    after = None
    while True:
        page = node.store.search(wanted, limit, newest_first, after)
        assert page.unreadable == []
        for row in page.rows:
            yield position_of(row), row[1][MESSAGE]
        if len(page.rows) < limit and page.reached is None:
            return
        after = page.reached or position_of(page.rows[-1])


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


def report(journal: Journal, *messages: str) -> None:
    for message in messages:
        payload = b'[{"message": "%s"}]' % message.encode()
        journal.append(1, 1, Form.ARRAY, f"key of {message[:9]}", payload)


TEXTS = [
    "支付失败",
    "支付 失败",
    "😀 emoji 😃😀",
    "plain ASCII text",
    "PLAIN ascii TEXT",
    "100% sure_thing \\ back\\slash",
    "100 percent sureXthing",
    "quote ' and \" and `",
    "Ünïcödé straße",
    "ÜNÏCÖDÉ STRASSE",
    "ПРИВЕТ мир",
    "привет МИР",
    "ΟΔΟΣ οδος",
    "naive naïve",
    "ﬀ ligature ﬃ",
    "line\nbreak\ttab\x01\x02\x03\x02 end",
    "trailing blank ",
    "\\N",
    "NULL",
    "ＦＵＬＬ ｗｉｄｔｈ",
    "İstanbul ıI",
    "𐐀𐐨 deseret",
]
NEEDLES = [
    *("支付", "付失", "失败", "😀", "😃😀", "plain", "ASCII TEXT", "100%", "sure_", "\\", "\\b"),
    *("'", '"', "`", "ü", "ÜNÏ", "straße", "É STRASSE", "привет", "МИР", "οδοσ", "ΟΔΟς", "ï"),
    *(
        "é",
        "\n",
        "\t",
        "\x02",
        "blank ",
        "NULL",
        "\\N",
        "ｆｕｌｌ",
        "ＷＩＤＴＨ",
        "𐐨",
        "zz",
        "%%",
        "(",
        ".*",
    ),
]

FIELDS = [
    {"message": "a", "user_id": "u", "release": "1.0", "logger": "Straße", "seq": 0},
    {"message": "b", "user_id": "U", "logger": "strasse"},
    {"message": "c", "user_id": "u "},
    {"message": "d", "user_id": ""},
    {"message": "e", "user_id": "😀" * 128, "seq": 2**63 - 1},
]

ATTRIBUTES: list[dict[str, Any]] = [
    {"screen": "home", "n": 1, "http": {"status": 500}, "flag": True},
    {"screen": "Home", "n": "1", "http.status": "500", "flag": False},
    {"screen": "支付 😀", "n": 1.5, "flag": "true", "a b": 'say "x"'},
    {"screen": None, "n": [1, 2], "flag": None, 'q"k': "\\"},
    {"screen": "null", "n": -7, "deep": {"a": {"b": {"c": "here"}}}},
]
ASKED = [
    *(("screen", value) for value in ("home", "Home", "支付 😀", "null", "", "no")),
    *(("n", value) for value in ("1", "1.5", "-7", "1.0", "2")),
    *(("flag", value) for value in ("true", "false", "1", "0", "null")),
    *(("http.status", "500"), ("a b", 'say "x"'), ('q"k', "\\"), ("deep.a.b.c", "here")),
]


class TestStore:
    """The contract."""

    # Pages.

    @pytest.mark.parametrize("seed", range(2))
    def test_pages_are_in_order_over_all_partitions(self, node: Node, seed: int) -> None:
        known = fill(node, random.Random(seed))
        low, high = sorted(random.Random(seed).sample([record.time for record in known], 2))
        for wanted, limit, newest_first in [
            (LogFilter((1, 2, 3)), 7, True),
            (LogFilter((1, 2, 3)), 7, False),
            (LogFilter((1, 2, 3)), 1, True),
            (LogFilter((1, 2, 3)), 1000, False),
            (LogFilter((2,)), 3, True),
            (LogFilter((3, 1)), 5, False),
            (LogFilter((1, 2, 3), start=low, end=high), 4, True),
            (LogFilter((1, 2, 3), start=low, end=high), 4, False),
            (LogFilter((1, 2, 3), start=high), 2, True),
            (LogFilter((1, 2, 3), end=low), 2, False),
        ]:
            expected = sorted(
                (
                    record
                    for record in known
                    if record.app_id in wanted.apps
                    and (wanted.start is None or record.time >= wanted.start)
                    and (wanted.end is None or record.time < wanted.end)
                ),
                reverse=newest_first,
            )
            walked = list(walk(node, wanted, limit, newest_first))
            assert [(at.time, at.day, message) for at, message in walked] == [
                (record.time, record.day, record.message) for record in expected
            ], (wanted, limit)

    @pytest.mark.parametrize("newest_first", [True, False])
    def test_a_walk_visits_each_record_once_while_new_ones_arrive(
        self, node: Node, newest_first: bool
    ) -> None:
        chance = random.Random(7)
        known = fill(node, chance)
        seen = []
        for step, (_, message) in enumerate(walk(node, LogFilter((1, 2, 3)), 5, newest_first)):
            seen.append(message)
            if step % 50 == 20:
                times = [chance.choice(known).time for _ in range(5)]
                node.write_segment(frame([f"new-{step}-{n}" for n in range(5)], times=times))
                node.drain()
        assert max(Counter(seen).values()) == 1
        assert {record.message for record in known} <= set(seen)

    def test_counts_are_those_of_the_records(self, node: Node) -> None:
        known = fill(node, random.Random(11))
        for width in (60 * SECOND, 7 * SECOND, 1):
            counts = node.store.count(LogFilter((1, 3)), width)
            assert (counts.unreadable, counts.partial) == ([], False)
            expected = Counter(record.time // width for record in known if record.app_id in (1, 3))
            assert {bucket: n for (bucket, _), n in counts.records.items()} == expected

    def test_values_are_counted_over_all_partitions(self, node: Node) -> None:
        records = [{"message": str(n), "attributes": a} for n, a in enumerate(ATTRIBUTES)]
        for n, record in enumerate(records):
            node.write_segment(raw_frame(msgspec.json.encode([{**record, **FIELDS[n]}])))
        payload = msgspec.json.encode([*FIELDS, {"message": "x", "attributes": ATTRIBUTES[0]}])
        node.write_segment(raw_frame(payload, 6, at=NOW - DAY, app_id=2), at=NOW - DAY)
        node.drain()

        def values(column: str, path: str = "") -> dict[Any, int]:
            counts = node.store.count_values(LogFilter(APPS), column, path)
            assert not (counts.partial or counts.approximate or counts.unreadable)
            return {value: records for (value,), records in counts.records.items()}

        assert values("user_id") == {"u": 2, "U": 2, "u ": 2, "": 2, "😀" * 128: 2}
        assert values("app_id") == {1: 5, 2: 6}
        assert values("attributes", "screen") == {
            **{'"home"': 2, '"Home"': 1, '"支付 😀"': 1, '"null"': 1}
        }
        assert values("attributes", "n") == {"1": 2, '"1"': 1, "1.5": 1, "-7": 1}
        assert values("attributes", "flag") == {"true": 2, "false": 1, '"true"': 1}
        assert values("attributes", "http.status") == {"500": 2, '"500"': 1}
        assert values("attributes", "deep") == {}

    def test_numbers_of_sessions_are_counted(self, node: Node) -> None:
        for session, seq in (("s", 1), ("s", 1), ("S", 2), ("s", None), (None, 3)):
            store_records(node, [{"message": "m", "session_id": session, "seq": seq}])
        counts = node.store.count_seqs(LogFilter(APPS))
        assert counts.records == {(1, "s", 1): 2, (1, "S", 2): 1}
        assert not (counts.partial or counts.approximate)

    def test_counts_by_time_and_value(self, node: Node) -> None:
        known = fill(node, random.Random(5))
        counts = node.store.count_by(LogFilter((1, 2, 3)), DAY, "logger")
        assert counts.records == Counter((record.time // DAY, "") for record in known)
        store_records(node, [{"message": "m", "logger": f"{n}"} for n in range(12)] * 2)
        wanted = LogFilter((1,), where=IsSet("logger"))
        found = node.store.count_by(wanted, 400_000 * DAY, "logger").records
        assert sorted(found.values()) == [2] * 10 + [4]
        assert found[0, None] == 4

    # Time.

    @pytest.mark.parametrize("newest_first", [True, False])
    def test_a_walk_that_often_runs_out_of_time_visits_each_record_once(
        self, node: Node, newest_first: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        known, clock = fill(node, random.Random(3)), Clock()
        rows_of, node.store.seconds = node.store._rows, 5.0

        def search_slowly(day: str, sql: str, bindings: Any, deadline: float | None) -> Any:
            ends = clock.now + (bindings[0]["end"] - bindings[0]["start"]) / (6 * HOUR)
            if deadline is not None and ends > deadline:
                clock.now = deadline
                raise OutOfTime
            clock.now = ends
            return rows_of(day, sql, bindings, None)

        monkeypatch.setattr(node.store, "_rows", search_slowly)
        for module in (scan, log_reader):
            monkeypatch.setattr(module, "time", clock)
        walked = list(walk(node, LogFilter((1, 2, 3)), 7, newest_first))
        assert clock.now > 2 * node.store.seconds
        expected = sorted(known, reverse=newest_first)
        assert [message for _, message in walked] == [record.message for record in expected]

    def test_without_any_time_a_search_still_comes_further(self, node: Node) -> None:
        store_on(node, ["a", "b"], NOW)
        node.store.seconds = 0.0
        page = node.store.search(LogFilter(APPS, start=NOW - 3, end=NOW + 3), 10)
        assert page == Page([], [], Position(NOW + 2, "", 0))
        walked = walk(node, LogFilter(APPS, NOW - 3, NOW + 3), 10, True)
        assert [message for _, message in walked] == ["b", "a"]

    def test_the_database_gives_up_a_statement_at_its_deadline(self, node: Node) -> None:
        day = store_on(node, ["a"], NOW)
        endless = {
            "sqlite": "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n) "
            "SELECT count(*) FROM n",
            "mysql": "SELECT SLEEP(1000) FROM log",
        }[node.engine.dialect.name]
        with pytest.raises(OutOfTime):
            node.store._rows(day, endless, [{}], monotonic() + 0.05)
        assert messages_of(everything(node)) == ["a"]

    def test_counting_ends_when_the_time_is_up(self, node: Node) -> None:
        for hours in range(3):
            store_on(node, ["a"], NOW - hours * HOUR)
        node.store.seconds = 0.0
        counts = node.store.count(LogFilter(APPS), SECOND)
        assert counts.partial
        assert counts.records.total() < 3

    # One record.

    def test_a_record_is_got_by_its_day_and_id_by_those_who_may(self, node: Node) -> None:
        day = store_on(node, ["a", "b"], NOW - DAY)
        ids = {row[1][MESSAGE]: position_of(row).id for row in everything(node).rows}
        record = node.store.get(day, ids["b"], (1,))
        assert record is not None and record[1][MESSAGE] == "b"
        assert node.store.get(day, ids["b"], (2, 3)) is None
        assert node.store.get(day, max(ids.values()) + 1, (1,)) is None
        assert node.store.get(TODAY, ids["b"], (1,)) is None

    # Values and filters.

    def test_every_value_comes_back_as_it_was(self, node: Node) -> None:
        store_records(node, [*FIELDS, {"message": "x" * 65_536}, {"message": "支" * 21_845}])
        rows = [dict(zip(COLUMNS, values, strict=True)) for _, values in everything(node).rows]
        by_message = {row["message"]: row for row in rows}
        for record in FIELDS:
            for name in ("user_id", "release", "logger", "seq"):
                assert by_message[record["message"]][name] == record.get(name)
        assert {"x" * 65_536, "支" * 21_845} < set(by_message)

    def test_attributes_as_long_as_they_may_be_are_stored(self, node: Node) -> None:
        text = '\\"支' * 18_000
        store_records(node, [{"message": "large", "attributes": {"text": text}}])
        (row,) = everything(node).rows
        assert msgspec.json.decode(row[1][COLUMNS.index("attributes")]) == {"text": text}

    def test_text_is_found_in_any_language_and_case(self, node: Node) -> None:
        store_records(node, [{"message": text} for text in TEXTS])
        assert sorted(node.stored()) == sorted(TEXTS)
        for needle in NEEDLES:
            expected = sorted(text for text in TEXTS if contains_folded(text, needle.casefold()))
            assert found(node, Contains(needle)) == expected, needle

    def test_fields_are_compared_exactly(self, node: Node) -> None:
        store_records(node, FIELDS)
        for name, value, expected in [
            ("user_id", "u", ["a"]),
            ("user_id", "u ", ["c"]),
            ("user_id", "", ["d"]),
            ("user_id", "😀" * 128, ["e"]),
            ("logger", "Straße", ["a"]),
            ("release", "1.0", ["a"]),
            ("release", "' OR 1=1 -- ", []),
        ]:
            assert found(node, Compares(name, "=", value)) == expected, (name, value)

    def test_attributes_are_found_by_their_path(self, node: Node) -> None:
        store_records(
            node, [{"message": str(n), "attributes": a} for n, a in enumerate(ATTRIBUTES)]
        )
        for path, value in ASKED:
            expected = [
                str(n)
                for n, attributes in enumerate(ATTRIBUTES)
                if value in _spellings(attributes, path)
            ]
            assert found(node, Member("attributes", path, "=", value)) == expected, (path, value)

    def test_severities_are_ranges(self, node: Node) -> None:
        store_records(node, [{"message": str(n), "level": n} for n in range(1, 25)])
        assert found(node, Compares("severity", ">", 22)) == ["23", "24"]
        either = Either((Compares("severity", "<=", 2), Compares("severity", "=", 24)))
        assert found(node, either) == ["1", "2", "24"]

    def test_conditions_may_be_joined_and_turned_round(self, node: Node) -> None:
        store_records(node, JOINED)
        by_a, is_home = Compares("user_id", "=", "a"), Member("attributes", "screen", "=", "home")
        for where, expected in [
            (All(), ["1", "2", "3", "4"]),
            (All((by_a, is_home)), ["1"]),
            (Either((by_a, is_home)), ["1", "2", "3"]),
            (Not(by_a), ["3", "4"]),
            (Not(is_home), ["2", "4"]),
            (Not(Either((by_a, is_home))), ["4"]),
            (Not(Not(by_a)), ["1", "2"]),
            (IsSet("user_id"), ["1", "2", "3"]),
            (Not(IsSet("user_id")), ["4"]),
            (IsSet("attributes", "http.status"), ["1", "2", "3"]),
            (Not(IsSet("attributes", "screen")), ["2", "4"]),
            (Either((Contains("1"), Not(Contains("3")), Contains("4"))), ["1", "2", "4"]),
        ]:
            assert found(node, where) == expected, where

    def test_members_are_compared_as_numbers_and_by_patterns(self, node: Node) -> None:
        store_records(node, JOINED)
        for path, sign, value, expected in [
            ("http.status", ">=", 500.0, ["2"]),
            ("http.status", "<", 500.0, ["1"]),
            ("http.status", "<=", 200.0, ["1"]),
            ("ms", ">", 1.0, ["3"]),
            ("screen", LIKE, f"h{ANY}", ["1", "3"]),
            ("screen", LIKE, f"H{ANY}", []),
            ("http.status", LIKE, f"5{ANY}", ["2", "3"]),
            ("absent", LIKE, ANY, []),
        ]:
            assert found(node, Member("attributes", path, sign, value)) == expected, path
        assert found(node, Member("exception", "type", "=", "TypeError")) == ["4"]

    def test_patterns_are_of_the_whole_field_and_mind_case(self, node: Node) -> None:
        for name in ("[a]%_?*\\x", "支付-1", "A-1", "a-1"):
            store_records(node, [{"message": name, "user_id": name}])
        for pattern, expected in [
            (f"{ANY}-1", ["A-1", "a-1", "支付-1"]),
            (f"a{ANY}", ["a-1"]),
            (f"{ANY}-", []),
            (f"支{ANY}1", ["支付-1"]),
            (f"[a]{ANY}", ["[a]%_?*\\x"]),
            (f"{ANY}%_?*\\{ANY}", ["[a]%_?*\\x"]),
            (f"{ANY}_1", []),
        ]:
            assert found(node, Compares("user_id", LIKE, pattern)) == expected, pattern

    def test_pieces_of_a_message_are_found_in_their_order(self, node: Node) -> None:
        texts = ["Zahlung über 5 € misslungen", "misslungen: Zahlung ÜBER", "支付 5 失败", "100%_"]
        store_records(node, [{"message": text} for text in texts])
        for text, expected in [
            (f"zahlung{ANY}MISSLUNGEN", [texts[0]]),
            (f"Über{ANY}€", [texts[0]]),
            (f"zahlung{ANY}über", sorted(texts[:2])),
            (f"支付{ANY}失败", [texts[2]]),
            (f"失败{ANY}支付", []),
            (f"1{ANY}%_", [texts[3]]),
        ]:
            assert found(node, Contains(text)) == expected, text

    # Once, and only once.

    def test_a_batch_sent_again_is_counted_as_duplicate(self, node: Node) -> None:
        keys = ("key", "key ", "Key", "支付😀")
        for _ in range(2):
            node.write_segment(*(frame([f"{key}1", f"{key}2"], key) for key in keys), frame(["c"]))
            node.drain()
        node.write_segment(frame(["d"], "twice"), frame(["d"], "twice"))
        node.write_segment(frame(["e"], "key", app_id=2))
        node.drain()
        assert len(node.stored()) == 2 * len(keys) + 4
        assert node.counters() == {"received": 21, "stored": 12, "duplicate": 9}

    def test_a_batch_is_known_for_72_hours(self, node: Node) -> None:
        for hours, stored in ((0, 1), (71, 1), (97, 2)):
            at = NOW - 97 * 3600 * SECOND + hours * 3600 * SECOND
            node.write_segment(frame([f"after {hours}"], "key", at=at), at=at)
            node.drain()
            assert len(node.stored()) == stored, hours

    def test_frames_that_are_stored_are_not_stored_again(self, node: Node) -> None:
        """As after kill -9 just before the segment was removed."""
        path = node.write_segment(frame(["a"]), frame(["b"]))
        content = path.read_bytes()
        writer = node.writer()
        assert writer.elected()
        writer.log_store.forget_segment = lambda segment: None  # type: ignore[method-assign]
        assert writer.drain() == 2
        writer.resign()
        path.write_bytes(content + frame(["c"]))
        assert node.drain() == 1
        assert sorted(node.stored()) == ["a", "b", "c"]
        assert node.counters() == {"received": 3, "stored": 3}
        assert list_segments(node.folder) == []

    def test_a_segment_that_crosses_midnight_goes_to_two_partitions(self, node: Node) -> None:
        before, after = MIDNIGHT - SECOND, MIDNIGHT + SECOND
        node.write_segment(
            frame(["late"], at=before), frame(["early", "early too"], at=after), at=before
        )
        node.drain()
        counted = {p.name: p.records for p in node.store.catalogue.partitions()}
        assert counted == {day_of(before): 1, TODAY: 2}
        assert all(p.bytes > 0 for p in node.store.catalogue.partitions())

    def test_rejected_records_are_counted_with_their_reason(self, node: Node) -> None:
        payload = b'{"sent_at":null,"logs":[{"message":"good"}],"rejected":{"invalid_level":3}}'
        node.write_segment(raw_frame(payload, 1, form=Form.CLEANED))
        node.drain()
        assert node.counters() == {"received": 4, "stored": 1, "rejected:invalid_level": 3}

    def test_what_devices_lost_is_counted_beside_what_was_received(self, node: Node) -> None:
        payload = b'{"logs":[],"rejected":{"lost:network_error":3}}'
        node.write_segment(raw_frame(payload, 0, form=Form.CLEANED), frame(["good"]))
        node.drain()
        assert {n: c for n, c in node.counters().items() if c} == {
            "lost:network_error": 3,
            "received": 1,
            "stored": 1,
        }

    def test_a_frame_that_the_store_refuses_never_blocks_the_line(self, node: Node) -> None:
        store_records(node, [{"message": "first"}])
        _refuse_poison(node)
        node.write_segment(frame(["a"]), frame(["poison", "fellow"], "its key"), frame(["b"]))
        node.drain()
        assert node.stored() == ["b", "a", "first"]
        assert node.counters() == {"received": 5, "stored": 3, "rejected:quarantined": 2}
        assert node.quarantined() == ["frame"]
        assert list_segments(node.folder) == []

    # Partitions.

    def test_old_partitions_are_dropped_after_some_days(self, node: Node) -> None:
        days = [store_on(node, ["m"], NOW - n * DAY) for n in (0, 1, 2, 3, 9)]
        assert days_of(node) == days
        node.drain(days=2)
        assert days_of(node) == days[:3]
        assert len(everything(node).rows) == 3

    def test_for_ever_is_for_ever(self, node: Node) -> None:
        days = [store_on(node, ["m"], NOW - n * DAY) for n in (0, 4000)]
        node.drain(days=0)
        assert days_of(node) == days

    def test_a_day_that_comes_back_after_its_drop_is_read_anew(self, node: Node) -> None:
        day = store_on(node, ["old"], NOW - DAY)
        reader = node.writer().log_store  # another worker's
        assert messages_of(reader.search(LogFilter(APPS), 10)) == ["old"]
        assert node.store.catalogue.request_drop(day)
        node.drain()
        assert days_of(node) == []
        store_on(node, ["new"], NOW - DAY)
        assert messages_of(reader.search(LogFilter(APPS), 10)) == ["new"]

    def test_dropping_today_does_not_forget_what_the_journal_has_stored(self, node: Node) -> None:
        """The segment is still written to: its frames must not come back, nor its batches twice."""
        journal, writer = node.journal(), node.writer()
        assert writer.elected()
        report(journal, "a", "b")
        writer.drain()
        assert node.store.catalogue.request_drop(TODAY)
        writer.drain()
        assert everything(node).rows == []
        report(journal, "c", "a")
        writer.drain()
        assert messages_of(everything(node)) == ["c"]
        writer.resign()
        assert not any(p.drop_requested for p in node.store.catalogue.partitions())
        journal.stop()
        node.drain()
        assert messages_of(everything(node)) == ["c"]
        assert node.counters() == {"received": 4, "stored": 3, "duplicate": 1}

    def test_a_partition_of_an_older_version_is_upgraded(
        self, node: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It lacks a column that came later: its records have none of it, new ones may."""
        store_records(node, [{"message": "old"}])
        _take_column(node, TODAY, "span_id")
        for module in (day_file, mysql_days):
            monkeypatch.setattr(module, "SCHEMA_VERSION", 5)
        node.store.upgrade()
        node.store.upgrade()
        assert [p.schema_version for p in node.store.catalogue.partitions()] == [5]
        store_records(node, [{"message": "new", "span_id": "s"}])
        assert node.stored() == ["new", "old"]
        assert found(node, Compares("span_id", "=", "s")) == ["new"]

    def test_a_partition_of_a_newer_version_is_refused(self, node: Node) -> None:
        store_on(node, ["a"], NOW)
        with node.engine.begin() as connection:
            connection.execute(update(log_partition).values(schema_version=9))
        with pytest.raises(StartError, match=f"{TODAY} has schema 9, newer than this version's"):
            node.store.upgrade()

    def test_frames_may_be_appended_by_the_door_alone(self, node: Node) -> None:
        payload = b'[{"message": "m"}]'
        one = Frame(1, NOW, 1, Form.ARRAY, "", payload, 8, 100)
        values = make_rows(1, NOW, decode(Form.ARRAY, payload))
        prepared = packed(Prepared(one, 1, values, {}, time_range(values)), node.store.pack)
        (appended,) = node.store.append("segment", [prepared])
        assert (appended.stored, appended.end) == (1, 100)
        assert node.store.positions({"segment"}) == {"segment": 100}
        node.store.forget_segment("segment")
        told = node.store.positions({"segment"})
        assert told.get("segment", 100) >= 100  # nothing of it is stored again
        node.store.close_writer()


def _spellings(attributes: dict[str, Any], path: str) -> set[str]:
    """How the members that a path may mean are asked for."""
    nested: Any = attributes
    for key in path.split("."):
        nested = nested.get(key) if isinstance(nested, dict) else None
    spelled: set[str] = set()
    for value in (attributes.get(path), nested):
        if isinstance(value, bool):
            spelled |= {str(value).lower(), str(int(value))}
        elif isinstance(value, str):
            spelled.add(value)
        elif value is not None:
            spelled.add(msgspec.json.encode(value).decode())
    return spelled


def _refuse_poison(node: Node) -> None:
    """Let today's partition refuse one message."""
    if node.engine.dialect.name == "sqlite":
        file = day_file.open_for_writing(day_file.path_of(node.data / "logs", TODAY))
        file.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON log WHEN NEW.message = 'poison' "
            "BEGIN SELECT RAISE(ABORT, 'never'); END"
        )
        file.close()
        return
    with node.engine.begin() as connection:
        connection.exec_driver_sql(
            f"ALTER TABLE log_{TODAY} ADD CONSTRAINT never CHECK (message <> 'poison')"
        )


def _take_column(node: Node, day: str, column: str) -> None:
    """Make a partition as it was before it had a column."""
    if node.engine.dialect.name == "sqlite":
        file = day_file.open_for_writing(day_file.path_of(node.data / "logs", day))
        file.execute(f"ALTER TABLE log DROP COLUMN {column}")
        file.close()
        return
    with node.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE log_{day} DROP COLUMN {column}")
