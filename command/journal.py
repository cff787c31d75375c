"""`journal …`: the journal of accepted reports."""

import sys
from pathlib import Path

import click

from command.base import HERE, checked_settings
from command.options import json_option, show
from service.journal import status
from service.verify import verify
from utils.log import set_up_log
from utils.settings import load_settings


@click.group("journal")
def journal_group() -> None:
    """The journal of accepted reports."""


@journal_group.command("status")
@json_option
def journal_status(as_json: bool) -> None:
    """What waits to be stored, and how the writer fares."""
    show(status(checked_settings().data_path / "journal"), as_json)


@journal_group.command("verify")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@json_option
def journal_verify(paths: tuple[Path, ...], as_json: bool) -> None:
    """Check segments, or all in a folder [the journal]; exit code 1 when one is not sound."""
    checked = verify(paths or [checked_settings().data_path / "journal"])
    show(checked, as_json)
    if not as_json:
        click.echo(f"{len(checked)} segments checked")
    sys.exit(any(segment["state"] != "sound" for segment in checked))


@journal_group.command("drain", hidden=True)
@click.argument("lock", type=int)
def journal_drain(lock: int) -> None:
    """What the elected writer hires; LOCK is the descriptor of its lock.

    It makes do without the server's objects: two processes come of it, and the first one's start
    holds up the store.
    """
    from database.engine import open_engine
    from database.stores import open_store
    from database.writer import Writer

    settings = load_settings(HERE / "setting.yaml")
    set_up_log(settings.server.log_level)
    data = settings.data_path
    store = open_store(open_engine(settings.database, data), data)
    Writer(data, store, settings.writer, settings.retention).work_for_parent(lock)
