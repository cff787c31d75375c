"""Who may call a route: the decorators, and the one place that decides."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from flask import request

from exceptions import BadCsrf, BadKey, Forbidden, PasswordChangeRequired
from utils.app_settings import Source as Source
from utils.cookies import ACCESS, CSRF_HEADER, SAFE_METHODS, demand_own_origin, read_cookie
from utils.principal import Principal as Principal
from utils.wording import say

View = Callable[..., Any]
Decorator = Callable[[View], View]
Demand = Callable[[str], Decorator]
Keys = Callable[[], Iterable[str]]


class Guard:
    """Makes the decorators from what knows the keys and the tokens.

    Each gives its view a `decision` that says who is let in; a route without one is a mistake.
    `source_of_key` knows who reports with an ingest key, None: nobody; `identify` tells who sent a
    token, `is_csrf` whether a page has proved its session.
    """

    def __init__(
        self,
        source_of_key: Callable[[str], Source | None],
        identify: Callable[[str], Principal],
        is_csrf: Callable[[str, str], bool],
    ) -> None:
        self._source_of_key = source_of_key
        self._identify = identify
        self._is_csrf = is_csrf

    def decorators(self) -> tuple[Decorator, Decorator, Demand, Demand, Demand]:
        """All of them, in the order in which they stand here."""
        plain = self.public, self.ingest_key_required
        return *plain, self.token_required, self.role_required, self.account_required

    def public(self, view: View) -> View:
        """For everybody."""
        return _decided("public", view)

    def ingest_key_required(self, view: View) -> View:
        """Only for clients with an app's ingest key; the view is given `source`."""
        return self.ingest_key_from(_own_keys)(view)

    def ingest_key_from(self, keys: Keys, status: int = BadKey.status) -> Decorator:
        """The same, where the key stands in other places: `keys` finds it in the request at hand.

        If it stands in several it must be the same. `status` is with which the view's protocol
        refuses strangers; the decision says so if it is another than ours.
        """
        decision = "ingest_key" if status == BadKey.status else f"ingest_key:{status}"
        return lambda view: self._guarded(decision, view, keys)

    def token_required(self, scope: str) -> Decorator:
        """Only with a token or session of this scope, read or admin; gives `principal`."""
        return lambda view: self._guarded(f"token:{scope}", view)

    def role_required(self, role: str) -> Decorator:
        """Only for admin, member or viewer, or who may do more; the view is given `principal`.

        `newcomer` lets those in too who must change their password first.
        """
        return lambda view: self._guarded(f"role:{role}", view)

    def account_required(self, role: str) -> Decorator:
        """As `role_required`, but only for people who are signed in, not for machines."""
        return lambda view: self._guarded(f"account:{role}", view)

    def _guarded(self, decision: str, view: View, keys: Keys = tuple) -> View:
        @wraps(view)
        def guarded(**arguments: Any) -> Any:
            return view(**self._admit(decision, keys), **arguments)

        return _decided(decision, guarded)

    def _admit(self, decision: str, keys: Keys = tuple) -> dict[str, Any]:
        """Decide on the request at hand: what the view is told of who calls.

        Raises BadKey, BadToken and RevokedToken (401) for strangers, Forbidden and
        PasswordChangeRequired (403) for those who are known.
        """
        kind, _, needed = decision.partition(":")
        if kind == "ingest_key":
            return {"source": self._source(set(keys()))}
        principal = self._principal()
        if kind == "account" and principal.session_id is None:
            raise Forbidden("this is for people who sign in, not for machines")
        may = principal.has_scope if kind == "token" else principal.is_at_least
        if may(needed):
            return {"principal": principal}
        if principal.role == "newcomer":
            raise PasswordChangeRequired("change the password by POST /api/v1/me/password")
        held = say("role is {role}", role=principal.role)
        if kind == "token":
            held = say("scope is {scope}", scope=principal.scope)
        raise Forbidden(say("the {held}, and this needs {needed}", held=held, needed=needed))

    def _source(self, keys: set[str]) -> Source:
        """Who reports with these keys, which must be one."""
        source = self._source_of_key(keys.pop()) if len(keys) == 1 else None
        if source is None:
            what = say("several keys that differ" if keys else "no key, or an unknown one")
            how = "{what}: send the app's ingest key as X-Redlog-Key, Bearer or ?key="
            raise BadKey(say(how, what=what))
        return source

    def caller_later(self) -> Callable[[], Principal]:
        """Tells who it is by then that sent the request at hand, also when it is over.

        It raises BadToken and RevokedToken.
        """
        token = _cookie() or _bearer(request.environ)
        return lambda: self._identify(token)

    def _principal(self) -> Principal:
        """Who calls, by the token that was sent; a page's cookie counts only without one."""
        cookie = _cookie()
        caller = self._identify(cookie or _bearer(request.environ))
        if cookie and request.method not in SAFE_METHODS:
            self.demand_own_page(caller.session_id or "")
        return caller._replace(address=request.remote_addr)

    def demand_own_page(self, session_id: str) -> None:
        """Raises BadCsrf unless the page that uses a session's cookies is the one that has it."""
        demand_own_origin()
        if not self._is_csrf(session_id, request.headers.get(CSRF_HEADER, "")):
            raise BadCsrf(say("send the csrf_token of the login as {header}", header=CSRF_HEADER))


def _decided(decision: str, view: View) -> View:
    view.decision = decision  # type: ignore[attr-defined]  # functions take attributes
    return view


def _cookie() -> str:
    return "" if "HTTP_AUTHORIZATION" in request.environ else read_cookie(ACCESS)


def _bearer(environ: dict[str, Any]) -> str:
    kind, _, value = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" else ""


def _own_keys() -> tuple[str, ...]:
    """The key in our own protocol: in the header, as a bearer token or in the query."""
    environ = request.environ
    key = environ.get("HTTP_X_REDLOG_KEY") or _bearer(environ) or request.args.get("key")
    return (key,) if key else ()
