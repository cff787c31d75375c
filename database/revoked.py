"""Revoked tokens and ended sessions: the truth stands in the lasting tables, Redis makes it known
at once.
"""

import time
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import Connection, Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from database.redis_bus import RedisBus
from database.tables import revoked_token

KNOWN_SECONDS = 0.5
CHANNEL = "revoked"


class RevokedTokens:
    """The table of revoked tokens and ended sessions, as it was at most KNOWN_SECONDS ago."""

    def __init__(self, engine: Engine, bus: RedisBus) -> None:
        self.engine = engine
        self.bus = bus
        self._ids: frozenset[str] | None = None
        self._until = 0.0
        bus.on(CHANNEL, self._hear)

    def revoke(self, token_id: str, until: int | None) -> None:
        """Refuse a token from now on, everywhere; `until` (Unix seconds) it would have been good.

        Once that is past its row goes; one without `until` stays.
        """
        self.purge()
        with suppress(IntegrityError), self.engine.begin() as connection:  # it was revoked already
            self.write(connection, [token_id], until)
        self.tell([token_id])

    def write(self, connection: Connection, ids: Sequence[str], until: int | None) -> None:
        """As `revoke`, of what was good until now and within a transaction; then `tell`."""
        if ids:
            rows = [{"id": token_id, "until": until} for token_id in ids]
            connection.execute(insert(revoked_token), rows)

    def purge(self) -> None:
        """Remove the rows of what has expired by itself. A transaction of its own: on MySQL it
        locks the gaps into which others insert.
        """
        with self.engine.begin() as connection:
            past = revoked_token.c.until < int(time.time())
            connection.execute(delete(revoked_token).where(past))

    def tell(self, ids: Sequence[str]) -> None:
        """Make what was written known at once: here, and through Redis everywhere."""
        for token_id in ids:
            self._hear(token_id)
            self.bus.publish(CHANNEL, token_id)

    def is_revoked(self, token_id: str) -> bool:
        """Whether a token is refused."""
        if self._ids is None or time.monotonic() >= self._until:
            self._load()
        return self._ids is not None and token_id in self._ids

    def _load(self) -> None:
        """Read the table; when it can't be read, what was known must do until the next time."""
        self._until = time.monotonic() + KNOWN_SECONDS  # before: what is heard meanwhile ends it
        try:
            with self.engine.connect() as connection:
                self._ids = frozenset(connection.scalars(select(revoked_token.c.id)))
        except SQLAlchemyError:
            if self._ids is None:
                raise

    def _hear(self, message: str | None) -> None:
        if message is not None and self._ids is not None:
            self._ids |= {message}
        self._until = 0.0
