"""Who may call a route: the decorators, and the one place that decides."""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from flask import request

from exceptions import BadKey, BadToken, Forbidden, RevokedToken
from utils.tokens import Tokens

View = Callable[..., Any]


class Reader(NamedTuple):
    """Who reads: the ids of the apps that they may see, and of all apps there are."""

    apps: tuple[int, ...]
    all_apps: tuple[int, ...]


class Guard:
    """Makes the decorators from what knows the keys and the tokens.

    `id_of_key` maps an ingest key to its app's id or None; `all_apps` gives every app's id;
    `is_revoked` knows by their ids the tokens that are good no more.
    """

    def __init__(
        self,
        id_of_key: Callable[[str], int | None],
        all_apps: Callable[[], tuple[int, ...]],
        tokens: Tokens,
        is_revoked: Callable[[str], bool],
    ) -> None:
        self._id_of_key = id_of_key
        self._all_apps = all_apps
        self._tokens = tokens
        self._is_revoked = is_revoked

    def ingest_key_required(self, view: View) -> View:
        """Only for clients with an app's ingest key; the view is given `app_id`."""

        @wraps(view)
        def guarded(**arguments: Any) -> Any:
            return view(app_id=self._reporting_app(), **arguments)

        return guarded

    def token_required(self, scope: str) -> Callable[[View], View]:
        """Only for readers with an access token of this scope; the view is given `reader`."""

        def decorate(view: View) -> View:
            @wraps(view)
            def guarded(**arguments: Any) -> Any:
                return view(reader=self._reader(scope), **arguments)

            return guarded

        return decorate

    def _reporting_app(self) -> int:
        """The app whose key was sent in the header, as a bearer token or in the query."""
        environ = request.environ
        key = environ.get("HTTP_X_REDLOG_KEY") or _bearer(environ) or request.args.get("key")
        app_id = self._id_of_key(key) if key else None
        if app_id is None:
            raise BadKey("send the app's ingest key as X-Redlog-Key, as a bearer token or as ?key=")
        return app_id

    def _reader(self, scope: str) -> Reader:
        access = self._tokens.read(_bearer(request.environ))
        if access is None:
            raise BadToken(
                "send an access token as `Authorization: Bearer …`",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if self._is_revoked(access.id):
            raise RevokedToken(
                "ask the operator for another", headers={"WWW-Authenticate": "Bearer"}
            )
        if not access.allows(scope):
            raise Forbidden(f"this token's scope is {access.scope}, not {scope}")
        everything = self._all_apps()
        if access.apps is None:
            return Reader(everything, everything)
        return Reader(tuple(app for app in everything if app in access.apps), everything)


def _bearer(environ: dict[str, Any]) -> str:
    kind, _, value = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" else ""
