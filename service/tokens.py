"""Tokens of machines: who may make, see and revoke which."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from database.api_tokens import ApiToken, ApiTokens
from exceptions import Forbidden, NotFound
from utils.clock import format_time
from utils.principal import Principal, Scope
from utils.wording import say


class NewToken(Struct, forbid_unknown_fields=True):
    """A token that is wanted. `apps` are app ids; null: all that its maker sees."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    scope: Scope = "read"
    apps: Annotated[list[int], Meta(min_length=1, max_length=1000)] | None = None
    days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class ShownToken(Struct, kw_only=True):
    """A token as it is shown to those who look after it. `account_id`: who made it; null: the
    operator, or a machine of the operator's.
    """

    id: str
    name: str
    scope: Scope
    apps: list[int] | None
    account_id: int | None
    created_at: str
    expires_at: str
    last_used_at: str | None


class MadeToken(ShownToken, kw_only=True):
    """A new token, with its text, which is nowhere else."""

    token: str


class TokenList(Struct):
    """Tokens, the oldest first."""

    tokens: list[ShownToken]


def holder_of(caller: Principal) -> int | None:
    """Whose tokens the caller looks after: an account's; None: everybody's. Raises Forbidden."""
    if caller.role == "admin":
        return None
    if caller.session_id is None:
        raise Forbidden("a machine's token can't look after tokens unless it administers all apps")
    return caller.account_id


def create(api_tokens: ApiTokens, caller: Principal, wanted: NewToken, days: int) -> MadeToken:
    """Make a token that can do no more than its maker; `days` it is good unless it says itself.

    Raises Forbidden, and NotFound for an app that the maker does not see.
    """
    if wanted.scope == "admin" and not caller.is_at_least("member"):
        raise Forbidden("a viewer can only make tokens of scope read")
    for app in wanted.apps or ():
        if app not in caller.apps:
            raise NotFound(say("there is no app {app}", app=app))
    apps = wanted.apps if wanted.apps or caller.role == "admin" else list(caller.apps)
    token, made = api_tokens.create(
        wanted.name, wanted.scope, apps, wanted.days or days, caller.account_id
    )
    return MadeToken(token=token, **_shown(made))


def list_tokens(api_tokens: ApiTokens, holder: int | None) -> TokenList:
    """The tokens of `holder_of`, without their texts."""
    found = api_tokens.all(holder)
    return TokenList([ShownToken(**_shown(token)) for token in found])


def revoke(api_tokens: ApiTokens, holder: int | None, token_id: str) -> None:
    """Refuse a token from now on. Raises NotFound, also for a token of somebody else."""
    if not api_tokens.revoke(token_id, holder):
        raise NotFound(say("there is no token {number}", number=token_id))


def about(made: MadeToken) -> dict[str, Any]:
    """What the audit log says of a new token."""
    return {name: getattr(made, name) for name in ("name", "scope", "apps", "expires_at")}


def _shown(token: ApiToken) -> dict[str, Any]:
    values = token._asdict()
    times = [name for name in values if name.endswith("_at") and values[name] is not None]
    return values | {name: format_time(values[name]) for name in times}
