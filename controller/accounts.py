"""Accounts, for admins."""

from flask import Response, request

from __init__ import accounts, app, audit_log, login, role_required, sessions
from database.accounts import Account
from exceptions import Busy
from exceptions.accounts import AccountExists, LastAdmin, WeakPassword
from service import accounts as service
from service.sessions import ShownAccount, shown_account
from utils.body import read_json
from utils.describe import describes
from utils.principal import Principal
from utils.record import dumps

PATH = "/api/v1/accounts"


@app.get(PATH)
@describes(reply=service.AccountList)
@role_required("admin")
def list_accounts(principal: Principal) -> Response:
    """All accounts."""
    return _reply(service.AccountList([shown_account(each) for each in accounts.all()]))


@app.post(PATH)
@describes(
    body=service.AccountForm,
    reply=service.GivenAccount,
    status=201,
    errors=(AccountExists, WeakPassword, Busy),
)
@role_required("admin")
def create_account(principal: Principal) -> Response:
    """Make an account; a password that was made for it is shown only now."""
    form = read_json(request.environ, service.AccountForm)
    made, password = service.create(login, form, principal.all_apps)
    _record(principal, "account.create", made, role=made.role, apps=made.apps)
    return _reply(service.given(made, password), 201)


@app.get(f"{PATH}/<int:account_id>")
@describes(reply=ShownAccount)
@role_required("admin")
def show_account(principal: Principal, account_id: int) -> Response:
    """One account."""
    return _reply(shown_account(accounts.get(account_id)))


@app.patch(f"{PATH}/<int:account_id>")
@describes(body=service.AccountChange, reply=ShownAccount, errors=(LastAdmin,))
@role_required("admin")
def change_account(principal: Principal, account_id: int) -> Response:
    """Change an account's role and apps, disable or enable it."""
    wanted = read_json(request.environ, service.AccountChange)
    changed = service.change(login, sessions, account_id, wanted, principal.all_apps)
    now = {"role": changed.role, "apps": changed.apps, "disabled": changed.disabled}
    _record(principal, "account.update", changed, **now)
    return _reply(shown_account(changed))


@app.delete(f"{PATH}/<int:account_id>")
@describes(status=204, errors=(LastAdmin,))
@role_required("admin")
def delete_account(principal: Principal, account_id: int) -> Response:
    """Remove an account."""
    _record(principal, "account.delete", service.delete(login, sessions, account_id))
    return Response(status=204)


@app.post(f"{PATH}/<int:account_id>/reset")
@describes(body=service.Reset, reply=service.GivenAccount, errors=(Busy,))
@role_required("admin")
def reset_account(principal: Principal, account_id: int) -> Response:
    """Give an account a new password, which is shown only now and must be changed."""
    form = read_json(request.environ, service.Reset)
    after, password = service.reset(login, sessions, account_id, form.totp)
    _record(principal, "account.reset", after, totp=form.totp)
    return _reply(service.given(after, password))


def _record(principal: Principal, act: str, account: Account, **details: object) -> None:
    audit_log.record(principal, act, f"account {account.name}", details or None)


def _reply(body: object, status: int = 200) -> Response:
    return Response(dumps(body), status, content_type="application/json")
