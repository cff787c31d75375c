"""Sessions of people: begun by a login, continued by refresh tokens, ended in many ways."""

from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from database.accounts import Account
from database.passes import Passes
from database.sessions import Session
from exceptions import BadToken, NotFound
from utils.clock import format_time
from utils.principal import Principal
from utils.settings import Token
from utils.tokens import Tokens
from utils.wording import say

NOT_CONTINUED = "the refresh token is not good, or its session has ended: log in again"


class Grant(NamedTuple):
    """What a page or program gets at login and at each refresh; times are in seconds.

    `csrf_token` goes with what changes something when the token is in a cookie.
    """

    token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    csrf_token: str
    session_id: str


class ShownAccount(Struct):
    """An account in replies. An admin sees all apps, whatever `apps` says; who has no password here
    signs in elsewhere.
    """

    id: int
    name: str
    role: str
    apps: tuple[int, ...]
    must_change: bool
    disabled: bool
    totp_enabled: bool
    has_password: bool
    created_at: str
    last_login_at: str | None


class ShownSession(Struct):
    """A session as its owner sees it; `used_at`: the last refresh."""

    id: str
    current: bool
    created_at: str
    used_at: str
    expires_at: str
    address: str | None
    user_agent: str | None


class SessionList(Struct):
    """Where somebody is signed in, the session used last first."""

    sessions: list[ShownSession]


class Sessions:
    """Begins, continues and ends sessions. `account_of` gives an account as it is now."""

    def __init__(
        self,
        tokens: Tokens,
        passes: Passes,
        account_of: Callable[[int], Account | None],
        settings: Token,
    ) -> None:
        self._tokens = tokens
        self._table = passes.sessions
        self._account_of = account_of
        self._settings = settings

    def begin(self, account: Account, address: str | None, user_agent: str | None) -> Grant:
        """A new session of one who has signed in."""
        session_id, refresh_token = self._table.begin(account.id, address, user_agent)
        return self._grant(account.id, session_id, refresh_token)

    def refresh(self, token: str) -> tuple[Account, Grant]:
        """Continue a session by its newest refresh token. Raises BadToken.

        The use of an earlier one ends the session: see `SessionTable.refresh`.
        """
        continued = self._table.refresh(token)
        if continued is None:
            raise BadToken(NOT_CONTINUED)
        session, fresh = continued
        account = self._account_of(session.account_id)
        if account is None or account.disabled:
            self._table.end(session.account_id, session.id)
            raise BadToken("its account was deleted or disabled")
        return account, self._grant(account.id, session.id, fresh)

    def session_of(self, refresh_token: str) -> str:
        """The id of the session that this token continues. Raises BadToken."""
        session = self._table.find(refresh_token)
        if session is None:
            raise BadToken(NOT_CONTINUED)
        return session.id

    def csrf_of(self, session_id: str) -> str:
        """What a page must send along when it changes something by its cookie."""
        return self._tokens.csrf(session_id)

    def list_own(self, caller: Principal) -> SessionList:
        """The caller's sessions."""
        assert caller.account_id is not None
        found = self._table.of(caller.account_id)
        return SessionList([_shown(each, caller.session_id) for each in found])

    def end(self, caller: Principal, session_id: str) -> None:
        """End one of the caller's sessions. Raises NotFound, also for somebody else's."""
        assert caller.account_id is not None
        if not self._table.end(caller.account_id, session_id):
            raise NotFound(say("there is no session {id}", id=session_id))

    def end_all(self, account_id: int, but: str | None = None) -> int:
        """End all sessions of an account at once, all `but` one if it is named; how many."""
        return self._table.end_all(account_id, but)

    def _grant(self, account_id: int, session_id: str, refresh_token: str) -> Grant:
        seconds = self._settings.access_minutes * 60
        token = self._tokens.issue(account_id, session_id, seconds)
        days = self._settings.refresh_days
        csrf = self._tokens.csrf(session_id)
        return Grant(token, seconds, refresh_token, days * 86_400, csrf, session_id)


def shown_account(account: Account) -> ShownAccount:
    """An account for replies."""
    last = account.last_login_at
    times = (format_time(account.created_at), None if last is None else format_time(last))
    marks = (account.must_change, account.disabled, account.totp_enabled, account.has_password)
    return ShownAccount(account.id, account.name, account.role, account.apps, *marks, *times)


def _shown(session: Session, current: str | None) -> ShownSession:
    return ShownSession(
        session.id,
        session.id == current,
        format_time(session.created_at),
        format_time(session.used_at),
        format_time(session.expires_at),
        session.address,
        session.user_agent,
    )
