"""redis-py, set up as we want it. Imported only when there is a Redis: it takes 7 MB a process."""

import re
from typing import Any
from urllib.parse import urlsplit

import redis
from redis import connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from exceptions import StartError

FORM = "redis://[[user]:password@]host[:port][/number], rediss://… or unix://[:password@]/path"
RedisError = redis.RedisError
_Pool: Any = connection.BlockingConnectionPool  # they have no types
_parse_url: Any = connection.parse_url


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


def reason(error: Exception) -> str:
    """Why a call failed, without what Redis or the library says: it may repeat a password."""
    if isinstance(error, redis.TimeoutError):
        return "no answer in time"
    cause = error.__cause__ or error.__context__
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return re.sub("(?<!^)([A-Z])", r" \1", type(error).__name__.removesuffix("Error")).lower()
