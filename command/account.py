"""`account …`: the people who sign in."""

import sys
from typing import Any

import click
from msgspec import UNSET, to_builtins

from command.base import root
from command.options import json_option, show
from exceptions import StartError
from service import accounts
from service.audit import OPERATOR
from service.sessions import shown_account


@click.group("account")
def account_group() -> None:
    """Accounts: the people who sign in."""


@account_group.command("create")
@click.argument("name")
@click.option("--role", type=click.Choice(["admin", "member", "viewer"]), required=True)
@click.option("--app", "apps", type=int, multiple=True, help="An app to see; repeatable.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@json_option
def account_create(
    name: str, role: accounts.Role, apps: tuple[int, ...], password_stdin: bool, as_json: bool
) -> None:
    """Make an account; without --password-stdin it is given a password that must be changed."""
    server = root()
    chosen = _read_password() if password_stdin else None
    form = accounts.AccountForm(name, role, list(apps), chosen)
    made, password = accounts.create(server.login, form, server.apps.ids())
    _record(server, "account.create", made.name, role=role, apps=made.apps)
    _show(accounts.given(made, password), as_json)


@account_group.command("list")
@json_option
def account_list(as_json: bool) -> None:
    """List the accounts."""
    show([to_builtins(shown_account(each)) for each in root().accounts.all()], as_json)


@account_group.command("reset")
@click.argument("name")
@click.option("--totp", is_flag=True, help="Remove the second factor too.")
@json_option
def account_reset(name: str, totp: bool, as_json: bool) -> None:
    """Give an account a new password, which must be changed; end its sessions and its lockout."""
    server = root()
    found = accounts.named(server.login, name)
    after, password = accounts.reset(server.login, server.sessions, found.id, totp)
    _record(server, "account.reset", after.name, totp=totp)
    _show(accounts.given(after, password), as_json)


@account_group.command("disable")
@click.argument("name")
def account_disable(name: str) -> None:
    """Let an account in no more, and end its sessions."""
    _set_disabled(name, True)


@account_group.command("enable")
@click.argument("name")
def account_enable(name: str) -> None:
    """Let an account in again, and end its lockout."""
    _set_disabled(name, False)


def _set_disabled(name: str, disabled: bool) -> None:
    server = root()
    found = accounts.named(server.login, name)
    wanted = accounts.AccountChange(disabled=disabled)
    after = accounts.change(server.login, server.sessions, found.id, wanted, server.apps.ids())
    server.login.unlock(after.name)
    _record(server, "account.update", after.name, disabled=disabled)
    click.echo(f"{after.name} is {'disabled' if disabled else 'enabled'}.")


def _read_password() -> str:
    try:
        return sys.stdin.buffer.readline().rstrip(b"\r\n").decode()
    except UnicodeDecodeError:
        raise StartError("the password is not UTF-8") from None


def _record(server: Any, act: str, name: str, **details: object) -> None:
    server.audit_log.record(OPERATOR, act, f"account {name}", details)


def _show(account: accounts.GivenAccount, as_json: bool) -> None:
    if as_json or account.password is UNSET:
        return show(to_builtins(account), as_json)
    click.echo(f"{account.name} signs in once with the password {account.password}")
