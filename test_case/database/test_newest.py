"""What is kept of the newest records is the store's own answer, under load and whatever fails."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest
from mariadb import MariaDB
from node import APPS, Node, frame, raw_frame
from redis_server import RedisServer
from started import wait_until

from database.erasures import Erasures
from database.expression import Contains
from database.log_query import LogFilter
from database.log_reader import Page, position_of
from database.mysql_store import MySQLStore
from database.newest import NewestFirst
from database.redis_link import RedisLink
from database.sqlite_store import SQLiteStore
from utils.clock import DAY, now_us

pytestmark = pytest.mark.redis
MOST = 20
MakeLink = Callable[..., RedisLink]


class Counted(MySQLStore):
    """It counts how often it is searched."""

    searched = 0

    def search(self, *arguments: Any, **named: Any) -> Page:
        self.searched += 1
        return super().search(*arguments, **named)


class Versioned(SQLiteStore):
    """A store with a version: with one writer that only appends, each day's greatest id."""

    searched = 0
    fixed: str | None = None

    def version(self) -> str | None:
        days = self.catalogue.partitions()
        return self.fixed or repr([(p.name, self._greatest(p.name)) for p in days])

    def _greatest(self, day: str) -> Any:
        try:
            with self._readers.reading(day) as connection:
                return connection.execute("SELECT max(id) FROM log").get
        except apsw.CantOpenError:  # it is being dropped
            return None

    def search(self, *arguments: Any, **named: Any) -> Page:
        self.searched += 1
        return super().search(*arguments, **named)


Store = Counted | Versioned


@pytest.fixture
def node(any_node: Node) -> Node:
    """A node with either store."""
    return any_node


@pytest.fixture
def store(node: Node) -> Store:
    """The node's store."""
    if node.engine.dialect.name == "sqlite":
        return Versioned(node.engine, node.data)
    return Counted(node.engine)


def write(node: Node, *messages: str, ago: int = 0, app_id: int = 1) -> None:
    """Store records that were received at that many µs before now."""
    node.write_segment(frame(messages, at=now_us() - ago, app_id=app_id), at=now_us() - ago)
    node.drain()


def asked(store: Store, newest: NewestFirst, limit: int = MOST, app_id: int = 1) -> int:
    """How often the store was searched for one answer, which must be its own."""
    before = store.searched
    page = newest.search(LogFilter((app_id,)), limit)
    searched = store.searched - before
    assert page == store.search(LogFilter((app_id,)), limit)
    return searched


def test_what_does_not_change_is_searched_for_once(
    node: Node, store: Store, redis_server: RedisServer, make_link: MakeLink
) -> None:
    newest = NewestFirst(store, make_link(redis_server.url), MOST)
    write(node, *(f"m{n}" for n in range(MOST + 5)))
    write(node, "of another app", app_id=2)
    assert [asked(store, newest) for _ in range(4)] == [1, 1, 0, 0]
    assert [asked(store, newest, limit) for limit in (1, 7, MOST)] == [0, 0, 0]
    other = NewestFirst(store, make_link(redis_server.url), MOST)  # another worker, another node
    assert [asked(store, other) for _ in range(2)] == [1, 0]
    assert [asked(store, newest, app_id=2) for _ in range(3)] == [1, 1, 0]


def test_what_is_stored_is_seen_at_once_and_in_its_place(
    node: Node, store: Store, redis_server: RedisServer, make_link: MakeLink
) -> None:
    newest = NewestFirst(store, make_link(redis_server.url), MOST)
    write(node, "first")
    for ago in (0, DAY, 60_000_000):
        assert [asked(store, newest) for _ in range(3)][-1] == 0
        write(node, f"{ago} µs ago", ago=ago)
        assert asked(store, newest) == 1
    assert len(newest.search(LogFilter((1,)), MOST).rows) == 4


def test_a_dropped_day_is_gone_at_once(
    node: Node, store: Store, redis_server: RedisServer, make_link: MakeLink
) -> None:
    newest = NewestFirst(store, make_link(redis_server.url), MOST)
    write(node, "old", ago=2 * DAY)
    write(node, "new")
    assert [asked(store, newest) for _ in range(3)][-1] == 0
    node.drain(days=1)
    assert asked(store, newest) == 1
    assert len(newest.search(LogFilter((1,)), MOST).rows) == 1


def test_whatever_else_is_asked_for_is_searched(
    node: Node, store: Store, redis_server: RedisServer, make_link: MakeLink
) -> None:
    newest = NewestFirst(store, make_link(redis_server.url), MOST)
    write(node, "one", "two", "three")
    last = position_of(store.search(LogFilter((1,)), 1).rows[0])
    for wanted, limit, newest_first, after in (
        (LogFilter((1,), where=Contains("one")), 5, True, None),
        (LogFilter((1,), start=0), 5, True, None),
        (LogFilter((1,)), 5, False, None),
        (LogFilter((1,)), 5, True, last),
        (LogFilter((1,)), MOST + 1, True, None),
    ):
        for _ in range(3):
            before = store.searched
            page = newest.search(wanted, limit, newest_first, after)
            assert store.searched == before + 1
            assert page == store.search(wanted, limit, newest_first, after)
    assert redis_server.client.keys("*newest*") == []


