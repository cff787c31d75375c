"""RedLog's command line for operators: `python manage.py --help`."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from exceptions import StartError
from utils.settings import Settings, load_settings

HERE = Path(__file__).resolve().parent
FIRST_APP = "default"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run and look after a RedLog server (日志数据上报系统)."""


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of both servers: each stands for a setting."""
    for name, key, what in (
        ("--workers", "REDLOG_SERVER__WORKERS", "Worker processes."),
        ("--port", "REDLOG_SERVER__PORT", "Port to listen on."),
        ("--host", "REDLOG_SERVER__HOST", "Address to listen on."),
        ("--profile", "REDLOG_PROFILE", "Profile of setting.yaml."),
    ):
        option = click.option(name, expose_value=False, help=what, callback=_into_environment(key))
        command = option(command)
    return command


def _into_environment(key: str) -> Callable[[click.Context, click.Parameter, str | None], None]:
    def callback(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
        if value is not None:
            os.environ[key] = value

    return callback


def checked_settings() -> Settings:
    """The settings, and a data directory that can be written."""
    from utils.startup import check_data_dir

    settings = load_settings(HERE / "setting.yaml")
    check_data_dir(settings.data_path)
    return settings


@cli.command("gunicorn-server")
@server_options
@click.option("--accesslog", help="File for a line per request; - is standard output.")
@click.option("--errorlog", help="File for the server's own log; - is standard error.")
@click.argument("gunicorn_arguments", nargs=-1, type=click.UNPROCESSED)
def gunicorn_server(
    accesslog: str | None, errorlog: str | None, gunicorn_arguments: tuple[str, ...]
) -> None:
    """Run the server in the foreground (what ./start.sh does).

    Checks settings, port and data directory, brings the database up to date and makes a first app.
    Arguments after -- go to gunicorn.
    """
    from utils.startup import check_not_running, check_port

    settings = checked_settings()
    check_not_running(settings.data_path / "redlog.pid")
    if settings.server.port:
        check_port(settings.server.host, settings.server.port)
    welcome = prepare(settings)
    arguments = ["--config", str(HERE / "configm.py"), *gunicorn_arguments]
    for option, value in (("--access-logfile", accesslog), ("--error-logfile", errorlog)):
        arguments += [option, value] if value else []
    serve([*arguments, "run:app"], lambda: click.echo(welcome))


def serve(arguments: list[str], when_ready: Callable[[], None]) -> None:
    """Run gunicorn in this process; Ctrl-C ends it like SIGTERM, when requests are finished."""
    from gunicorn.app.wsgiapp import WSGIApplication

    def ready(server: Any) -> None:
        signal.signal(signal.SIGINT, lambda number, frame: server.signal(signal.SIGTERM, frame))
        when_ready()

    class Server(WSGIApplication):  # type: ignore[misc]  # gunicorn has no types
        def load_config(self) -> None:
            super().load_config()
            self.cfg.set("when_ready", ready)

    os.chdir(HERE)
    sys.argv = ["gunicorn", *arguments]
    Server("%(prog)s [OPTIONS] run:app").run()


def prepare(settings: Settings) -> str:
    """Bring the database up to date, make what a first start needs, and say how to go on."""
    from __init__ import apps, engine, tokens
    from database.engine import migrate
    from service.welcome import welcome

    migrate(engine)
    existing = apps.all()
    app = existing[0] if existing else apps.create(FIRST_APP)
    token = None if existing else tokens.issue("read", None, settings.token.days * 86_400)
    engine.dispose()
    return welcome(settings, app, token)


@cli.command("debug-server")
@server_options
def debug_server() -> None:
    """Run Flask's debug server with the writer in the same process; never in production."""
    settings = checked_settings()
    click.echo(prepare(settings))
    from __init__ import app, journal, writer

    journal.start()
    writer.start()
    try:
        app.run(settings.server.host, settings.server.port, debug=True, use_reloader=False)
    finally:
        journal.stop()
        writer.stop(settings.writer.stop_seconds)


@cli.command("migrate")
def migrate_command() -> None:
    """Bring the database to this version's schema, making it when there is none."""
    checked_settings()
    from __init__ import engine
    from database.engine import HEAD, migrate

    migrate(engine)
    click.echo(f"The database has schema {HEAD}.")


def with_database() -> None:
    """Check the settings and bring the database up to date before a command uses it."""
    checked_settings()
    from __init__ import engine
    from database.engine import migrate

    migrate(engine)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@cli.group("app")
def app_group() -> None:
    """Apps and their ingest keys."""


@app_group.command("create")
@click.argument("name")
@json_option
def app_create(name: str, as_json: bool) -> None:
    """Make an app; prints its id, ingest key and secret."""
    with_database()
    from __init__ import apps
    from database.apps import NameTaken

    try:
        made = apps.create(name)
    except NameTaken:
        raise StartError(f"there is an app {name!r} already") from None
    show(made._asdict(), as_json)


