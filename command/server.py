"""Start the server, and look after the whole of it."""

import sys
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from command.base import HERE, checked_settings, root
from command.options import gunicorn_options, json_option, server_options, show
from database.engine import HEAD
from database.mysql_errors import explain
from service import backup
from service.audit import OPERATOR
from service.health import examine
from service.welcome import make_ready
from utils import startup, succession
from utils.serve import serve
from utils.settings import Settings


@click.command("gunicorn-server")
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

    api_tokens = server.passes.api_tokens
    people = (server.apps, api_tokens, server.login, server.audit_log)
    return make_ready(settings, server.log_store, *people)


@click.command("debug-server")
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
        server.writer.stop(settings.writer.stop_seconds, server.journal.segments)


@click.command("migrate")
def migrate_command() -> None:
    """Bring the database to this version's schema, making it when there is none."""
    root()
    click.echo(f"The database has schema {HEAD}.")


@click.command("doctor")
def doctor() -> None:
    """Check settings, disk, database, Redis and journal; exit code 1 when something is wrong."""
    settings = checked_settings()
    from __init__ import engine

    checks, failing = examine(settings, engine)
    show(checks, as_json=False)
    click.echo("\n".join(f"WRONG  {reason}" for reason in failing) or "all is well")
    sys.exit(1 if failing else 0)


@click.command("backup")
@click.argument("path", type=click.Path(path_type=Path))
@json_option
def backup_command(path: Path, as_json: bool) -> None:
    """Copy everything to the new folder PATH while the server runs."""
    show(backup.back_up(checked_settings(), path), as_json)
    _note("backup", path)


@click.command("restore")
@click.argument("path", type=click.Path(path_type=Path))
@json_option
def restore_command(path: Path, as_json: bool) -> None:
    """Bring the backup PATH into an empty data directory, before the first start."""
    show(backup.restore(checked_settings(), path), as_json)
    _note("restore", path)


def _note(act: str, path: Path) -> None:
    """Add it to the audit log. It is done, so it does not fail for a database that is away or that
    another version made.
    """
    from __init__ import audit_log

    try:
        audit_log.record(OPERATOR, act, f"folder {path.absolute()}")
    except SQLAlchemyError as error:
        click.echo(f"redlog: not noted in the audit log: {explain(error)}", err=True)
    finally:
        audit_log.engine.dispose()
