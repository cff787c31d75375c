"""The way to the team's Redis, if there is one: short timeouts, and a circuit breaker.

Everything works without Redis, so a call that fails costs one short timeout, and from then on no
call is made until `probe` (a background thread's) finds it well again: the report path never waits
for a dead or stalled Redis twice.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from utils.clock import format_time, now_us
from utils.log import log

TIMEOUT_SECONDS = 0.1  # to connect, and for an answer
SPARE_CONNECTIONS = 4  # the writer's, the listener's and a few more beside the requests'
T = TypeVar("T")


class RedisAway(Exception):
    """There is no Redis, or none that answers; the message says since when and why."""


class RedisLink:
    """The connections to Redis; with an empty URL every call raises RedisAway.

    Nothing is connected before the first call, so make it before the fork and use it after.
    `installation` is the name that its nodes share: keys and channels of another installation in
    the same Redis are told apart by it.
    """

    def __init__(self, url: str, installation: str, threads: int) -> None:
        self.client: Any = None
        self.failures: tuple[type[Exception], ...] = ()
        if url:
            from database import redis_client  # only then: see there

            connections = threads + SPARE_CONNECTIONS
            self.client = redis_client.connect(url, TIMEOUT_SECONDS, connections)
            self.failures = (redis_client.RedisError,)
        self.prefix = f"redlog:{installation}:"
        self._away: str | None = None if url else "none is set up"

    def call(self, work: Callable[[Any], T]) -> T:
        """What `work` makes of the client. Raises RedisAway, at once when it is known to be."""
        if self._away is not None:
            raise RedisAway(self._away)
        try:
            return work(self.client)
        except self.failures as error:
            raise RedisAway(self._leave(error)) from None

    def _leave(self, error: Exception) -> str:
        if self._away is None:
            from database.redis_client import reason

            self._away = f"away since {format_time(now_us())}: {reason(error)}"
            log.warning("redis: %s", self._away)
        return self._away

    def probe(self) -> bool:
        """Whether Redis can be read and written; this alone lets calls through again."""
        if self.client is None:
            return False
        try:
            self.client.set(f"{self.prefix}probe", "", ex=60)
        except self.failures as error:
            self._leave(error)
            return False
        if self._away is not None:
            log.warning("redis: is back")
            self._away = None
        return True

    def close(self) -> None:
        """Close the connections. Harmless when there is none."""
        if self.client is not None:
            self.client.close()

    @property
    def is_configured(self) -> bool:
        """Whether a URL was given."""
        return self.client is not None

    @property
    def complaint(self) -> str | None:
        """A line for the operator while a Redis that is configured is away."""
        return f"redis: {self._away}" if self.is_configured and self._away else None

    def gauges(self) -> dict[str, tuple[str, float]]:
        """For Prometheus: name, help and value."""
        if not self.is_configured:
            return {}
        return {"redlog_redis_up": ("1 while Redis answers.", float(self._away is None))}
