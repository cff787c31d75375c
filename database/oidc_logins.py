"""Single sign-ons that were begun: what must come back from the issuer, once."""

import hashlib
import time
from typing import NamedTuple

from sqlalchemy import Engine, delete, insert, select

from database.access_tables import oidc_login

SECONDS = 600  # to sign in at the issuer


class Begun(NamedTuple):
    """What a sign-on was begun with: it proves that the answer belongs to it."""

    nonce: str
    verifier: str


class OidcLogins:
    """The table of them, by a hash of their `state`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def begin(self, state: str, begun: Begun) -> None:
        """Keep one; those that came to nothing go."""
        now = int(time.time())
        values = {"state_hash": _hash(state), "until": now + SECONDS, **begun._asdict()}
        with self.engine.begin() as connection:
            connection.execute(delete(oidc_login).where(oidc_login.c.until < now))
            connection.execute(insert(oidc_login).values(values))

    def take(self, state: str) -> Begun | None:
        """What was begun with this state; None the second time, and when it was too long ago."""
        chosen = oidc_login.c.state_hash == _hash(state)
        with self.engine.begin() as connection:
            row = connection.execute(select(oidc_login).where(chosen)).first()
            taken = connection.execute(delete(oidc_login).where(chosen)).rowcount == 1
        if row is None or not taken or row.until < time.time():
            return None
        return Begun(row.nonce, row.verifier)


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
