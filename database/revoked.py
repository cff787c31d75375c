"""Revoked access tokens: the truth stands in the lasting tables, Redis makes it known at once."""

import time

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from database.redis_bus import RedisBus
from database.tables import revoked_token

KNOWN_SECONDS = 0.5
CHANNEL = "revoked"


class RevokedTokens:
    """The table of revoked tokens, as it was at most KNOWN_SECONDS ago."""

    def __init__(self, engine: Engine, bus: RedisBus) -> None:
        self.engine = engine
        self.bus = bus
        self._ids: frozenset[str] | None = None
        self._until = 0.0
        bus.on(CHANNEL, self._hear)

    def revoke(self, token_id: str, until: int | None) -> None:
        """Refuse a token from now on, everywhere; `until` (Unix seconds) it would have been good.

        Rows of tokens that have expired are removed; one without `until` stays.
        """
        expired = revoked_token.c.until < int(time.time())
        with self.engine.begin() as connection:
            connection.execute(delete(revoked_token).where(expired))
            connection.execute(delete(revoked_token).where(revoked_token.c.id == token_id))
            connection.execute(insert(revoked_token).values(id=token_id, until=until))
        self.bus.publish(CHANNEL, token_id)

    def is_revoked(self, token_id: str) -> bool:
        """Whether a token is refused."""
        if self._ids is None or time.monotonic() >= self._until:
            self._load()
        return self._ids is not None and token_id in self._ids

    def _load(self) -> None:
        """Read the table; when it can't be read, what was known must do until the next time."""
        try:
            with self.engine.connect() as connection:
                self._ids = frozenset(connection.scalars(select(revoked_token.c.id)))
        except SQLAlchemyError:
            if self._ids is None:
                raise
        self._until = time.monotonic() + KNOWN_SECONDS

    def _hear(self, message: str | None) -> None:
        if message is not None and self._ids is not None:
            self._ids |= {message}
        self._until = 0.0
