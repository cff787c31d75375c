"""Sessions: a login on one device, and the refresh token that continues it."""

import hashlib
import hmac
import re
import secrets
import time
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, delete, insert, select, update

from database.access_tables import session
from database.revoked import RevokedTokens
from utils.clock import DAY, now_us
from utils.settings import Token

MAX_AGENT = 255
PURGE_SECONDS = 60.0
_FORM = re.compile("rlr_([0-9a-f]{32})_[0-9a-f]{64}")


class Session(NamedTuple):
    """A login on one device. Times are in µs since 1970; `used_at` is the last refresh."""

    id: str
    account_id: int
    created_at: int
    used_at: int
    expires_at: int
    address: str | None
    user_agent: str | None


_COLUMNS = [session.c[name] for name in Session._fields]


def id_of(token: str) -> str | None:
    """The id of the session in a refresh token, good or not; None for anything else."""
    form = _FORM.fullmatch(token)
    return form[1] if form else None


class SessionTable:
    """The table of sessions. One that has ended is refused at once: see `RevokedTokens`.

    After `token.refresh_days` without a refresh it is over.
    """

    def __init__(self, engine: Engine, revoked: RevokedTokens, settings: Token) -> None:
        self.engine = engine
        self._revoked = revoked
        self._settings = settings
        self._next_purge = 0.0

    def begin(self, account_id: int, address: str | None, agent: str | None) -> tuple[str, str]:
        """A new session: its id and its refresh token."""
        self._purge()
        session_id = secrets.token_hex(16)
        token, values = self._fresh(session_id)
        about = {"address": address, "user_agent": agent and agent[:MAX_AGENT]}
        values |= {"id": session_id, "account_id": account_id, "created_at": now_us()} | about
        with self.engine.begin() as connection:
            connection.execute(insert(session).values(values))
        return session_id, token

    def refresh(self, token: str) -> tuple[Session, str] | None:
        """Continue a session: what it is, and its next refresh token. None: it can't be.

        A refresh token is good once. Who brings an earlier one, or whose token somebody else has
        used, shares it with a thief: the session ends.
        """
        found = self.find(token)
        if found is None:
            self._end_robbed(token)
            return None
        fresh, values = self._fresh(found.id)
        is_newest = (session.c.id == found.id) & (session.c.refresh_hash == _hash(token))
        with self.engine.begin() as connection:
            changed = connection.execute(update(session).where(is_newest).values(values))
        if not changed.rowcount:  # another request was faster with the same token
            self._end_robbed(token)
            return None
        return found, fresh

    def find(self, token: str) -> Session | None:
        """The session whose newest refresh token this is."""
        session_id = id_of(token)
        if session_id is None:
            return None
        statement = select(*_COLUMNS, session.c.refresh_hash).where(session.c.id == session_id)
        with self.engine.connect() as connection:
            row = connection.execute(statement).first()
        if row is None or not hmac.compare_digest(row.refresh_hash, _hash(token)):
            return None
        return Session(*row[:-1]) if row.expires_at > now_us() else None

    def _end_robbed(self, token: str) -> None:
        session_id = id_of(token)
        if session_id is not None:
            self._end(session.c.id == session_id)

    def of(self, account_id: int) -> list[Session]:
        """The sessions of an account, the one used last first."""
        theirs = (session.c.account_id == account_id) & (session.c.expires_at > now_us())
        statement = select(*_COLUMNS).where(theirs).order_by(session.c.used_at.desc(), session.c.id)
        with self.engine.connect() as connection:
            return [Session(*row) for row in connection.execute(statement)]

    def end(self, account_id: int, session_id: str) -> bool:
        """End a session of an account; False: it has none such."""
        return self._end((session.c.account_id == account_id) & (session.c.id == session_id)) > 0

    def end_all(self, account_id: int, but: str | None = None) -> int:
        """End all sessions of an account, all `but` one if it is named; how many."""
        theirs = session.c.account_id == account_id
        return self._end(theirs if but is None else theirs & (session.c.id != but))

    def _end(self, which: ColumnElement[bool]) -> int:
        """Their access tokens are refused as long as they would be good."""
        until = int(time.time()) + self._settings.access_minutes * 60 + 1
        with self.engine.begin() as connection:
            found = connection.scalars(select(session.c.id).where(which)).all()
            ended = [each for each in found if _remove(connection, each)]
            self._revoked.write(connection, ended, until)
        self._revoked.tell(ended)
        return len(ended)

    def _purge(self) -> None:
        """Remove what is over, now and then; see `RevokedTokens.purge`."""
        now = time.monotonic()
        if now < self._next_purge:
            return
        self._next_purge = now + PURGE_SECONDS
        self._revoked.purge()
        with self.engine.begin() as connection:
            connection.execute(delete(session).where(session.c.expires_at < now_us()))

    def _fresh(self, session_id: str) -> tuple[str, dict[str, Any]]:
        """The next refresh token of a session, and what its row is to say."""
        token = f"rlr_{session_id}_{secrets.token_hex(32)}"
        now = now_us()
        expires_at = now + self._settings.refresh_days * DAY
        return token, {"refresh_hash": _hash(token), "used_at": now, "expires_at": expires_at}


def _remove(connection: Connection, session_id: str) -> bool:
    """Of several who end a session at once, one removes its row."""
    return connection.execute(delete(session).where(session.c.id == session_id)).rowcount > 0


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
