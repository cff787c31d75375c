"""What every store must do to forget somebody, on SQLite and on a real MariaDB."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from mariadb import MariaDB
from node import APPS, Node, frame, messages_of, raw_frame
from sqlalchemy import func, insert, select, update
from started import wait_until

from database import day_erase, drainer, erasing, mysql_erase
from database.access_tables import erasure, ingest_key, membership
from database.access_tables import node as nodes
from database.apps import Apps
from database.day_file import path_of
from database.erasures import Erasure, Erasures
from database.expression import Compares
from database.log_query import LogFilter
from database.log_store import Erased, Target
from database.segments import list_segments
from database.tables import app, app_counter
from database.writer import Writer
from utils.clock import DAY, day_of, now_us
from utils.record import Form

NOW = now_us()
TODAY = day_of(NOW)
EVE = "eve@example.org"
FIELDS = ("logger", "user_id", "device_id", "session_id", "trace_id")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits, and there are many steps."""
    monkeypatch.setattr(drainer, "TIDY_SECONDS", 0.0)
    for name in ("POLL_SECONDS", "WAIT_SECONDS", "FAILED_SECONDS", "KEYS_KNOWN_SECONDS"):
        monkeypatch.setattr(erasing, name, 0.001)
    monkeypatch.setattr(erasing, "RETENTION_SECONDS", 0.0)
    monkeypatch.setattr(day_erase, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(mysql_erase, "ROWS_AT_ONCE", 7)


@pytest.fixture
def node(any_node: Node) -> Node:
    """A fresh node on each kind of store."""
    return any_node


def records_of(user: str, messages: Iterable[str], field: str = "user_id") -> list[dict[str, Any]]:
    return [{"message": message, field: user} for message in messages]


def batch(records: list[dict[str, Any]], app_id: int = 1, at: int = NOW, key: str = "") -> bytes:
    return raw_frame(msgspec.json.encode(records), len(records), key, at, app_id)


def forget(node: Node, *wanted: Any, apps: tuple[int, ...] | None = None) -> Erasure:
    """Have it carried out, and what became of it."""
    erasures = Erasures(node.engine)
    number = erasures.request(*wanted, apps, "test").id
    writer = node.writer()
    assert writer.elected()
    finish(writer, erasures, number)
    writer.resign()
    found = erasures.get(number)
    assert found is not None
    return found


def drain_until(writer: Writer, holds: Callable[[], Any], what: str) -> None:
    wait_until(lambda: (writer.drain(), holds())[1], what)


def finish(writer: Writer, erasures: Erasures, number: int) -> None:
    def is_finished() -> bool:
        writer.drain()
        found = erasures.get(number)
        return found is not None and found.finished_at is not None

    wait_until(is_finished, "the erasure")


def store_three_days(node: Node) -> None:
    """Of Eve 3 records a day in app 1 and 2 in app 2, among 60 of others."""
    for ago in (2, 1, 0):
        at = NOW - ago * DAY
        others = [batch(records_of(f"u-{n}", [f"{ago} other {n}"] * 3), 1, at) for n in range(20)]
        eve = [batch(records_of(EVE, [f"{ago} eve 1"]), 1, at) for _ in range(3)]
        second = batch(records_of(EVE, [f"{ago} eve 2"] * 2), 2, at)
        node.write_segment(*others[:7], eve[0], eve[1], *others[7:], second, eve[2], at=at)
    node.drain()


def counted(node: Node) -> int:
    """The records of all days, as the catalogue says."""
    return sum(partition.records for partition in node.store.catalogue.partitions())


def test_a_person_is_found_nowhere_any_more_and_all_others_are(node: Node) -> None:
    store_three_days(node)
    theirs = LogFilter(APPS, where=Compares("user_id", "=", EVE))
    rows = node.store.search(theirs, 100).rows
    before = node.counters()
    assert (len(rows), counted(node)) == (15, 195)
    done = forget(node, "user_id", EVE)
    assert (done.records, done.value, done.unreadable_days) == ({1: 9, 2: 6}, None, [])
    assert node.store.search(theirs, 100).rows == []
    assert node.store.count(theirs, DAY)[0] == Counter()
    assert [node.store.get(day, row[0], APPS) for day, row in rows] == [None] * 15
    assert len(node.stored()) == counted(node) == 180
    assert not any("eve" in message for message in node.stored())
    assert node.counters() == before  # they tell what was stored, not what still is


def test_only_the_apps_that_were_named_are_touched(node: Node) -> None:
    store_three_days(node)
    assert forget(node, "user_id", EVE, apps=(2, 3)).records == {2: 6}
    assert sum("eve" in message for message in node.stored()) == 9


def test_a_device_is_forgotten(node: Node) -> None:
    node.write_segment(batch([{"message": "a", "device_id": "d"}, {"message": "b"}]))
    node.drain()
    assert forget(node, "device_id", "d").records == {1: 1}
    assert node.stored() == ["b"]


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE log; --", "%", "_", "EVE", "eve ", "e", "\\", "é"]
)
def test_a_value_is_nothing_but_a_value(node: Node, value: str) -> None:
    names = ["eve", "%x", "_x", "é́", "e\u0301"]
    node.write_segment(*(batch(records_of(name, [name])) for name in names))
    node.drain()
    assert forget(node, "user_id", value).records == {}
    assert sorted(node.stored()) == sorted(names)


