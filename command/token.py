"""`token …`: tokens of machines, and those of people that must end."""

import sys

import click
from msgspec import to_builtins

from command.base import root
from command.options import json_option, show
from service import operate, tokens
from service.audit import OPERATOR
from utils.principal import Scope, operator


@click.group("token")
def token_group() -> None:
    """Tokens that machines read and administer with."""


@token_group.command("create")
@click.option("--scope", type=click.Choice(["read", "admin"]), default="read", show_default=True)
@click.option("--app", "app_ids", type=int, multiple=True, help="Only this app; repeatable.")
@click.option("--days", type=click.IntRange(1, 3650), help="How long it is good [token.days].")
@click.option("--name", default="manage.py", show_default=True, help="What it is for.")
@json_option
def token_create(
    scope: Scope, app_ids: tuple[int, ...], days: int | None, name: str, as_json: bool
) -> None:
    """Make a token, which is shown only now; without --app it is good for all apps."""
    server = root()
    wanted = tokens.NewToken(name, scope, list(app_ids) or None, days)
    caller = operator(server.apps.ids())
    days = server.settings.token.days
    made = tokens.create(server.passes.api_tokens, caller, wanted, days)
    server.audit_log.record(caller, "token.create", f"token {made.id}", tokens.about(made))
    if as_json:
        return show(to_builtins(made), as_json)
    click.echo(made.token)


@token_group.command("list")
@json_option
def token_list(as_json: bool) -> None:
    """List the tokens of machines: for what, since when, and when they were used last."""
    found = tokens.list_tokens(root().passes.api_tokens, None)
    show(to_builtins(found.tokens), as_json)


@token_group.command("revoke")
@click.argument("token_id", required=False)
def token_revoke(token_id: str | None) -> None:
    """Refuse a token everywhere within a second: by its id, or without one, read from stdin."""
    server = root()
    token = None if token_id else sys.stdin.readline().strip()
    revoked = operate.revoke_token(server.signed_tokens, server.passes, token_id, token)
    server.audit_log.record(OPERATOR, "token.revoke", f"token {revoked}")
    click.echo(f"Revoked {revoked}.")
