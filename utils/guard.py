"""Who may call a route: the decorators, and the one place that decides."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import request

from exceptions import BadKey, BadToken, Forbidden, PasswordChangeRequired, RevokedToken
from utils.app_settings import Source as Source
from utils.principal import Principal as Principal
from utils.principal import Scope, role_of
from utils.tokens import Tokens

View = Callable[..., Any]
BEARER = {"WWW-Authenticate": "Bearer"}


class Guard:
    """Makes the decorators from what knows the keys and the tokens.

    Each gives its view a `decision` that says who is let in; a route without one is a mistake.
    `source_of_key` knows who reports with an ingest key, None: nobody; `all_apps` gives every
    app's id; `is_revoked` knows by their ids the tokens that are good no more.
    """

    def __init__(
        self,
        source_of_key: Callable[[str], Source | None],
        all_apps: Callable[[], tuple[int, ...]],
        tokens: Tokens,
        is_revoked: Callable[[str], bool],
    ) -> None:
        self._source_of_key = source_of_key
        self._all_apps = all_apps
        self._tokens = tokens
        self._is_revoked = is_revoked

    def public(self, view: View) -> View:
        """For everybody."""
        return _decided("public", view)

    def ingest_key_required(self, view: View) -> View:
        """Only for clients with an app's ingest key; the view is given `source`."""
        return self._guarded("ingest_key", view)

    def token_required(self, scope: Scope) -> Callable[[View], View]:
        """Only with a token or session of this scope, read or admin; gives `principal`."""
        return lambda view: self._guarded(f"token:{scope}", view)

    def role_required(self, role: str) -> Callable[[View], View]:
        """Only for admin, member or viewer, or who may do more; the view is given `principal`.

        `newcomer` lets those in too who must change their password first.
        """
        return lambda view: self._guarded(f"role:{role}", view)

    def account_required(self, role: str) -> Callable[[View], View]:
        """As `role_required`, but only for people who are signed in, not for machines."""
        return lambda view: self._guarded(f"account:{role}", view)

    def _guarded(self, decision: str, view: View) -> View:
        @wraps(view)
        def guarded(**arguments: Any) -> Any:
            return view(**self._admit(decision), **arguments)

        return _decided(decision, guarded)

    def _admit(self, decision: str) -> dict[str, Any]:
        """Decide on the request at hand: what the view is told of who calls.

        Raises BadKey, BadToken and RevokedToken (401) for strangers, Forbidden and
        PasswordChangeRequired (403) for those who are known.
        """
        kind, _, needed = decision.partition(":")
        if kind == "ingest_key":
            return {"source": self._source()}
        principal = self._principal()
        if kind == "account" and principal.account_id is None:
            raise Forbidden("this is for people who sign in; a token has no account")
        may = principal.has_scope if kind == "token" else principal.is_at_least
        if may(needed):
            return {"principal": principal}
        if principal.role == "newcomer":
            raise PasswordChangeRequired("change the password by POST /api/v1/me/password")
        held = f"scope is {principal.scope}" if kind == "token" else f"role is {principal.role}"
        raise Forbidden(f"the {held}, and this needs {needed}")

    def _source(self) -> Source:
        """Who reports, by the key in the header, as a bearer token or in the query."""
        environ = request.environ
        key = environ.get("HTTP_X_REDLOG_KEY") or _bearer(environ) or request.args.get("key")
        source = self._source_of_key(key) if key else None
        if source is None:
            raise BadKey("send the app's ingest key as X-Redlog-Key, as a bearer token or as ?key=")
        return source

    def _principal(self) -> Principal:
        """Who calls, by the token that was sent."""
        access = self._tokens.read(_bearer(request.environ))
        if access is None:
            raise BadToken("send an access token as `Authorization: Bearer …`", headers=BEARER)
        if self._is_revoked(access.id):
            raise RevokedToken("ask the operator for another", headers=BEARER)
        everything = self._all_apps()
        apps = access.apps
        seen = tuple(app for app in everything if apps is None or app in apps)
        role = role_of(access.scope, apps)
        name = f"token {access.id}"
        return Principal(name, role, access.scope, seen, everything, address=request.remote_addr)


def _decided(decision: str, view: View) -> View:
    view.decision = decision  # type: ignore[attr-defined]  # functions take attributes
    return view


def _bearer(environ: dict[str, Any]) -> str:
    kind, _, value = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" else ""