def test_nobody_to_forget_is_soon_done(node: Node) -> None:
    assert forget(node, "user_id", "nobody").records == {}
    store_three_days(node)
    assert forget(node, "user_id", "nobody").records == {}
    assert counted(node) == 195


def test_what_waits_in_the_journal_goes_too_and_its_segments_with_it(node: Node) -> None:
    """A worker holds its segment open: it is asked to end it."""
    journal = node.journal()
    journal.start()
    try:
        for n in range(5):
            payload = msgspec.json.encode([*records_of(EVE, [f"eve {n}"]), {"message": "other"}])
            journal.append(1, 2, Form.ARRAY, "", payload)
        held = {path.name for path in list_segments(node.folder)}
        assert forget(node, "user_id", EVE).records == {1: 5}
        assert node.stored() == ["other"] * 5
        assert not held & {path.name for path in list_segments(node.folder)}
        journal.append(1, 1, Form.ARRAY, "", b'[{"message": "afterwards"}]')
    finally:
        journal.stop()
    node.drain()
    assert "afterwards" in node.stored()


def test_a_forgotten_batch_that_is_sent_again_is_still_a_duplicate(node: Node) -> None:
    node.write_segment(batch(records_of(EVE, "ab"), key="k"))
    node.drain()
    assert forget(node, "user_id", EVE).records == {1: 2}
    node.write_segment(batch(records_of(EVE, "ab"), key="k"))
    node.drain()
    assert node.stored() == []
    assert node.counters() == {"received": 4, "stored": 2, "duplicate": 2}


