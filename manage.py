"""RedLog's command line for operators: `python manage.py --help`."""

import json
import sys
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import SQLAlchemyError

from database.engine import HEAD, migrate
from database.mysql_errors import explain
from exceptions import StartError
from service import backup, operate
from service.health import examine
from service.journal import status
from service.verify import verify
from service.welcome import make_ready
from utils import startup, succession
from utils.command import group, gunicorn_options, json_option, server_options, show
from utils.serve import serve
from utils.settings import Settings, load_settings

HERE = Path(__file__).resolve().parent


def checked_settings() -> Settings:
    """The settings, and a data directory that can be written."""
    settings = load_settings(HERE / "setting.yaml")
    startup.check_data_dir(settings.data_path)
    return settings


def root() -> Any:
    """The server's objects (`__init__`), with the database brought up to date."""
    checked_settings()
    import __init__

    migrate(__init__.engine)
    __init__.log_store.upgrade()
    return __init__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run and look after a RedLog server (日志数据上报系统)."""


app_group = group(cli, "app", "Apps and their ingest keys.")
token_group = group(cli, "token", "Access tokens for readers.")
partition_group = group(cli, "partition", "Day partitions of the records.")
journal_group = group(cli, "journal", "The journal of accepted reports.")


@cli.command("gunicorn-server")
@server_options
@gunicorn_options
def gunicorn_server(
    accesslog: str | None, errorlog: str | None, replace: bool, gunicorn_arguments: tuple[str, ...]
) -> None:
    """Run the server in the foreground (what ./start.sh does).

    Checks settings, port and data directory, brings the database up to date and makes a first app.
    Arguments after -- go to gunicorn.
    """
    settings = checked_settings()
    startup.check_worker_class(settings.server.worker_class)
    if replace:
        return click.echo(succession.replace(settings))
    succession.check_place(settings)
    greeting = prepare(settings)
    arguments = ["--config", str(HERE / "configm.py"), *gunicorn_arguments]
    for option, value in (("--access-logfile", accesslog), ("--error-logfile", errorlog)):
        arguments += [option, value] if value else []
    serve(HERE, settings.data_path, [*arguments, "run:app"], lambda: click.echo(greeting))


def prepare(settings: Settings) -> str:
    """Bring the database up to date, make what a first start needs, and say how to go on."""
    import __init__ as server

    return make_ready(settings, server.log_store, server.apps, server.tokens)


@cli.command("debug-server")
@server_options
def debug_server() -> None:
    """Run Flask's debug server with the writer in the same process; never in production."""
    settings = checked_settings()
    click.echo(prepare(settings))
    import __init__ as server

    server.journal.start()
    server.redis_bus.start()
    server.writer.start()
    try:
        server.app.run(settings.server.host, settings.server.port, debug=True, use_reloader=False)
    finally:
        server.journal.stop()
        server.redis_bus.stop()
        server.writer.stop(settings.writer.stop_seconds)


@cli.command("migrate")
def migrate_command() -> None:
    """Bring the database to this version's schema, making it when there is none."""
    root()
    click.echo(f"The database has schema {HEAD}.")


@cli.command("doctor")
def doctor() -> None:
    """Check settings, disk, database, Redis and journal; exit code 1 when something is wrong."""
    settings = checked_settings()
    from __init__ import engine

    checks, failing = examine(settings, engine)
    show(checks, as_json=False)
    click.echo("\n".join(f"WRONG  {reason}" for reason in failing) or "all is well")
    sys.exit(1 if failing else 0)


@cli.command("backup")
@click.argument("path", type=click.Path(path_type=Path))
@json_option
def backup_command(path: Path, as_json: bool) -> None:
    """Copy everything to the new folder PATH while the server runs."""
    show(backup.back_up(checked_settings(), path), as_json)


@cli.command("restore")
@click.argument("path", type=click.Path(path_type=Path))
@json_option
def restore_command(path: Path, as_json: bool) -> None:
    """Bring the backup PATH into an empty data directory, before the first start."""
    show(backup.restore(checked_settings(), path), as_json)


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


@token_group.command("create")
@click.option("--scope", type=click.Choice(["read", "admin"]), default="read", show_default=True)
@click.option("--app", "app_ids", type=int, multiple=True, help="Only this app; repeatable.")
@click.option("--days", type=click.IntRange(min=1), help="How long it is good [token.days].")
@json_option
def token_create(scope: str, app_ids: tuple[int, ...], days: int | None, as_json: bool) -> None:
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


@partition_group.command("list")
@json_option
def partition_list(as_json: bool) -> None:
    """List the partitions, the newest first."""
    show([partition._asdict() for partition in root().log_store.catalogue.partitions()], as_json)


@partition_group.command("drop")
@click.argument("name")
@click.option("--wait", default=30.0, show_default=True, help="Seconds to wait for the server.")
def partition_drop(name: str, wait: float) -> None:
    """Drop a day (as 20261120) with all its records; the disk comes back at once."""
    server = root()
    operate.drop_partition(server.log_store, server.data / "journal", name, wait)
    click.echo(f"Dropped {name}.")


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
    """What the elected writer hires; LOCK is the descriptor of its lock."""
    from __init__ import writer

    writer.work_for_parent(lock)


def main() -> None:
    """Run a command; what the operator must mend is one line, not a traceback."""
    try:
        cli()
    except StartError as error:
        click.echo(f"redlog: {error}", err=True)
        sys.exit(error.exit_code)
    except SQLAlchemyError as error:
        sys.exit(f"redlog: the database: {explain(error)}")


if __name__ == "__main__":
    main()
