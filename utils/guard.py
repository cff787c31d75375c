"""Who may call a route: the decorators, and the one place that decides."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import g, request

from exceptions import BadKey, BadToken, Forbidden
from utils.tokens import Tokens

View = TypeVar("View", bound=Callable[..., Any])


class Guard:
    """Makes the decorators from what knows the keys and the tokens.

    `id_of_key` maps an ingest key to its app's id or None; `all_apps` gives every app's id.
    """

    def __init__(
        self,
        id_of_key: Callable[[str], int | None],
        all_apps: Callable[[], tuple[int, ...]],
        tokens: Tokens,
    ) -> None:
        self._id_of_key = id_of_key
        self._all_apps = all_apps
        self._tokens = tokens

    def ingest_key_required(self, view: View) -> View:
        """Only for clients with an app's ingest key; the app's id is in `g.app_id`."""

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            key = _presented_key()
            app_id = self._id_of_key(key) if key else None
            if app_id is None:
                raise BadKey(
                    "send the app's ingest key as X-Redlog-Key, as a bearer token or as ?key="
                )
            g.app_id = app_id
            return view(*args, **kwargs)

        return guarded  # type: ignore[return-value]

    def token_required(self, scope: str) -> Callable[[View], View]:
        """Only for readers with an access token of this scope.

        `g.apps` holds the ids of the apps that the reader may see, `g.all_apps` those of all.
        """

        def decorate(view: View) -> View:
            @wraps(view)
            def guarded(*args: Any, **kwargs: Any) -> Any:
                g.all_apps = self._all_apps()
                g.apps = self._readable_apps(scope)
                return view(*args, **kwargs)

            return guarded  # type: ignore[return-value]

        return decorate

    def _readable_apps(self, scope: str) -> tuple[int, ...]:
        access = self._tokens.read(_bearer())
        if access is None:
            raise BadToken(
                "send an access token as `Authorization: Bearer …`",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if not access.allows(scope):
            raise Forbidden(f"this token's scope is {access.scope}, not {scope}")
        if access.apps is None:
            return tuple(g.all_apps)
        return tuple(app_id for app_id in g.all_apps if app_id in access.apps)


def _bearer() -> str:
    kind, _, value = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" else ""


def _presented_key() -> str:
    """The ingest key from its header, a bearer token or the query, looked for in this order."""
    key = request.environ.get("HTTP_X_REDLOG_KEY") or _bearer()
    return key or request.args.get("key", "")
