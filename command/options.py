"""Pieces of the command line: options that stand for settings, and how values are printed."""

import json
import os
from collections.abc import Callable
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


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


def gunicorn_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What only the gunicorn server takes: accesslog, errorlog, replace and gunicorn_arguments."""
    for add in (
        click.argument("gunicorn_arguments", nargs=-1, type=click.UNPROCESSED),
        click.option(
            "--replace", is_flag=True, help="Replace the running server; its port stays open."
        ),
        click.option("--errorlog", help="File for the server's own log; - is standard error."),
        click.option("--accesslog", help="File for a line per request; - is standard output."),
    ):
        command = add(command)
    return command


def _into_environment(key: str) -> Callable[[click.Context, click.Parameter, str | None], None]:
    def callback(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
        if value is not None:
            os.environ[key] = value

    return callback


def show(values: dict[str, Any] | list[dict[str, Any]], as_json: bool) -> None:
    """Print values as JSON, or a line each; a list as a paragraph each."""
    if as_json:
        click.echo(json.dumps(values, ensure_ascii=False))
        return
    for each in values if isinstance(values, list) else [values]:
        click.echo("\n".join(f"{name}: {value}" for name, value in each.items()))
