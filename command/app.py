"""`app …`: apps and their ingest keys."""

import json
from typing import Any

import click
from msgspec import to_builtins

from command.base import root
from command.options import json_option, show
from exceptions import NotFound
from service import apps as service
from service.app_shapes import AppChange, AppForm
from service.audit import OPERATOR
from utils.body import checked


@click.group("app")
def app_group() -> None:
    """Apps and their ingest keys."""


@app_group.command("create")
@click.argument("name")
@json_option
def app_create(name: str, as_json: bool) -> None:
    """Make an app; prints its id, ingest key and secret."""
    server = root()
    made = service.create(server.apps, checked({"name": name}, AppForm))
    server.audit_log.record(OPERATOR, "app.create", f"app {made.id}", {"name": made.name})
    names = ("id", "name", "ingest_key", "secret")
    show({name: getattr(made, name) for name in names}, as_json)


@app_group.command("list")
@json_option
def app_list(as_json: bool) -> None:
    """List the apps with what became of their records."""
    apps = root().apps
    totals = apps.totals()
    told = [
        {"id": app.id, "name": app.name, "ingest_key": app.ingest_key}
        | {"records": totals.get(app.id, {})}
        for app in apps.all()
    ]
    show(told, as_json)


@app_group.command("key")
@click.argument("name", required=False)
def app_key(name: str | None) -> None:
    """Print an app's ingest key, the first app's if no NAME is given."""
    named = (app for app in root().apps.all() if name in (None, app.name))
    found = next(named, None)
    if found is None:
        raise NotFound(f"there is no app {name!r}" if name else "there is no app yet")
    if found.ingest_key is None:
        raise NotFound(f"app {found.name!r} has no key that lasts")
    click.echo(found.ingest_key)


@app_group.command("set")
@click.argument("app_id", type=int)
@click.argument("values", metavar="KEY=VALUE…", nargs=-1, required=True)
@json_option
def app_set(app_id: int, values: tuple[str, ...], as_json: bool) -> None:
    """Change an app: its name or any setting, such as retention_days=7; lists are JSON."""
    server = root()
    changes = checked(dict(_assignment(value) for value in values), AppChange)
    changed = service.change(server.apps, app_id, changes)
    said = service.describe_change(changes)
    server.audit_log.record(OPERATOR, "app.update", f"app {app_id}", said)
    show(to_builtins(service.describe(changed)), as_json)


@app_group.command("rotate-key")
@click.argument("app_id", type=int)
@click.option("--key", "key_id", type=int, help="Which key; the newest one if none is named.")
@click.option(
    "--overlap",
    metavar="HOURS",
    type=click.IntRange(0, 8760),
    default=0,
    help="How long the old key goes on; it ends at once if this is not given.",
)
@json_option
def app_rotate_key(app_id: int, key_id: int | None, overlap: int, as_json: bool) -> None:
    """Give an app a new ingest key in the place of another."""
    server = root()
    made = service.rotate(server.apps, app_id, key_id, overlap)
    details = {"new_key": made.id, "overlap_hours": overlap}
    server.audit_log.record(OPERATOR, "key.rotate", f"app {app_id}", details)
    show({"id": app_id, "ingest_key": made.key}, as_json)


def _assignment(text: str) -> tuple[str, Any]:
    """`key=value`; what is no JSON is text."""
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not of the form KEY=VALUE")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value
