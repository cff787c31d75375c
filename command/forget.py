"""`forget`: a person's records, gone."""

from typing import Any

import click
from msgspec import to_builtins

from command.base import root
from command.options import json_option, show
from database.erasures import Erasures
from database.writer import Writer
from exceptions import StartError
from service.audit import OPERATOR
from service.forget import wait_for


@click.command("forget")
@click.option("--user-id", help="Whose records.")
@click.option("--device-id", help="Or of which device.")
@click.option("--app", "app_id", type=int, help="Only of this app.")
@click.option("--wait", default=60.0, show_default=True, help="Seconds to wait for the end.")
@json_option
def forget_command(
    user_id: str | None, device_id: str | None, app_id: int | None, wait: float, as_json: bool
) -> None:
    """Delete the records of a user or a device everywhere; prints how many there were, by app."""
    field, value = ("user_id", user_id) if user_id else ("device_id", device_id)
    if not value or (user_id and device_id):
        raise click.UsageError("name one of --user-id and --device-id")
    server = root()
    if app_id is not None and app_id not in server.apps.ids():
        raise StartError(f"there is no app {app_id}")
    erasures = Erasures(server.engine)
    apps = None if app_id is None else (app_id,)
    made = erasures.request(field, value, apps, OPERATOR)
    details = {"field": field, "apps": apps}
    server.audit_log.record(OPERATOR, "erasure.request", f"erasure {made.id}", details)
    found = wait_for(erasures, made.id, _writer(server), wait)
    show(to_builtins(found), as_json)
    if found.state != "done":
        raise StartError(f"erasure {made.id} is not done yet; the server goes on with it")
    if found.unreadable_days:
        raise StartError("from damaged days nothing could be removed; drop them")


def _writer(server: Any) -> Writer:
    """A writer for the time when no server runs: it drains what waits, and hires nobody."""
    settings = server.settings
    heard = server.newest.hear_erased
    return Writer(server.data, server.log_store, settings.writer, settings.retention, heard)
