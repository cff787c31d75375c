"""Shared counters: exact over threads and processes, in Redis and without."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis_server import RedisServer

from database import redis_link
from database.rate_limits import HostCounters, RateLimits, _in_redis, _seconds_until
from database.redis_link import RedisLink

HOUR = 3600  # a window that no test outlasts
MakeCounters = Callable[[], Any]
MakeLink = Callable[..., RedisLink]


@pytest.fixture(params=["host", pytest.param("redis", marks=pytest.mark.redis)])
def make_counters(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    make_link: MakeLink,
    monkeypatch: pytest.MonkeyPatch,
) -> MakeCounters:
    """Makes the counters as each process of its own does; here a busy machine may be slow."""
    monkeypatch.setattr(redis_link, "TIMEOUT_SECONDS", 10.0)
    if request.param == "host":
        return lambda: HostCounters(tmp_path / "run" / "limits.db")
    url = request.getfixturevalue("redis_server").url
    return lambda: _in_redis(make_link(url))


class TestCounters:
    """The contract of both storages."""

    def test_no_more_than_the_limit_is_let_through(self, make_counters: MakeCounters) -> None:
        first, second = make_counters(), make_counters()
        let = [
            counters.acquire_sliding_window_entry("app", 5, HOUR, 1)
            for counters in (first, second) * 5
        ]
        assert let == [True] * 5 + [False] * 5

    def test_what_is_refused_does_not_count(self, make_counters: MakeCounters) -> None:
        counters = make_counters()
        assert counters.acquire_sliding_window_entry("app", 100, HOUR, 60)
        assert not counters.acquire_sliding_window_entry("app", 100, HOUR, 60)
        assert counters.acquire_sliding_window_entry("app", 100, HOUR, 40)
        assert counters.get_sliding_window("app", HOUR)[2] == 100

    def test_each_key_has_its_own(self, make_counters: MakeCounters) -> None:
        counters = make_counters()
        assert counters.acquire_sliding_window_entry("one", 1, HOUR, 1)
        assert counters.acquire_sliding_window_entry("two", 1, HOUR, 1)
        counters.clear_sliding_window("one", HOUR)
        assert counters.acquire_sliding_window_entry("one", 1, HOUR, 1)
        assert not counters.acquire_sliding_window_entry("two", 1, HOUR, 1)

    def test_a_plain_counter_adds_up_and_can_be_cleared(self, make_counters: MakeCounters) -> None:
        counters = make_counters()
        assert [counters.incr("a", HOUR), counters.incr("a", HOUR, 4)] == [1, 5]
        assert (counters.get("a"), counters.get("b"), counters.check()) == (5, 0, True)
        assert 3500 < counters.get_expiry("a") - counters.get_expiry("b") < 3700
        counters.clear("a")
        assert counters.get("a") == 0
        counters.incr("c", HOUR)
        counters.reset()
        assert counters.get("c") == 0


def _let_through(path: Path, times: int) -> int:
    counters = HostCounters(path)
    return sum(counters.acquire_sliding_window_entry("app", 500, HOUR, 1) for _ in range(times))


def test_processes_side_by_side_are_let_through_exactly_the_limit(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        done = pool.starmap(_let_through, [(tmp_path / "limits.db", 300)] * 3)
    assert sum(done) == 500


def test_old_counters_are_removed(tmp_path: Path) -> None:
    counters = HostCounters(tmp_path / "limits.db")
    counters.incr("old", -1)
    counters.incr("new", HOUR)
    with counters._transaction() as connection:
        assert [key for (key,) in connection.execute("SELECT key FROM counter")] == ["new"]


@pytest.mark.parametrize(
    ("room", "window", "seconds"),
    [
        (0, (0, 0.0, 100, 90.0), 90.0),  # this window must end and fade wholly
        (50, (0, 0.0, 100, 90.0), 60.0),  # or by half
        (50, (100, 30.0, 25, 90.0), 15.0),  # the one before need only fade to 25
        (50, (0, 0.0, 10, 90.0), 0.0),
    ],
)
def test_the_wait_is_as_long_as_the_windows_need_to_fade(
    room: int, window: tuple[int, float, int, float], seconds: float
) -> None:
    assert _seconds_until(room, 60, *window) == pytest.approx(seconds)


@pytest.mark.redis
def test_while_redis_is_away_the_host_counts(
    redis_server: RedisServer, tmp_path: Path, make_link: MakeLink
) -> None:
    link = make_link(redis_server.url)
    limits = RateLimits(tmp_path, link)
    assert limits.hit("requests", "1", 1) == 0.0
    assert 0 < limits.hit("requests", "1", 1) <= 120
    assert not (tmp_path / "run" / "limits.db").exists()
    redis_server.kill()
    assert limits.hit("requests", "1", 1) == 0.0
    assert limits.hit("requests", "1", 1) > 0
    redis_server.start()
    assert link.probe()
    assert limits.hit("requests", "1", 1) == 0.0  # a Redis without files has forgotten


def test_a_counter_that_fails_lets_reports_through(tmp_path: Path, make_link: MakeLink) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "limits.db").write_bytes(b"no database at all" * 100)
    limits = RateLimits(tmp_path, make_link())
    assert [limits.hit("requests", "1", 1) for _ in range(3)] == [0.0] * 3
