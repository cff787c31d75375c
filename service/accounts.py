"""Accounts, as admins look after them and as people look after their own."""

from contextlib import suppress
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from database.accounts import Account, NewAccount
from exceptions import BadRequestBody, Forbidden, NotFound
from exceptions.accounts import AccountExists, WeakPassword
from service.login import Login
from service.passwords import new_password
from service.sessions import Sessions, ShownAccount, shown_account
from utils.names import is_name, normal
from utils.principal import Principal
from utils.wording import say

FIRST = "admin"
Role = Literal["admin", "member", "viewer"]
AppIds = Annotated[list[int], Meta(max_length=10_000)]


class AccountForm(Struct, forbid_unknown_fields=True):
    """What is said of a new account. Without a password it is given one that must be changed."""

    name: str
    role: Role = "viewer"
    apps: AppIds = []
    password: str | None = None


class AccountChange(Struct, forbid_unknown_fields=True):
    """What an admin may change; what is not named stays."""

    role: Role | UnsetType = UNSET
    apps: AppIds | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class Reset(Struct, forbid_unknown_fields=True):
    """Whether the second factor goes too."""

    totp: bool = False


class PasswordChange(Struct, forbid_unknown_fields=True):
    """The old password, and the one that replaces it."""

    password: str
    new_password: str


class GivenAccount(ShownAccount):
    """An account, and the password that was made for it, if one was: it is shown only now."""

    password: str | UnsetType = UNSET


class AccountList(Struct):
    """All accounts."""

    accounts: list[ShownAccount]


def given(account: Account, password: str | None) -> GivenAccount:
    """An account with the password that was made for it."""
    shown = asdict(shown_account(account))
    return GivenAccount(**shown, password=UNSET if password is None else password)


def create(
    login: Login, form: AccountForm, all_apps: tuple[int, ...]
) -> tuple[Account, str | None]:
    """Make an account; with the password that was made for it, if none was said.

    Raises BadRequestBody, WeakPassword, AccountExists and Busy.
    """
    check_apps(form.apps, all_apps)
    made = new_password() if form.password is None else None
    new = prepared(login, form.name, form.role, form.apps, made or form.password or "")
    return login.accounts.create(new._replace(must_change=made is not None)), made


def create_first(login: Login) -> str | None:
    """Make the first admin; its password, to be changed at the first login. None: not needed."""
    if login.accounts.all():
        return None
    with suppress(AccountExists):  # another node starts as well
        return create(login, AccountForm(FIRST, "admin"), ())[1]
    return None


def prepared(
    login: Login, name: str, role: str, apps: list[int] | tuple[int, ...], password: str
) -> NewAccount:
    """An account that can be made. Raises BadRequestBody, WeakPassword and Busy."""
    name = normal(name)
    if not is_name(name):
        detail = "name: 1 to 64 letters and digits of any script, with . _ - + @ and blanks"
        raise BadRequestBody(detail, field="name")
    login.passwords.check(password, name)
    return NewAccount(name, role, apps, login.passwords.hash(password))


def check_apps(named: list[int], all_apps: tuple[int, ...]) -> None:
    """Raises BadRequestBody when one of the apps is not there."""
    for app_id in named:
        if app_id not in all_apps:
            raise BadRequestBody(say("apps: there is no app {app}", app=app_id), field="apps")


def change(
    login: Login,
    sessions: Sessions,
    account_id: int,
    wanted: AccountChange,
    all_apps: tuple[int, ...],
) -> Account:
    """Change what an account may do; with its role it must sign in again.

    Raises NotFound, BadRequestBody and LastAdmin.
    """
    before = login.accounts.get(account_id)
    values: dict[str, Any] = {}
    if wanted.role is not UNSET:
        values["role"] = wanted.role
    if wanted.disabled is not UNSET:
        values["disabled"] = int(wanted.disabled)
    apps = None if wanted.apps is UNSET else wanted.apps
    check_apps(apps or [], all_apps)
    after = login.accounts.change(account_id, values, apps)
    if after.disabled or after.role != before.role:
        sessions.end_all(account_id)
    return after


def delete(login: Login, sessions: Sessions, account_id: int) -> Account:
    """Remove an account; what it was. Raises NotFound and LastAdmin."""
    before = login.accounts.get(account_id)
    login.accounts.delete(account_id)
    sessions.end_all(account_id)
    login.unlock(before.name)
    return before


def reset(
    login: Login, sessions: Sessions, account_id: int, drop_totp: bool
) -> tuple[Account, str]:
    """Give an account a new password, to be changed at the next login; no session stays.

    Raises NotFound and Busy.
    """
    login.accounts.get(account_id)
    password = new_password()
    values: dict[str, Any] = {"password_hash": login.passwords.hash(password), "must_change": 1}
    if drop_totp:
        values |= {"totp_secret": None, "totp_enabled": 0}
    after = login.accounts.change(account_id, values)
    sessions.end_all(account_id)
    login.unlock(after.name)
    return after, password


def change_password(
    login: Login, sessions: Sessions, caller: Principal, wanted: PasswordChange
) -> None:
    """Replace one's own password; one's other sessions end.

    Raises BadLogin when the old one is wrong, WeakPassword, LockedOut and Busy.
    """
    account = own(login, caller)
    login.confirm(account, wanted.password, caller.address)
    login.passwords.check(wanted.new_password, account.name)
    if normal(wanted.new_password) == normal(wanted.password):
        raise WeakPassword("it is the old one")
    hashed = login.passwords.hash(wanted.new_password)
    login.accounts.change(account.id, {"password_hash": hashed, "must_change": 0})
    sessions.end_all(account.id, but=caller.session_id)


def own(login: Login, caller: Principal) -> Account:
    """The caller's account. Raises Forbidden for one that signs in elsewhere."""
    account = login.accounts.get(caller.account_id or 0)
    if not account.has_password:
        raise Forbidden("this account signs in elsewhere: it has no password here")
    return account


def named(login: Login, name: str) -> Account:
    """The account of this name. Raises NotFound."""
    account = login.accounts.by_name(normal(name))
    if account is None:
        raise NotFound(say("there is no account {name!r}", name=name))
    return account
