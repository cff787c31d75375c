"""Those who wait for records are woken, in other processes and on other nodes too."""

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from redis_server import RedisServer
from started import wait_until

from database.redis_bus import RedisBus
from database.redis_link import RedisLink
from database.waker import SLOTS, Waker

SOON = 0.5


MakeWaker = Callable[..., Waker]


@pytest.fixture
def make_waker(make_link: Callable[..., RedisLink]) -> MakeWaker:
    """Makes wakers of a data directory, as each process has one (`make_waker(path, url)`)."""
    return lambda data, url="": Waker(data, RedisBus(make_link(url)))


def test_a_waiting_reader_is_woken_by_its_own_app_only(
    tmp_path: Path, make_waker: MakeWaker
) -> None:
    waker, writer = make_waker(tmp_path), make_waker(tmp_path)
    since = waker.mark([1, 2])
    writer.stored([3])
    assert waker.wait([1, 2], since, 0.0) == since
    threading.Timer(0.1, writer.stored, ([2],)).start()
    started = time.monotonic()
    assert waker.wait([1, 2], since, 10.0) != since
    assert time.monotonic() - started < SOON + 0.1


def test_what_was_stored_before_waiting_is_not_missed(
    tmp_path: Path, make_waker: MakeWaker
) -> None:
    waker = make_waker(tmp_path)
    since = waker.mark([1])
    waker.stored([1])
    started = time.monotonic()
    after = waker.wait([1], since, 10.0)
    assert time.monotonic() - started < SOON
    assert waker.wait([1], after, 0.0) == after


def test_only_stored_records_wake(tmp_path: Path, make_waker: MakeWaker) -> None:
    waker = make_waker(tmp_path)
    since = waker.mark([1, 2])
    waker.hear_stored(Counter({(1, 5, "duplicate"): 3, (1, 5, "received"): 3}))
    assert waker.mark([1, 2]) == since
    waker.hear_stored(Counter({(2, 5, "stored"): 3}))
    assert waker.mark([1, 2])[0] == since[0] and waker.mark([1, 2])[1] != since[1]


def test_an_app_of_any_number_has_a_slot(tmp_path: Path, make_waker: MakeWaker) -> None:
    waker = make_waker(tmp_path)
    since = waker.mark([SLOTS * 7 + 5])
    waker.stored([SLOTS * 7 + 5])
    assert waker.mark([SLOTS * 7 + 5]) != since


def _store(data: Path) -> None:
    Waker(data, RedisBus(RedisLink("", "one", threads=1))).stored([1])


def test_another_process_wakes(tmp_path: Path, make_waker: MakeWaker) -> None:
    waker = make_waker(tmp_path)
    since = waker.mark([1])
    process = multiprocessing.get_context("spawn").Process(target=_store, args=(tmp_path,))
    process.start()
    assert waker.wait([1], since, 30.0) != since
    process.join()


@pytest.mark.redis
def test_another_node_wakes_through_redis(
    redis_server: RedisServer, tmp_path: Path, make_waker: MakeWaker
) -> None:
    here, there = (make_waker(tmp_path / name, redis_server.url) for name in ("a", "b"))
    begun = here.mark([1])
    here.bus.start()
    wait_until(lambda: here.mark([1]) != begun, "the listener, who may have missed some")
    since = here.mark([1])
    threading.Timer(0.1, there.stored, ([1],)).start()
    started = time.monotonic()
    assert here.wait([1], since, 10.0) != since
    assert time.monotonic() - started < SOON + 0.1
    here.bus.stop()


@pytest.mark.redis
def test_a_node_does_not_wake_itself_twice(
    redis_server: RedisServer, tmp_path: Path, make_waker: MakeWaker
) -> None:
    waker = make_waker(tmp_path, redis_server.url)
    begun = waker.mark([1, 2])
    waker.bus.start()
    wait_until(lambda: waker.mark([1]) != begun[:1], "the listener")
    waker.stored([1])
    since = waker.mark([1])
    make_waker(tmp_path / "other", redis_server.url).stored([2])
    wait_until(lambda: waker.mark([2]) != begun[1:], "the message after it")
    assert waker.mark([1]) == since
    waker.bus.stop()
