"""What only MySQL's store must stand: lost answers, collisions, servers that forbid or delay."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mariadb import MISSING, PASSWORD, MariaDB, is_here
from node import MESSAGE, Node, frame, raw_frame
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from started import wait_until

from database import drainer, mysql_append, mysql_engine, mysql_store
from database.day_file import AWAY
from database.engine import open_engine
from database.log_query import COLUMNS as FOUND
from database.log_query import LogFilter
from database.mysql_bulk import insert, pack
from database.mysql_check import check
from database.mysql_errors import RowsRefused
from database.mysql_store import MySQLStore
from database.mysql_tables import table_of
from database.rows import COLUMNS, Values, decode, make_rows
from database.segments import list_segments
from database.writer import Writer
from exceptions import StartError
from utils.clock import SECOND, day_of, now_us
from utils.record import Form
from utils.settings import Database

pytestmark = pytest.mark.mariadb
NOW = now_us()
TODAY = day_of(NOW)
LOGGER, ATTRIBUTES = map(FOUND.index, ("logger", "attributes"))


@pytest.fixture
def node(mariadb: MariaDB, tmp_path: Path) -> Iterator[Node]:
    """A fresh node on MariaDB."""
    made = Node(tmp_path / "data", mariadb.url(mariadb.new_database()))
    yield made
    made.close()
    made.check_rollup()


@pytest.fixture
def second(node: Node, tmp_path: Path) -> Iterator[Node]:
    """Another node on the same database."""
    made = Node(tmp_path / "second", node.engine.url.render_as_string(hide_password=False))
    yield made
    made.close()


def store_of(writer: Writer) -> MySQLStore:
    store = writer.log_store
    assert isinstance(store, MySQLStore)
    return store


def values_of(payload: bytes) -> Values:
    return make_rows(1, NOW, decode(Form.ARRAY, payload))


def test_a_commit_whose_answer_was_lost_is_not_made_again(node: Node) -> None:
    node.write_segment(frame(["a"], "key"), frame(["b"]))
    writer = node.writer()
    assert writer.elected()

    calls = []
    real = store_of(writer)._append_day

    def append_then_lose(*arguments: Any) -> Any:
        done = real(*arguments)
        if not calls:
            calls.append(done)
            raise OperationalError("COMMIT", {}, Exception(2013, "Lost connection"))
        return done

    store_of(writer)._append_day = append_then_lose  # type: ignore[method-assign]
    with pytest.raises(AWAY):
        writer.drain()
    writer.drain()
    writer.resign()
    assert sorted(node.stored()) == ["a", "b"]
    assert node.counters() == {"received": 2, "stored": 2}


@pytest.mark.parametrize("statement", ["LOAD DATA", "INSERT INTO log_batch", "INSERT INTO app_c"])
def test_a_connection_that_breaks_anywhere_loses_and_doubles_nothing(
    node: Node, statement: str
) -> None:
    node.write_segment(*(frame([str(n)], f"key {n}") for n in range(20)))
    writer = node.writer()
    assert writer.elected()
    broken: list[str] = []

    def break_it(connection: Any, cursor: Any, sql: str, *_: Any) -> None:
        if sql.startswith(statement) and len(broken) < 2:
            broken.append(sql)
            with node.engine.connect() as other:
                thread = connection.connection.driver_connection.thread_id()
                other.exec_driver_sql(f"KILL {thread}")

    event.listen(store_of(writer).engine, "before_cursor_execute", break_it)
    for _ in range(2):
        with pytest.raises(AWAY, match="connection"):
            writer.drain()
    assert writer.drain() == 20
    writer.resign()
    assert len(broken) == 2
    assert sorted(node.stored(), key=int) == [str(n) for n in range(20)]
    assert node.counters() == {"received": 20, "stored": 20}


def test_two_nodes_that_store_the_same_batches_at_once(node: Node, second: Node) -> None:
    """Their transactions collide on keys and counters; each batch is stored once."""
    for each in (node, second):
        for _ in range(3):
            each.write_segment(*(frame([f"m{n}"], f"key {n}") for n in range(150)))
    failures: list[BaseException] = []

    def drain(each: Node) -> None:
        writer = each.writer(batch_bytes=2000)
        assert writer.elected()
        while list_segments(each.folder):
            try:
                writer.drain()
            except AWAY as error:
                failures.append(error)
        writer.resign()

    threads = [threading.Thread(target=drain, args=(each,)) for each in (node, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(node.stored()) == sorted(f"m{n}" for n in range(150))
    assert node.counters() == {"received": 900, "stored": 150, "duplicate": 750}
    assert len(failures) < 3


def test_a_partition_that_another_node_dropped_is_made_anew(node: Node, second: Node) -> None:
    node.write_segment(frame(["old"]))
    writer = node.writer()
    assert writer.elected() and writer.drain() == 1
    second.store.drop(TODAY, ())
    second.store.drop(TODAY, ())
    node.write_segment(frame(["new"]))
    with pytest.raises(AWAY):
        writer.drain()
    assert writer.drain() == 1
    writer.resign()
    assert second.stored() == ["new"]


def test_a_drop_that_was_interrupted_is_ended_by_the_next_one_to_store(node: Node) -> None:
    node.write_segment(frame(["old"]))
    node.drain()
    with node.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE log_partition SET drop_requested = 2")
    node.write_segment(frame(["new"]))
    node.drain(days=0)
    assert node.stored() == ["new"]


def test_queries_do_not_wait_for_a_drop_that_waits_for_a_query(
    node: Node, second: Node, mariadb: MariaDB
) -> None:
    node.write_segment(frame(["old"]))
    node.drain()
    assert second.stored() == ["old"]
    dropping = threading.Thread(target=node.store.drop, args=(TODAY, ()))
    waiting = "SELECT 1 FROM information_schema.processlist WHERE state LIKE '%metadata lock%'"
    with second.engine.begin() as query:
        query.exec_driver_sql(f"SELECT 1 FROM {table_of(TODAY)}")
        dropping.start()
        wait_until(lambda: mariadb.run(waiting), "the drop to wait")
        assert second.stored() == []
        assert mariadb.run(waiting)
    dropping.join(30)
    assert not dropping.is_alive()
    assert second.store.catalogue.partitions() == []


def test_rows_wait_for_a_server_that_is_read_only(node: Node, mariadb: MariaDB) -> None:
    user = "reader"
    mariadb.run(
        f"CREATE OR REPLACE USER {user} IDENTIFIED BY '{PASSWORD}'",
        f"GRANT ALL ON `{node.engine.url.database}`.* TO {user}",
    )
    url = node.engine.url.set(username=user, password=PASSWORD)
    plain = Node(node.data, url.render_as_string(hide_password=False))
    writer = plain.writer()
    assert writer.elected()
    plain.write_segment(frame(["a"]))
    try:
        mariadb.run("SET GLOBAL read_only = ON")
        with pytest.raises(AWAY, match="read-only"):
            writer.drain()
    finally:
        mariadb.run("SET GLOBAL read_only = OFF")
    assert writer.drain() == 1
    plain.close()


def test_a_lock_that_is_not_free_in_time_is_waited_for_again(
    node: Node, mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.write_segment(frame(["a"]))
    node.drain()
    writer = node.writer()
    assert writer.elected()
    event.listen(
        store_of(writer).engine,
        "checkout",
        lambda driver, *_: driver.cursor().execute("SET SESSION innodb_lock_wait_timeout = 1"),
    )
    with node.engine.begin() as other:
        other.exec_driver_sql("UPDATE log_partition SET records = records")
        node.write_segment(frame(["b"]))
        with pytest.raises(AWAY, match="lock"):
            writer.drain()
    assert writer.drain() == 1
    writer.resign()
    assert sorted(node.stored()) == ["a", "b"]


TEXTS = [
    "plain",
    "支付 😀",
    "quote ' \" \\",
    *("null", "NULL", ",null", "a,null,b", "\\N"),
    *("],[", '"],["', "[[1,2],[3,4]]", "a\tb\r\nc\x08\x0c", "C:\\foo\\new\\u0001\\0"),
    *("\\", '\\"', "\\\\", '"', '""', " ", "\x7f\x80\u2028", "\x1a"),
    "".join(map(chr, range(1, 32))),
    *map(chr, range(32)),
    "a\x00b",
]


@pytest.mark.parametrize("together", [True, False])
def test_any_text_is_stored_as_it_came(node: Node, together: bool) -> None:
    """With `together` all of it in one piece, where one text may not spoil another."""
    records = [{"message": text, "logger": text[:9], "attributes": {text: text}} for text in TEXTS]
    for part in [records] if together else [[record] for record in records]:
        node.write_segment(raw_frame(json.dumps(part).encode(), len(part)))
    node.drain()
    found = {
        (values[MESSAGE], values[LOGGER], json.loads(values[ATTRIBUTES])[values[MESSAGE]])
        for _, values in node.store.search(LogFilter((1,)), 1000).rows
    }
    assert found == {(text, text[:9], text) for text in TEXTS}
    assert len(node.stored()) == len(TEXTS)


def test_a_server_that_forbids_load_data_is_given_inserts(node: Node, mariadb: MariaDB) -> None:
    texts = [*TEXTS, "100 %s %(x)s"]
    mariadb.run("SET GLOBAL local_infile = OFF")
    try:
        node.write_segment(frame(texts))
        node.drain()
    finally:
        mariadb.run("SET GLOBAL local_infile = ON")
    assert sorted(node.stored()) == sorted(texts)


def test_a_record_too_large_for_the_server_is_refused_and_not_taken_for_an_outage(
    node: Node,
) -> None:
    node.write_segment(frame(["first"]))
    node.drain()
    large = values_of(b'[{"message": "m"}]')
    large[COLUMNS.index("attributes")] = '{"a": "%s"}' % ("x" * 9_000_000)
    store = node.store
    assert isinstance(store, MySQLStore)
    with store.engine.begin() as connection, pytest.raises(RowsRefused, match="too large"):
        insert(connection, table_of(TODAY), [pack(large)])


def test_a_segment_that_is_gone_is_known_for_days(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when it was copied by a backup, and the dump that it is restored with was made later."""
    segment = node.write_segment(frame(["a"]))
    copied = segment.read_bytes()
    node.drain()
    assert not segment.exists()
    segment.write_bytes(copied)
    node.drain()
    assert node.stored() == ["a"] and not segment.exists()
    store = node.store
    assert isinstance(store, MySQLStore)
    store._forget()
    assert segment.stem in store.positions(())
    monkeypatch.setattr(mysql_store, "now_us", lambda: now_us() + mysql_store.FORGET_AFTER + SECOND)
    store._forgot_at = 0.0
    store._forget()
    assert store.positions(()) == {}