def test_what_could_not_be_read_is_not_kept(
    tmp_path: Path, redis_server: RedisServer, make_link: MakeLink
) -> None:
    node = Node(tmp_path / "data")
    store = Versioned(node.engine, node.data)
    newest = NewestFirst(store, make_link(redis_server.url), MOST)
    write(node, "lost", ago=DAY)
    write(node, "there")
    store.fixed = "1"
    damaged = min((node.data / "logs").glob("*.db"))
    damaged.write_bytes(b"no database " * 1000)
    assert [asked(store, newest) for _ in range(4)] == [1] * 4
    assert newest.search(LogFilter((1,)), MOST).unreadable == [damaged.stem]
    node.close()


def test_without_redis_the_store_answers_and_with_it_again(
    node: Node, store: Store, redis_server: RedisServer, make_link: MakeLink
) -> None:
    link = make_link(redis_server.url)
    newest = NewestFirst(store, link, MOST)
    write(node, "one")
    assert [asked(store, newest) for _ in range(3)][-1] == 0
    redis_server.kill()
    assert [asked(store, newest) for _ in range(3)] == [1] * 3
    write(node, "while it was away")
    redis_server.start()
    assert link.probe()
    assert [asked(store, newest) for _ in range(4)] == [1, 1, 0, 0]
    assert asked(store, NewestFirst(store, make_link(), MOST)) == 1
    assert asked(store, NewestFirst(store, link, 0)) == 1


def test_under_load_both_answers_are_the_same(
    node: Node, store: Store, redis_server: RedisServer, make_link: MakeLink
) -> None:
    workers = [NewestFirst(store, make_link(redis_server.url), MOST) for _ in range(3)]
    write(node, "first")
    stopping = threading.Event()
    compared = kept = rounds = 0

    def store_records() -> None:
        """Store at once or rounds later: on the busiest machine, too, some find no change."""
        writer, number, calm_until = node.writer(), 0, 0
        assert writer.elected()
        while not stopping.wait(0.005):
            if rounds < calm_until:
                continue
            number += 1
            app_id, ago = APPS[number % 2], number % 5 * 1_000_000
            node.write_segment(frame([f"m{number}"], at=now_us() - ago, app_id=app_id))
            writer.drain()
            calm_until = rounds + number % 8
        writer.resign()

    thread = threading.Thread(target=store_records)
    thread.start()
    try:
        while compared < 300 or kept < 30:
            rounds += 1
            for worker in workers:
                wanted = LogFilter(APPS[:2])
                before, searched = store.version(), store.searched
                page = worker.search(wanted, MOST)
                kept += store.searched == searched
                own = store.search(wanted, MOST)
                if store.version() == before:  # nothing was stored in between
                    assert page == own
                    compared += 1
    finally:
        stopping.set()
        thread.join()


def test_a_version_never_comes_back(node: Node, store: Store) -> None:
    versions = [store.version()]
    for number in range(3):  # each leaves no position: its segment is stored and forgotten
        write(node, f"m{number}")
        versions.append(store.version())
    assert len(set(versions)) == 4


@pytest.mark.mariadb
def test_what_was_erased_is_never_shown_again_and_not_kept_either(
    mariadb: MariaDB, tmp_path: Path, redis_server: RedisServer, make_link: MakeLink
) -> None:
    node = Node(tmp_path / "data", mariadb.url(mariadb.new_database()))
    store, link = Counted(node.engine), make_link(redis_server.url)
    newest, erasures = NewestFirst(store, link, MOST), Erasures(node.engine)
    payload = b'[{"message": "m", "user_id": "eve"}, {"message": "n"}]'
    node.write_segment(raw_frame(payload, 2))
    node.drain()
    assert [asked(store, newest) for _ in range(3)] == [1, 1, 0]
    kept = f"{link.prefix}newest:*"
    assert any(b"eve" in redis_server.client.get(key) for key in redis_server.client.keys(kept))

    number = erasures.request("user_id", "eve", None, "test").id
    writer = node.writer()
    writer.on_stored = writer._drainer.on_stored = newest.hear_erased
    assert writer.elected()

    def is_finished() -> bool:
        writer.drain()
        found = erasures.get(number)
        return found is not None and found.finished_at is not None

    wait_until(is_finished, "the erasure")
    assert redis_server.client.keys(kept) == []
    assert asked(store, newest) == 1
    assert len(newest.search(LogFilter((1,)), MOST).rows) == 1
    node.close()
