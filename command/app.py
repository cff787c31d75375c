"""`app …`: apps and their ingest keys."""

import click

from command.base import root
from command.options import json_option, show
from service import operate


@click.group("app")
def app_group() -> None:
    """Apps and their ingest keys."""


@app_group.command("create")
@click.argument("name")
@json_option
def app_create(name: str, as_json: bool) -> None:
    """Make an app; prints its id, ingest key and secret."""
    show(operate.create_app(root().apps, name), as_json)


@app_group.command("list")
@json_option
def app_list(as_json: bool) -> None:
    """List the apps with what became of their records."""
    show(operate.list_apps(root().apps), as_json)


@app_group.command("key")
@click.argument("name", required=False)
def app_key(name: str | None) -> None:
    """Print an app's ingest key, the first app's if no NAME is given."""
    click.echo(operate.key_of(root().apps, name))


@app_group.command("rotate-key")
@click.argument("app_id", type=int)
@json_option
def app_rotate_key(app_id: int, as_json: bool) -> None:
    """Give an app a new ingest key; the old one is refused within seconds."""
    show(operate.rotate_key(root().apps, app_id), as_json)
