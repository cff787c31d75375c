"""Shared counters for rate limits: in Redis for all nodes, else in a file for the host's workers.

By the library `limits`, with its sliding window counter: what was let through in this minute and
the part of the minute before that still counts. What is refused does not count.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import apsw
from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage, SlidingWindowCounterSupport, Storage
from limits.storage.base import TimestampedSlidingWindow

from database.redis_link import RedisAway, RedisLink
from utils.log import log

DAY_SECONDS = 86_400
BUSY_SECONDS, BUSY_POLL_SECONDS = 0.1, 0.0005
Counters = Any  # a Storage with SlidingWindowCounterSupport

_SCHEMA = """
CREATE TABLE IF NOT EXISTS counter (key TEXT PRIMARY KEY, hits INTEGER, until REAL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ix_counter_until ON counter (until);
"""
_ADD = """
INSERT INTO counter VALUES (:key, :amount, :until) ON CONFLICT DO UPDATE SET
hits = CASE WHEN until > :now THEN hits ELSE 0 END + :amount,
until = CASE WHEN until > :now THEN until ELSE :until END RETURNING hits
"""
_HITS = "SELECT hits FROM counter WHERE key = ? AND until > ?"


class RateLimits:
    """How often something may happen in a minute, over all workers, and nodes if Redis is there."""

    def __init__(self, data_dir: Path, link: RedisLink) -> None:
        self.link = link
        self._own = HostCounters(data_dir / "run" / "limits.db")
        self._shared = _in_redis(link) if link.is_configured else None

    def hit(self, name: str, key: str, per_minute: int, cost: int = 1) -> float:
        """Take `cost` of what `key` may do in a minute; 0.0, or the seconds to wait if refused."""
        item = _item(name, per_minute)
        return self._counted(lambda counters: _hit(counters, item, key, cost))

    def hit_of_day(self, name: str, key: str, per_day: int, cost: int) -> float:
        """Take `cost` of what `key` may do on this UTC day; 0.0, or the seconds until the next."""
        now = time.time()
        left = DAY_SECONDS - now % DAY_SECONDS
        today = f"{name}/{key}/{now // DAY_SECONDS:.0f}"
        return self._counted(lambda counters: _hit_once(counters, today, per_day, cost, left))

    def _counted(self, count: Callable[[Counters], float]) -> float:
        """Count where it is shared most widely.

        A counter that fails lets all through: a limit must never cost a report.
        """
        try:
            return self.link.call(lambda _: count(self._shared))
        except RedisAway:
            pass
        try:
            return count(self._own)
        except (apsw.Error, OSError) as error:
            log.warning("rate limits can't be counted: %s", error)
            return 0.0


class HostCounters(Storage, SlidingWindowCounterSupport, TimestampedSlidingWindow):
    """A storage of `limits` in a SQLite file, exact over all processes of a host.

    It need not survive the host, so nothing is ever synced.
    """

    STORAGE_SCHEME = ["redlog-host"]  # noqa: RUF012  # as the base class has it
    base_exceptions = apsw.Error

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None

    def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count `amount` if it stays within `limit`; whether it did."""
        with self._transaction() as connection:
            now = time.time()
            earlier, earlier_left, hits, left = self._window(connection, key, expiry, now)
            if math.floor(earlier * earlier_left / expiry) + hits + amount > limit:
                return False
            _, current = self.sliding_window_keys(key, expiry, now)
            _add(connection, current, amount, now, now + left)
            return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Hits of the window before and the seconds that it counts on, and of this one."""
        with self._transaction() as connection:
            return self._window(connection, key, expiry, time.time())

    def _window(
        self, connection: apsw.Connection, key: str, expiry: int, now: float
    ) -> tuple[int, float, int, float]:
        previous, current = self.sliding_window_keys(key, expiry, now)
        left = expiry - now % expiry
        earlier, hits = _hits(connection, previous, now), _hits(connection, current, now)
        return earlier, left, hits, left + expiry

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget a key's windows."""
        for window in self.sliding_window_keys(key, expiry, time.time()):
            self.clear(window)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a counter that is good for `expiry` seconds; its value then."""
        now = time.time()
        with self._transaction() as connection:
            return _add(connection, key, amount, now, now + expiry)

    def get(self, key: str) -> int:
        """A counter's value."""
        with self._transaction() as connection:
            return _hits(connection, key, time.time())

    def get_expiry(self, key: str) -> float:
        """Until when (Unix seconds) a counter is good."""
        with self._transaction() as connection:
            found = connection.execute("SELECT until FROM counter WHERE key = ?", (key,)).fetchone()
        return float(found[0]) if found else time.time()

    def clear(self, key: str) -> None:
        """Forget a counter."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM counter WHERE key = ?", (key,))

    def reset(self) -> int | None:
        """Forget all counters; how many there were."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM counter")
            return connection.changes()

    def check(self) -> bool:
        """Whether the file can be used."""
        try:
            self.get("")
        except (apsw.Error, OSError):
            return False
        return True

    @contextmanager
    def _transaction(self) -> Iterator[apsw.Connection]:
        with self._lock:
            connection = self._connection = self._connection or _open(self.path)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            finally:
                connection.execute("COMMIT")


def _open(path: Path) -> apsw.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = apsw.Connection(str(path))
    connection.set_busy_handler(_wait_a_little)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(_SCHEMA)
    return connection


def _wait_a_little(times: int) -> bool:
    """SQLite's own handler sleeps milliseconds, and a transaction here takes 20 µs."""
    time.sleep(BUSY_POLL_SECONDS)
    return times < BUSY_SECONDS / BUSY_POLL_SECONDS


def _hits(connection: apsw.Connection, key: str, now: float) -> int:
    found: Any = connection.execute(_HITS, (key, now)).get
    return int(found or 0)


def _add(connection: apsw.Connection, key: str, amount: int, now: float, until: float) -> int:
    values = {"key": key, "amount": amount, "now": now, "until": until}
    added: Any = connection.execute(_ADD, values).get
    hits = int(added)
    if hits == amount:  # a new counter: now and then is often enough to remove old ones
        connection.execute("DELETE FROM counter WHERE until <= ?", (now,))
    return hits


def _in_redis(link: RedisLink) -> RedisStorage:
    pool = link.client.connection_pool
    return RedisStorage("redis://", connection_pool=pool, key_prefix=f"{link.prefix}limit")


@lru_cache(maxsize=64)
def _item(name: str, per_minute: int) -> RateLimitItemPerMinute:
    return RateLimitItemPerMinute(per_minute, namespace=name)


def _hit(counters: Counters, item: RateLimitItemPerMinute, key: str, cost: int) -> float:
    name, expiry = item.key_for(key), item.get_expiry()
    if counters.acquire_sliding_window_entry(name, item.amount, expiry, cost):
        return 0.0
    window = counters.get_sliding_window(name, expiry)
    return max(1.0, _seconds_until(item.amount - cost, expiry, *window))


def _hit_once(counters: Counters, key: str, limit: int, cost: int, left: float) -> float:
    """Add to a counter that is good for `left` seconds; what goes over the limit is taken back."""
    if counters.incr(key, math.ceil(left), cost) <= limit:
        return 0.0
    counters.incr(key, math.ceil(left), -cost)
    return left


def _seconds_until(
    room: int, expiry: int, earlier: int, earlier_left: float, hits: int, left: float
) -> float:
    """When no more than `room` will count: the window before fades, and then this one does."""
    if hits > room:
        return left % expiry + expiry * (1 - max(room, 0) / hits)
    return earlier_left - (room - hits) * expiry / earlier if earlier else 0.0
