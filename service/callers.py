"""Who a token belongs to, and what that lets them do at this moment."""

from collections.abc import Callable

from database.accounts import Account
from database.api_tokens import id_of
from database.passes import Passes
from exceptions import BadToken, RevokedToken
from utils.principal import RANKS, Principal, Scope, role_of
from utils.tokens import Access, Tokens


class Callers:
    """Makes principals of tokens: signed ones of sessions, and those of machines.

    `account_of` and `all_apps` say what is so now, so a change of rights needs no new token.
    """

    def __init__(
        self,
        tokens: Tokens,
        passes: Passes,
        account_of: Callable[[int], Account | None],
        all_apps: Callable[[], tuple[int, ...]],
    ) -> None:
        self._tokens = tokens
        self._api_tokens = passes.api_tokens
        self._revoked = passes.revoked
        self._account_of = account_of
        self._all_apps = all_apps

    def identify(self, token: str) -> Principal:
        """Who sent this token. Raises BadToken and RevokedToken."""
        token_id = id_of(token)
        if token_id is not None:
            return self._machine(token_id, token)
        access = self._tokens.read(token)
        if access is None:
            raise BadToken("send an access token as `Authorization: Bearer …`")
        self._refuse_revoked(access.id)
        if access.session is not None and access.account is not None:
            return self._person(access, access.session, access.account)
        return self._limited(f"token {access.id}", access.scope, access.apps)

    def _refuse_revoked(self, token_id: str) -> None:
        if self._revoked.is_revoked(token_id):
            raise RevokedToken("it was revoked, or its session has ended")

    def _person(self, access: Access, session: str, account_id: int) -> Principal:
        self._refuse_revoked(session)
        account = self._account(account_id)
        everything = self._all_apps()
        role = "newcomer" if account.must_change else account.role
        seen = _seen_by(account, everything)
        scope: Scope = "admin" if role == "admin" else "read"
        return Principal(
            f"account {account.name}", role, scope, seen, everything, account.id, session
        )

    def _machine(self, token_id: str, token: str) -> Principal:
        self._refuse_revoked(token_id)
        found = self._api_tokens.find(token)
        if found is None:
            raise BadToken("there is no such token, or it has expired")
        principal = self._limited(f"token {found.name}", found.scope, found.apps)
        if found.account_id is None:
            return principal
        maker = self._account(found.account_id)
        role = min(principal.role, maker.role, key=RANKS.__getitem__)
        scope: Scope = "read" if role == "viewer" else found.scope
        seen = _seen_by(maker, principal.apps)
        return principal._replace(role=role, scope=scope, apps=seen, account_id=maker.id)

    def _limited(self, actor: str, scope: Scope, apps: list[int] | None) -> Principal:
        everything = self._all_apps()
        seen = tuple(app for app in everything if apps is None or app in apps)
        return Principal(actor, role_of(scope, apps), scope, seen, everything)

    def _account(self, account_id: int) -> Account:
        account = self._account_of(account_id)
        if account is None or account.disabled:
            raise RevokedToken("its account was deleted or disabled")
        return account


def _seen_by(account: Account, apps: tuple[int, ...]) -> tuple[int, ...]:
    """Those of the apps that an account may see."""
    if account.role == "admin":
        return apps
    return tuple(app for app in apps if app in account.apps)
