"""Signatures that were seen, remembered for as long as they would be good: none is good twice."""

import time
from contextlib import suppress

from sqlalchemy import Engine, delete, insert
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from database.access_tables import used_signature
from database.redis_link import RedisAway, RedisLink
from exceptions import NotAccepting

SPARE_SECONDS = 60  # for clocks of nodes that differ
CLEANING_SECONDS = 60
RETRY_SECONDS = 5


class UsedSignatures:
    """Kept in Redis if there is one that answers, else in the lasting tables."""

    def __init__(self, engine: Engine, redis: RedisLink) -> None:
        self._engine = engine
        self._redis = redis
        self._cleaned_at = float("-inf")

    def take(self, value: str, until: int) -> bool:
        """Whether a signature, good until then (Unix seconds), is seen for the first time.

        Raises NotAccepting when nobody can be asked.
        """
        until += SPARE_SECONDS
        key = f"{self._redis.prefix}signature:{value}"
        seconds = max(1, until - int(time.time()))
        try:
            return bool(self._redis.call(lambda client: client.set(key, "", nx=True, ex=seconds)))
        except RedisAway:
            return self._take_row(value, until)

    def _take_row(self, value: str, until: int) -> bool:
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(used_signature).values(signature=value, until=until))
            if time.monotonic() >= self._cleaned_at + CLEANING_SECONDS:
                self._clean()
        except IntegrityError:
            return False
        except SQLAlchemyError:
            detail = "signatures can't be checked: neither Redis nor the database answers"
            raise NotAccepting(detail, RETRY_SECONDS) from None
        return True

    def _clean(self) -> None:
        """Remove what has expired; what fails is tried again the next time."""
        self._cleaned_at = time.monotonic()
        expired = used_signature.c.until < int(time.time())
        with suppress(SQLAlchemyError), self._engine.begin() as connection:
            connection.execute(delete(used_signature).where(expired))