def test_the_drain_goes_on_meanwhile(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    store_three_days(node)
    monkeypatch.setattr(erasing, "SLICE_SECONDS", 0.0)  # one step a turn
    monkeypatch.setattr(erasing, "WAIT_SECONDS", 0.0)
    erasures, writer = Erasures(node.engine), node.writer()
    number = erasures.request("user_id", EVE, None, "test").id
    assert writer.elected()
    for n in range(5):
        node.write_segment(frame([f"new {n}"]))
        writer.drain()
        assert f"new {n}" in node.stored()
    found = erasures.get(number)
    assert found is not None and found.finished_at is None
    finish(writer, erasures, number)


def test_it_ends_although_more_is_stored_than_it_gets_through(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "SLICE_SECONDS", 0.0)  # a step of 7 rows a turn
    node.write_segment(*(batch(records_of(EVE, [f"before {n}"])) for n in range(50)))
    node.drain()
    erasures, writer, steps = Erasures(node.engine), node.writer(), []
    number = erasures.request("user_id", EVE, None, "test").id
    erase = writer.log_store.erase

    def step(day: str, target: Target, after: int) -> Erased:
        steps.append(after)
        if len(steps) < 100:
            node.write_segment(*(batch(records_of(EVE, ["after"])) for _ in range(20)))
        return erase(day, target, after)

    monkeypatch.setattr(writer.log_store, "erase", step)
    assert writer.elected()
    finish(writer, erasures, number)
    assert len(steps) < 100, "it went on as long as records came"
    assert not any("before" in message for message in node.stored())


@pytest.mark.parametrize("after", [0, 1, 12, 29])
@pytest.mark.parametrize("is_committed", [True, False])
def test_whoever_takes_over_ends_it(
    node: Node, monkeypatch: pytest.MonkeyPatch, after: int, is_committed: bool
) -> None:
    """As after kill -9 before or after any of its transactions."""
    store_three_days(node)
    erasures, writer = Erasures(node.engine), node.writer()
    number = erasures.request("user_id", EVE, None, "test").id
    erase, left = writer.log_store.erase, iter(range(after))

    def killed(day: str, target: Target, behind: int) -> Erased:
        if next(left, None) is None:
            if is_committed:
                erase(day, target, behind)
            raise KeyboardInterrupt
        return erase(day, target, behind)

    monkeypatch.setattr(writer.log_store, "erase", killed)
    assert writer.elected()
    with pytest.raises(KeyboardInterrupt):
        finish(writer, erasures, number)
    monkeypatch.setattr(type(writer._drainer.eraser), "leave", lambda self: None)
    writer.resign()
    again = node.writer()
    assert again.elected()
    finish(again, erasures, number)
    assert not any("eve" in message for message in node.stored())
    assert len(node.stored()) == counted(node) == 180


def test_requests_are_carried_out_one_after_the_other(node: Node) -> None:
    store_three_days(node)
    erasures = Erasures(node.engine)
    first = erasures.request("user_id", "u-1", None, "test").id
    assert forget(node, "user_id", "u-2").records == {1: 9}
    done = erasures.get(first)
    assert done is not None and (done.value, done.records) == (None, {1: 9})
    assert [each.id for each in erasures.all()] == [first + 1, first]


def test_what_was_put_aside_goes_too(node: Node) -> None:
    good = batch(records_of("someone", ["m"]))
    frames = {
        "eve.frame": batch([{"message": "m"}, {"message": "x", "user_id": EVE}]),
        "escaped.frame": raw_frame(b'[{"user_id": "\\u0065ve@example.org", "message": 1}]'),
        "cut.piece": b'\xff{"user_id":"eve@example.org',
        "other.frame": batch(records_of("steve@example.org", ["m"])),
        "spoken.frame": batch([{"message": EVE, "user_id": "someone"}]),
        "other.piece": good[:-9],
        "second.frame": batch(records_of(EVE, ["m"]), app_id=2),
    }
    folder = node.data / "quarantine"
    folder.mkdir()
    for name, data in frames.items():
        (folder / name).write_bytes(data)
        (folder / f"{name}.txt").write_text("why")

    def left() -> set[str]:
        return {path.name for path in folder.iterdir() if path.suffix != ".txt"}

    assert forget(node, "user_id", EVE, apps=(2,)).quarantined == 1
    assert left() == set(frames) - {"second.frame"}  # a piece may be of any app
    assert forget(node, "user_id", EVE).quarantined == 3
    assert left() == {"other.frame", "spoken.frame", "other.piece"}
    assert len(list(folder.glob("*.txt"))) == 3


# Apps.


def test_a_deleted_app_goes_with_all_that_is_known_of_it(node: Node) -> None:
    apps = Apps(node.engine, node.data)
    gone, kept = apps.create("gone").id, apps.create("kept").id
    with node.engine.begin() as connection:
        for each in (gone, kept):
            connection.execute(insert(membership).values(account_id=1, app_id=each))
    for at in (NOW - DAY, NOW):
        messages = [f"{n}" for n in range(20)]
        node.write_segment(*(frame(messages, at=at, app_id=each) for each in (gone, kept)), at=at)
    node.drain()
    number = apps.delete(gone, "test")
    assert number is not None
    writer, erasures = node.writer(), Erasures(node.engine)
    assert writer.elected()
    finish(writer, erasures, number)
    assert erasures.all()[0].records == {gone: 40}
    writer.resign()
    node.drain()  # whoever takes over tells the counters anew
    assert len(node.stored()) == counted(node) == 40
    with node.engine.connect() as connection:
        for column in (app.c.id, ingest_key.c.app_id, membership.c.app_id, app_counter.c.app_id):
            assert set(connection.scalars(select(column))) == {kept}
    assert len(erasures.all()) == 1
    assert apps.create("later").id > kept


def test_the_id_of_a_deleted_app_is_never_given_again(node: Node) -> None:
    apps = Apps(node.engine, node.data)
    last = apps.create("last").id
    number = apps.delete(last, "test")
    assert number is not None
    writer = node.writer()
    assert writer.elected()
    finish(writer, Erasures(node.engine), number)
    assert apps.create("next").id == last + 1


def test_an_app_keeps_its_records_for_its_own_time(node: Node) -> None:
    apps = Apps(node.engine, node.data)
    short, long = apps.create("short").id, apps.create("long").id
    with node.engine.begin() as connection:
        settings = update(app).where(app.c.id == short).values(settings='{"retention_days": 2}')
        connection.execute(settings)
    for ago in range(5):
        at = NOW - ago * DAY
        node.write_segment(
            *(frame([f"{each} {ago}"] * 9, at=at, app_id=each) for each in (short, long))
        )
    writer = node.writer()
    assert writer.elected()
    drain_until(writer, lambda: len(node.stored()) == 72, "retention")
    kept = {f"{long} {ago}" for ago in range(5)} | {f"{short} {ago}" for ago in range(3)}
    assert set(node.stored()) == kept
    writer.resign()
    assert counted(node) == 72
    assert node.counters() == {"received": 90, "stored": 90}


# Several nodes.


@pytest.mark.mariadb
def test_each_node_of_a_database_erases_what_its_journal_held(
    mariadb: MariaDB, tmp_path: Path
) -> None:
    url = mariadb.url(mariadb.new_database())
    one, two = Node(tmp_path / "one", url), Node(tmp_path / "two", url)
    for each in (one, two):
        each.drain()
    two.write_segment(batch(records_of(EVE, ["of two"] * 3)))
    one.write_segment(batch([*records_of(EVE, ["of one"] * 2), {"message": "other"}]))
    erasures = Erasures(one.engine)
    number = erasures.request("user_id", EVE, None, "test").id
    first, second = one.writer(), two.writer()
    assert first.elected()

    def is_empty() -> bool:
        first.drain()
        found = erasures.get(number)
        return found is not None and found.records == {1: 2}

    wait_until(is_empty, "the first node")
    wait_until(
        lambda: first.drain() or erasures.next_for(first._drainer.eraser._name) is None, "it"
    )
    found = erasures.get(number)
    assert found is not None and found.finished_at is None and found.value == EVE
    assert second.elected()
    finish(second, erasures, number)
    found = erasures.get(number)
    assert found is not None and found.records == {1: 5}
    assert one.stored() == ["other"]
    one.close()
    two.close()


def test_a_node_that_was_not_seen_for_a_month_is_not_waited_for(node: Node) -> None:
    store_three_days(node)
    other = {"name": "other", "erased": 0, "row": 0}
    with node.engine.begin() as connection:
        connection.execute(insert(nodes).values(seen_at=NOW - 29 * DAY, **other))
    erasures, writer = Erasures(node.engine), node.writer()
    number = erasures.request("user_id", EVE, None, "test").id
    assert writer.elected()
    drain_until(writer, lambda: len(node.stored()) == 180, "its own part")
    for _ in range(3):
        writer.drain()
    found = erasures.get(number)
    assert found is not None and (found.finished_at, found.value) == (None, EVE)
    with node.engine.begin() as connection:
        connection.execute(
            update(nodes).where(nodes.c.name == "other").values(seen_at=NOW - 31 * DAY)
        )
    finish(writer, erasures, number)


# SQLite's files.


def bytes_of(node: Node) -> bytes:
    return b"".join(path.read_bytes() for path in node.data.rglob("*") if path.is_file())


def records_with_long_texts(users: list[str], number: int) -> list[dict[str, Any]]:
    records = []
    for n in range(number):
        user, size = users[n * 7919 % len(users)], (1, 5, 20, 200, 900)[n % 5]
        text = f"{user} " * size
        records.append({"message": text, "attributes": {"of": text}, **dict.fromkeys(FIELDS, user)})
    return records


def test_nothing_of_it_is_left_in_any_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are forgotten, and while others read."""
    monkeypatch.setattr(day_erase, "ROWS_AT_ONCE", 1000)
    node = Node(tmp_path / "data")
    users = [f"user-{n:04}-of-many" for n in range(40)]
    for ago in (1, 0):
        records = records_with_long_texts(users, 1200)
        node.write_segment(batch(records, at=NOW - ago * DAY), at=NOW - ago * DAY)
    node.drain()
    assert len(node.store.search(LogFilter(APPS), 10).rows) == 10  # its connections stay open
    for user in users[:30]:
        assert sum(forget(node, "user_id", user).records.values()) == 60
        assert user.encode() not in bytes_of(node)
    assert len(node.stored()) == counted(node) == 2400 - 30 * 60
    left = bytes_of(node)
    assert not any(user.encode() in left for user in users[:30])
    assert all(user.encode() in left for user in users[30:])
    node.close()


def test_it_waits_for_a_reader_that_still_sees_them(tmp_path: Path) -> None:
    node = Node(tmp_path / "data")
    node.write_segment(batch(records_of(EVE, ["m"])))
    node.drain()
    reader = apsw.Connection(str(path_of(node.data / "logs", TODAY)))
    reader.execute("BEGIN; SELECT count(*) FROM log").fetchall()
    erasures, writer = Erasures(node.engine), node.writer()
    number = erasures.request("user_id", EVE, None, "test").id
    assert writer.elected()
    drain_until(writer, lambda: not node.stored(), "the erasing")
    for n in range(5):
        node.write_segment(frame([f"{n}"]))
        writer.drain()
    found = erasures.get(number)
    assert found is not None and found.finished_at is None
    assert len(node.stored()) == 5
    reader.close()
    finish(writer, erasures, number)
    assert EVE.encode() not in bytes_of(node)
    node.close()


def test_no_id_is_given_twice(tmp_path: Path) -> None:
    node = Node(tmp_path / "data")
    for n in range(3):
        node.write_segment(batch([*records_of("u", [f"{n}"]), *records_of(EVE, ["m"] * 2)]))
        node.drain()
        forget(node, "user_id", EVE)
    ids = [row[0] for _, row in node.store.search(LogFilter(APPS), 10).rows]
    assert ids == [7, 4, 1]
    assert counted(node) == 3
    node.close()


def test_an_old_day_gives_the_disk_back_beside_its_readers(tmp_path: Path) -> None:
    node = Node(tmp_path / "data")
    at = NOW - 6 * DAY
    day, path = day_of(at), path_of(tmp_path / "data" / "logs", day_of(at))
    records = records_with_long_texts([EVE, "u-1", "u-2"], 900)
    node.write_segment(batch(records, at=at), at=at)
    node.drain()
    size = path.stat().st_size
    rest = LogFilter(APPS, where=Compares("user_id", "=", "u-1"))
    rows = node.store.search(rest, 1000).rows
    assert forget(node, "user_id", EVE).records == {1: 300}
    wait_until(lambda: path.stat().st_size < size * 0.8, "the disk to come back")
    wait_until(lambda: threading.active_count() == 1 or not shrinking(), "its end")
    assert node.store.search(rest, 1000).rows == rows
    assert forget(node, "user_id", "u-2").records == {1: 300}
    assert [p.records for p in node.store.catalogue.partitions()] == [300]
    wait_until(lambda: path.stat().st_size < size * 0.45, "the rest")
    assert node.store.search(LogFilter(APPS), 1000).rows == rows
    assert [p.name for p in node.store.catalogue.partitions()] == [day]
    node.close()


def test_a_day_that_is_busy_gives_the_disk_back_when_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shrink, busy = day_erase.shrink, iter(range(3))

    def busy_at_first(path: Path) -> None:
        if next(busy, None) is not None:
            raise apsw.BusyError
        shrink(path)

    monkeypatch.setattr(day_erase, "shrink", busy_at_first)
    node = Node(tmp_path / "data")
    at = NOW - 6 * DAY
    path = path_of(node.data / "logs", day_of(at))
    node.write_segment(batch(records_with_long_texts([EVE, "u"], 200), at=at), at=at)
    node.drain()
    size = path.stat().st_size
    forget(node, "user_id", EVE)
    wait_until(lambda: path.stat().st_size < size * 0.7, "the disk to come back")
    node.close()


def shrinking() -> bool:
    return any("_shrink" in thread.name for thread in threading.enumerate())


def test_a_day_that_is_being_shrunk_is_erased_from_later(tmp_path: Path) -> None:
    node = Node(tmp_path / "data")
    at = NOW - 6 * DAY
    node.write_segment(batch(records_of(EVE, ["m"]), at=at), frame(["n"]), at=at)
    node.drain()
    other = apsw.Connection(str(path_of(node.data / "logs", day_of(at))))
    other.execute("BEGIN IMMEDIATE")
    erasures, writer = Erasures(node.engine), node.writer()
    number = erasures.request("user_id", EVE, None, "test").id
    assert writer.elected()
    for n in range(5):
        node.write_segment(frame([f"{n}"]))
        writer.drain()
    assert len(node.stored()) == 7
    other.execute("ROLLBACK")
    finish(writer, erasures, number)
    assert sorted(node.stored()) == ["0", "1", "2", "3", "4", "n"]
    node.close()


def test_a_damaged_day_is_named_and_the_others_are_erased_from(tmp_path: Path) -> None:
    node = Node(tmp_path / "data")
    for ago in (1, 0):
        at = NOW - ago * DAY
        node.write_segment(batch(records_of(EVE, ["m"]), at=at), frame(["n"], at=at), at=at)
    node.drain()
    yesterday = day_of(NOW - DAY)
    path_of(node.data / "logs", yesterday).write_bytes(b"no database" * 1000)
    done = forget(node, "user_id", EVE)
    assert (done.records, done.unreadable_days) == ({1: 1}, [yesterday])
    assert messages_of(node.store.search(LogFilter(APPS), 10)) == ["n"]
    node.close()


def test_the_table_keeps_no_value(node: Node) -> None:
    store_three_days(node)
    forget(node, "user_id", EVE)
    with node.engine.connect() as connection:
        assert connection.scalar(select(func.count(erasure.c.value))) == 0
