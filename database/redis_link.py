"""The way to the team's Redis, if there is one: short timeouts, and a circuit breaker.

Everything works without Redis, so a call that fails costs one short timeout, and from then on no
call is made until `probe` (a background thread's) finds it well again: the report path never waits
for a dead or stalled Redis twice.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import redis
from redis import connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from exceptions import StartError
from utils.clock import format_time, now_us
from utils.log import log

TIMEOUT_SECONDS = 0.1  # to connect, and for an answer
SPARE_CONNECTIONS = 4  # the writer's, the listener's and a few more beside the requests'
FORM = "redis://[[user]:password@]host[:port][/number], rediss://… or unix://[:password@]/path"
T = TypeVar("T")
_Pool: Any = connection.BlockingConnectionPool  # they have no types
_parse_url: Any = connection.parse_url


class RedisAway(Exception):
    """There is no Redis, or none that answers; the message says since when and why."""


class RedisLink:
    """The connections to Redis; with an empty URL every call raises RedisAway.

    Nothing is connected before the first call, so make it before the fork and use it after.
    `secret` is what the nodes of one installation share: keys and channels of another one in the
    same Redis are told apart by it.
    """

    def __init__(self, url: str, secret: str, threads: int) -> None:
        connections = threads + SPARE_CONNECTIONS
        self.client: Any = connect(url, TIMEOUT_SECONDS, connections) if url else None
        name = hmac.new(secret.encode(), b"redlog.redis", hashlib.sha256).hexdigest()[:16]
        self.prefix = f"redlog:{name}:"
        self._away: str | None = None if url else "none is set up"

    def call(self, work: Callable[[Any], T]) -> T:
        """What `work` makes of the client. Raises RedisAway, at once when it is known to be."""
        if self._away is not None:
            raise RedisAway(self._away)
        try:
            return work(self.client)
        except redis.RedisError as error:
            raise RedisAway(self._leave(error)) from None

    def _leave(self, error: redis.RedisError) -> str:
        if self._away is None:
            self._away = f"away since {format_time(now_us())}: {reason(error)}"
            log.warning("redis: %s", self._away)
        return self._away

    def probe(self) -> bool:
        """Whether Redis can be read and written; this alone lets calls through again."""
        if self.client is None:
            return False
        try:
            self.client.set(f"{self.prefix}probe", "", ex=60)
        except redis.RedisError as error:
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


def connect(url: str, seconds: float, connections: int) -> Any:
    """A client that has not connected yet. Raises StartError when the URL is none of Redis."""
    ours = {
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        "retry": Retry(NoBackoff(), 0),  # the breaker's business
        "protocol": 2,
        "driver_info": None,  # one command less at each connect
    }
    try:
        if urlsplit(url).scheme != "unix" and not re.fullmatch("(/[0-9]*)?", urlsplit(url).path):
            raise ValueError
        given = _parse_url(url) | ours
        pool = _Pool(max_connections=connections, timeout=seconds, **given)
        pool.make_connection()  # it has not connected, but knows all that it was given
    except (ValueError, TypeError):  # their texts may hold the password
        raise StartError(f"setting redis.url is not of the form {FORM}") from None
    return redis.Redis.from_pool(pool)


def reason(error: redis.RedisError) -> str:
    """Why a call failed, without what Redis or the library says: it may repeat a password."""
    if isinstance(error, redis.TimeoutError):
        return "no answer in time"
    cause = error.__cause__ or error.__context__
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return re.sub("(?<!^)([A-Z])", r" \1", type(error).__name__.removesuffix("Error")).lower()
