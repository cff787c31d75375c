"""`token …`: access tokens for readers."""

import json
import sys

import click

from command.base import root
from command.options import json_option
from service import operate
from utils.principal import Scope


@click.group("token")
def token_group() -> None:
    """Access tokens for readers."""


@token_group.command("create")
@click.option("--scope", type=click.Choice(["read", "admin"]), default="read", show_default=True)
@click.option("--app", "app_ids", type=int, multiple=True, help="Only this app; repeatable.")
@click.option("--days", type=click.IntRange(min=1), help="How long it is good [token.days].")
@json_option
def token_create(scope: Scope, app_ids: tuple[int, ...], days: int | None, as_json: bool) -> None:
    """Make a token; without --app it reads all apps."""
    server = root()
    days = days or server.settings.token.days
    made = operate.create_token(server.tokens, server.apps, scope, app_ids, days)
    click.echo(json.dumps(made) if as_json else made["token"])


@token_group.command("revoke")
@click.argument("token_id", required=False)
def token_revoke(token_id: str | None) -> None:
    """Refuse a token everywhere within a second: by its id, or without one, read from stdin."""
    server = root()
    token = None if token_id else sys.stdin.readline().strip()
    revoked = operate.revoke_token(server.tokens, server.revoked_tokens, token_id, token)
    click.echo(f"Revoked {revoked}.")
