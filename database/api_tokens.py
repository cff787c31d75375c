"""Tokens of machines: shown once, kept as a hash, good until they expire or are revoked.

Their secret is 256 random bits, so a plain SHA-256 is no help to who reads the table.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Engine, delete, insert, or_, select, update

from database.access_tables import api_token
from database.revoked import RevokedTokens
from utils.clock import DAY, now_us
from utils.principal import Scope

KNOWN_SECONDS = 1.0
MAX_KNOWN = 1000
MARK_US = 60_000_000  # `last_used_at` is this exact
_FORM = re.compile("rlt_([0-9a-f]{16})_[0-9a-f]{64}")


Later = Callable[[Callable[[str], None]], Callable[[str], None]]


class ApiToken(NamedTuple):
    """A machine's token. `apps` are app ids, None all of them; times are in µs since 1970.

    `account_id` is who made it and whose rights it can't exceed; None: the operator.
    """

    id: str
    name: str
    scope: Scope
    apps: list[int] | None
    account_id: int | None
    created_at: int
    expires_at: int
    last_used_at: int | None


_COLUMNS = [api_token.c[name] for name in (*ApiToken._fields, "token_hash")]


def id_of(token: str) -> str | None:
    """The id in a token of this kind; None for anything else."""
    found = _FORM.fullmatch(token)
    return found[1] if found else None


class ApiTokens:
    """The table of machines' tokens, with those of the last second at hand.

    `in_background` makes a function one that no request waits for.
    """

    def __init__(
        self,
        engine: Engine,
        revoked: RevokedTokens,
        in_background: Later,
    ) -> None:
        self.engine = engine
        self._revoked = revoked
        self._known: dict[str, tuple[float, ApiToken, str]] = {}
        self._mark_later = in_background(self._mark)

    def create(
        self, name: str, scope: Scope, apps: list[int] | None, days: int, account_id: int | None
    ) -> tuple[str, ApiToken]:
        """Make a token: the text that is shown only now, and what is kept."""
        token_id = secrets.token_hex(8)
        token = f"rlt_{token_id}_{secrets.token_hex(32)}"
        now = now_us()
        made = ApiToken(token_id, name, scope, apps, account_id, now, now + days * DAY, None)
        written = None if apps is None else msgspec.json.encode(apps).decode()
        values = {**made._asdict(), "apps": written, "token_hash": _hash(token)}
        with self.engine.begin() as connection:
            connection.execute(insert(api_token).values(values))
        return token, made

    def find(self, token: str) -> ApiToken | None:
        """What a token allows; None when it is unknown, mangled or expired."""
        token_id = id_of(token)
        if token_id is None:
            return None
        found, right_hash = self._look_up(token_id)
        if not hmac.compare_digest(right_hash, _hash(token)) or found is None:
            return None
        now = now_us()
        if found.expires_at <= now:
            return None
        if now - (found.last_used_at or 0) >= MARK_US:
            self._remember(found._replace(last_used_at=now), right_hash)
            self._mark_later(token_id)
        return found

    def _look_up(self, token_id: str) -> tuple[ApiToken | None, str]:
        known = self._known.get(token_id)
        if known is not None and known[0] > time.monotonic():
            return known[1:]
        with self.engine.connect() as connection:
            row = connection.execute(select(*_COLUMNS).where(api_token.c.id == token_id)).first()
        return self._remember(_read(row), row.token_hash) if row else (None, "")

    def _remember(self, found: ApiToken, token_hash: str) -> tuple[ApiToken, str]:
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[found.id] = (time.monotonic() + KNOWN_SECONDS, found, token_hash)
        return found, token_hash

    def _mark(self, token_id: str) -> None:
        """Note that a token was used, at most once a minute over all processes."""
        now, last = now_us(), api_token.c.last_used_at
        old = or_(last.is_(None), last <= now - MARK_US)
        statement = update(api_token).where(api_token.c.id == token_id, old)
        with self.engine.begin() as connection:
            connection.execute(statement.values(last_used_at=now))

    def all(self, account_id: int | None = None) -> list[ApiToken]:
        """All tokens, or those that an account made; the oldest first."""
        statement = select(*_COLUMNS).order_by(api_token.c.created_at, api_token.c.id)
        if account_id is not None:
            statement = statement.where(api_token.c.account_id == account_id)
        with self.engine.connect() as connection:
            return [_read(row) for row in connection.execute(statement)]

    def revoke(self, token_id: str, account_id: int | None = None) -> bool:
        """Refuse a token from now on, everywhere; False: there is none, or not of this account."""
        theirs = api_token.c.id == token_id
        if account_id is not None:
            theirs &= api_token.c.account_id == account_id
        with self.engine.begin() as connection:
            expires_at = connection.scalar(select(api_token.c.expires_at).where(theirs))
            removed = connection.execute(delete(api_token).where(theirs)).rowcount
            if expires_at is None or not removed:
                return False
            self._revoked.write(connection, [token_id], expires_at // 1_000_000 + 1)
        self._revoked.tell([token_id])
        return True


def _read(row: Any) -> ApiToken:
    *values, _ = row
    found = ApiToken(*values)
    return found._replace(apps=None if row.apps is None else msgspec.json.decode(row.apps))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