def test_segments_stay_until_the_server_has_flushed_its_commits(
    node: Node, mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drainer, "TIDY_SECONDS", 0.0)
    monkeypatch.setattr(mysql_engine, "MARGIN_SECONDS", 0.0)
    mariadb.run("SET GLOBAL innodb_flush_log_at_trx_commit = 2")
    try:
        node.write_segment(frame(["a"]))
        writer = node.writer()
        assert writer.elected() and writer.drain() == 1
        writer.drain()
        assert len(list_segments(node.folder)) == 1
        wait_until(lambda: writer.drain() == 0 and not list_segments(node.folder), "its end", 5)
    finally:
        mariadb.run("SET GLOBAL innodb_flush_log_at_trx_commit = 1")
    writer.resign()
    assert node.stored() == ["a"]


def test_a_commit_is_young_however_long_its_transaction_took(
    node: Node, mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = mysql_append.append

    def slowly(*arguments: Any) -> Any:
        time.sleep(1.0)  # as if it waited for a lock
        return append(*arguments)

    monkeypatch.setattr(mysql_append, "append", slowly)
    monkeypatch.setattr(mysql_store, "flush_seconds", lambda connection: 0.9)
    node.write_segment(frame(["a"]))
    (segment,) = [path.stem for path in list_segments(node.folder)]
    writer = node.writer()
    assert writer.elected() and writer.drain() == 1
    store = store_of(writer)
    assert store.make_durable([segment]) == []
    wait_until(lambda: store.make_durable([segment]) == [segment], "the flush", 5)
    writer.resign()


# A server that RedLog can't work on.


def complaint_of(node_url: str, tmp_path: Path) -> str:
    engine = open_engine(Database(node_url), tmp_path)
    with pytest.raises(StartError) as caught:
        check(engine)
    engine.dispose()
    return str(caught.value)


def test_what_is_wrong_with_a_database_is_one_line_without_the_password(
    mariadb: MariaDB, tmp_path: Path
) -> None:
    database = mariadb.new_database()
    mariadb.run(
        "CREATE OR REPLACE USER poor IDENTIFIED BY 'hunter2'",
        f"GRANT SELECT ON {database}.* TO poor",
    )
    for url, words in [
        (mariadb.url(database, "poor", "hunter3"), "refuses the user or the password"),
        (mariadb.url("nowhere", "root"), "has no such database; make it: CREATE DATABASE"),
        (mariadb.url("nowhere", "poor", "hunter2"), "needs GRANT SELECT, INSERT"),
        (mariadb.url(database, "poor", "hunter2"), "needs GRANT SELECT, INSERT"),
        (mariadb.url(database).replace(str(mariadb.port), "1"), "can't be reached"),
        ("mysql://u:hunter2@h/d", "mysql is unknown here"),
        ("postgresql://u:hunter2@h/d", "postgresql is unknown here"),
        ("mysql+pymysql://u:hunter2@h", "names no database"),
        ("hunter2", "no URL of a database"),
    ]:
        line = ""
        try:
            line = complaint_of(url, tmp_path)
        except StartError as error:
            line = str(error)
        assert words in line and "\n" not in line, (url, line)
        assert "hunter" not in line


def test_any_text_is_stored_whatever_charset_the_server_prefers(tmp_path: Path) -> None:
    """Each table says what it holds, and each connection what it sends."""
    if not is_here():
        pytest.skip(MISSING)
    options = ("--character-set-server=latin1", "--skip-character-set-client-handshake")
    server = MariaDB(tmp_path / "mariadb", *options).start()
    try:
        name = server.new_database()
        assert server.run("SELECT @@character_set_database", database=name) == [("latin1",)]
        for charset in ("latin1", "ucs2"):
            server.run(f"ALTER DATABASE {name} CHARACTER SET {charset}")
            node = Node(tmp_path / charset, server.url(name))
            check(node.engine)
            node.write_segment(frame(TEXTS, "支付"))
            node.drain()
            assert Counter(node.stored()) == Counter(TEXTS)
            node.store.drop(TODAY, ())
            node.close()
            server.run(f"DROP DATABASE {name}", f"CREATE DATABASE {name}")
    finally:
        server.kill()