@app_group.command("list")
@json_option
def app_list(as_json: bool) -> None:
    """List the apps with what became of their records (secrets are left out)."""
    with_database()
    from __init__ import apps

    totals = apps.totals()
    rows = [
        {
            "id": app.id,
            "name": app.name,
            "ingest_key": app.ingest_key,
            "records": totals.get(app.id, {}),
        }
        for app in apps.all()
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        show(row, False)


@app_group.command("key")
@click.argument("name", required=False)
def app_key(name: str | None) -> None:
    """Print an app's ingest key, the first app's if no NAME is given."""
    with_database()
    from __init__ import apps

    found = next((app for app in apps.all() if name in (None, app.name)), None)
    if found is None:
        raise StartError(f"there is no app {name!r}" if name else "there is no app yet")
    click.echo(found.ingest_key)


@app_group.command("rotate-key")
@click.argument("app_id", type=int)
@json_option
def app_rotate_key(app_id: int, as_json: bool) -> None:
    """Give an app a new ingest key; the old one is refused within seconds."""
    with_database()
    from __init__ import apps

    key = apps.rotate_key(app_id)
    if key is None:
        raise StartError(f"there is no app {app_id}")
    show({"id": app_id, "ingest_key": key}, as_json)


@cli.group("token")
def token_group() -> None:
    """Access tokens for readers."""


@token_group.command("create")
@click.option("--scope", type=click.Choice(["read", "admin"]), default="read", show_default=True)
@click.option(
    "--app", "app_ids", type=int, multiple=True, help="Only this app's records; repeatable."
)
@click.option(
    "--days", type=click.IntRange(min=1), help="How long it is good (setting token.days)."
)
@json_option
def token_create(scope: str, app_ids: tuple[int, ...], days: int | None, as_json: bool) -> None:
    """Make a token; without --app it reads all apps."""
    with_database()
    from __init__ import apps, settings, tokens

    for app_id in app_ids:
        if app_id not in apps.ids():
            raise StartError(f"there is no app {app_id}")
    seconds = (days or settings.token.days) * 86_400
    token = tokens.issue(scope, list(app_ids) or None, seconds)
    click.echo(json.dumps({"token": token}) if as_json else token)


@cli.command("doctor")
def doctor() -> None:
    """Check settings, disk, database and journal; exit code 1 when something is wrong."""
    settings = checked_settings()
    from __init__ import engine
    from service.health import reasons
    from utils.startup import running_pid

    pid = running_pid(settings.data_path / "redlog.pid")
    checks, failing = reasons(settings, engine, pid is not None)
    click.echo(f"settings: good (profile {os.environ.get('REDLOG_PROFILE', 'default')})")
    click.echo(f"server: {f'running (pid {pid})' if pid else 'not running'}")
    show(checks, False)
    for reason in failing:
        click.echo(f"WRONG  {reason}")
    if failing:
        sys.exit(1)
    click.echo("all is well")


@cli.group("partition")
def partition_group() -> None:
    """Day partitions of the records."""


@partition_group.command("list")
@json_option
def partition_list(as_json: bool) -> None:
    """List the partitions, the newest first."""
    with_database()
    from __init__ import log_store

    rows = [partition._asdict() for partition in log_store.catalogue.partitions()]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        click.echo(f"{row['name']}  {row['records']:>12,} records  {row['bytes']:>15,} bytes")


@partition_group.command("drop")
@click.argument("name")
@click.option(
    "--wait", default=30.0, show_default=True, help="Seconds to wait for the server to do it."
)
def partition_drop(name: str, wait: float) -> None:
    """Drop a day (as 20261120) with all its records; the disk comes back at once."""
    with_database()
    from __init__ import data, log_store
    from database.segments import list_segments
    from utils.files import try_lock

    if not log_store.catalogue.request_drop(name):
        raise StartError(f"there is no partition {name}")
    (data / "journal").mkdir(exist_ok=True)
    deadline = time.monotonic() + wait
    while any(name == p.name and p.drop_requested for p in log_store.catalogue.partitions()):
        lock = try_lock(data / "journal" / "writer.lock")
        if lock is not None:  # no server runs: this process is the writer
            log_store.drop(name, {path.stem for path in list_segments(data / "journal")})
            os.close(lock)
        elif time.monotonic() > deadline:
            raise StartError(f"the server did not drop {name} yet; it will, when its writer can")
        time.sleep(0.1)
    click.echo(f"Dropped {name}.")


@cli.group("journal")
def journal_group() -> None:
    """The journal of accepted reports."""


@journal_group.command("status")
@json_option
def journal_status(as_json: bool) -> None:
    """What waits to be stored, and how the writer fares."""
    checked_settings()
    from __init__ import data
    from service.journal import status

    show(status(data / "journal"), as_json)


def show(values: dict[str, Any], as_json: bool) -> None:
    """Print values as JSON, or a line each."""
    if as_json:
        click.echo(json.dumps(values, ensure_ascii=False))
        return
    for name, value in values.items():
        click.echo(f"{name}: {value}")


def main() -> None:
    """Run a command; what the operator must mend is one line, not a traceback."""
    try:
        cli()
    except StartError as error:
        click.echo(f"redlog: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
