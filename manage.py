"""RedLog's command line for operators: `python manage.py --help`."""

import sys

import click
from sqlalchemy.exc import SQLAlchemyError

from command import server
from command.account import account_group
from command.app import app_group
from command.forget import forget_command
from command.journal import journal_group
from command.partition import partition_group
from command.secret import secret_group
from command.token import token_group
from database.mysql_errors import explain
from exceptions import Problem, StartError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run and look after a RedLog server (日志数据上报系统)."""


for command in (
    server.gunicorn_server,
    server.debug_server,
    server.migrate_command,
    server.doctor,
    server.backup_command,
    server.restore_command,
    app_group,
    account_group,
    token_group,
    secret_group,
    partition_group,
    journal_group,
    forget_command,
):
    cli.add_command(command)


def main() -> None:
    """Run a command; what the operator must mend is one line, not a traceback."""
    try:
        cli()
    except StartError as error:
        click.echo(f"redlog: {error}", err=True)
        sys.exit(error.exit_code)
    except Problem as refused:
        sys.exit(f"redlog: {refused}")
    except SQLAlchemyError as error:
        sys.exit(f"redlog: the database: {explain(error)}")


if __name__ == "__main__":
    main()
