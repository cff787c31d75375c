"""Is what `redis.url` names a Redis that we can use? Asked at the start and by `doctor`."""

import socket
from contextlib import suppress
from typing import Any

import redis
from redis.exceptions import AuthorizationError, NoPermissionError

from database.redis_client import connect, reason
from database.redis_link import RedisAway
from exceptions import StartError

PATIENCE_SECONDS = 2.0
OLDEST = (6, 0)
ANSWERS = b"+-:$*"  # what a reply of Redis can begin with


def check_redis(url: str) -> str:
    """The version of the Redis at `url`, or "none". Raises RedisAway when it does not answer.

    Raises StartError, one line without a secret, when the setting is wrong: not a URL of Redis,
    a user or password that is refused, another kind of server, a Redis that is too old.
    """
    if not url:
        return "none"
    client = connect(url, PATIENCE_SECONDS, 1)
    place = _place(client)
    try:
        version = str(client.info("server").get("redis_version", ""))
        client.set("redlog:probe", "", ex=1)
    except (redis.AuthenticationError, AuthorizationError, NoPermissionError):
        raise StartError(
            f"setting redis.url: the Redis at {place} refuses this user or password"
        ) from None
    except redis.InvalidResponse:
        raise StartError(f"setting redis.url: at {place} there is no Redis") from None
    except redis.RedisError as error:
        if type(error) in (redis.TimeoutError, redis.ConnectionError) and _greets(client):
            raise StartError(f"setting redis.url: at {place} there is no Redis") from None
        raise RedisAway(f"the Redis at {place} is away: {reason(error)}") from None
    finally:
        client.close()
    if tuple(int(part) for part in version.split(".")[:2] if part.isdecimal()) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise StartError(
            f"setting redis.url: the Redis at {place} is {version or 'of no version'}, "
            f"and {oldest} is the oldest that will do"
        )
    return version


def _place(client: Any) -> str:
    given = client.connection_pool.connection_kwargs
    return given.get("path") or f"{given.get('host', 'localhost')}:{given.get('port', 6379)}"


def _greets(client: Any) -> bool:
    """Whether the server says something before it is asked, as MySQL does and Redis never."""
    given = client.connection_pool.connection_kwargs
    address = (given.get("host", "localhost"), given.get("port", 6379))
    with suppress(OSError), socket.create_connection(address, PATIENCE_SECONDS) as link:
        link.settimeout(PATIENCE_SECONDS)
        first = link.recv(1)
        return bool(first) and first not in ANSWERS
    return False
