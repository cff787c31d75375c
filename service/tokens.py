"""Tokens of machines: who may make, see and revoke which."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from database.api_tokens import ApiToken, ApiTokens
from exceptions import Forbidden, NotFound
from utils.clock import format_time
from utils.principal import Principal, Scope


class NewToken(Struct, forbid_unknown_fields=True):
    """A token that is wanted. `apps` are app ids; null: all that its maker sees."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    scope: Scope = "read"
    apps: Annotated[list[int], Meta(min_length=1, max_length=1000)] | None = None
    days: Annotated[int, Meta(ge=1, le=3650)] | None = None


def create(api_tokens: ApiTokens, caller: Principal, wanted: NewToken, days: int) -> dict[str, Any]:
    """Make a token that can do no more than its maker; `days` it is good unless it says itself.

    Its text is in the reply and nowhere else. Raises Forbidden, and NotFound for an app that the
    maker does not see.
    """
    _holder(caller)
    if wanted.scope == "admin" and not caller.is_at_least("member"):
        raise Forbidden("a viewer can only make tokens of scope read")
    for app in wanted.apps or ():
        if app not in caller.apps:
            raise NotFound(f"there is no app {app}")
    apps = wanted.apps if wanted.apps or caller.role == "admin" else list(caller.apps)
    token, made = api_tokens.create(
        wanted.name, wanted.scope, apps, wanted.days or days, caller.account_id
    )
    return {"token": token, **shown(made)}


def list_tokens(api_tokens: ApiTokens, caller: Principal) -> list[dict[str, Any]]:
    """All tokens for an admin, their own for others; without their texts."""
    return [shown(token) for token in api_tokens.all(_holder(caller))]


def revoke(api_tokens: ApiTokens, caller: Principal, token_id: str) -> None:
    """Refuse a token from now on. Raises NotFound, also for a token of somebody else."""
    if not api_tokens.revoke(token_id, _holder(caller)):
        raise NotFound(f"there is no token {token_id}")


def shown(token: ApiToken) -> dict[str, Any]:
    """A token as it is shown to those who look after it."""
    times = {
        name: None if value is None else format_time(value)
        for name, value in token._asdict().items()
        if name.endswith("_at")
    }
    return {**token._asdict(), **times}


def about(made: dict[str, Any]) -> dict[str, Any]:
    """What the audit log says of a new token."""
    return {key: made[key] for key in ("name", "scope", "apps", "expires_at")}


def _holder(caller: Principal) -> int | None:
    """Whose tokens they look after: their account's; None: everybody's."""
    if caller.role == "admin":
        return None
    if caller.session_id is None:
        raise Forbidden("a machine's token can't look after tokens unless it administers all apps")
    return caller.account_id
