"""The options of the commands that start a server: each stands for a setting."""

import os
from collections.abc import Callable
from typing import Any

import click


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a server."""
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
