"""Accounts: the people who sign in, and the apps that they may see."""

import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from database.access_tables import account, membership
from exceptions import NotFound
from exceptions.accounts import AccountExists, LastAdmin
from utils.clock import now_us
from utils.names import folded
from utils.wording import say

KNOWN_SECONDS = 1.0
MAX_KNOWN = 1000
_SHOWN = (
    account.c.id,
    account.c.name,
    account.c.role,
    account.c.must_change,
    account.c.disabled,
    account.c.totp_enabled,
    account.c.password_hash.is_not(None).label("has_password"),
    account.c.created_at,
    account.c.last_login_at,
)
_ADMINS = (account.c.role == "admin") & (account.c.disabled == 0)


class Account(NamedTuple):
    """A person who signs in. `apps` are the ids of the apps that a member or viewer may see; an
    admin sees all. Times are in µs.
    """

    id: int
    name: str
    role: str
    apps: tuple[int, ...]
    must_change: bool  # the password was given to them
    disabled: bool
    totp_enabled: bool
    has_password: bool  # else they sign in elsewhere
    created_at: int
    last_login_at: int | None


class Credentials(NamedTuple):
    """What a login is checked against."""

    id: int
    password_hash: str | None
    disabled: bool
    totp_secret: str | None
    totp_enabled: bool


class NewAccount(NamedTuple):
    """What an account is made of."""

    name: str
    role: str
    apps: Sequence[int] = ()
    password_hash: str | None = None
    must_change: bool = False
    oidc_subject: str | None = None


class Accounts:
    """The table of accounts; what was asked for in the last second is at hand."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._known: dict[int, tuple[float, Account | None]] = {}

    def find(self, account_id: int) -> Account | None:
        """An account as it was at most KNOWN_SECONDS ago; what this process changes, it knows."""
        now = time.monotonic()
        known = self._known.get(account_id)
        if known is not None and now < known[0]:
            return known[1]
        found = next(iter(self._read(account.c.id == account_id)), None)
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[account_id] = (now + KNOWN_SECONDS, found)
        return found

    def get(self, account_id: int) -> Account:
        """An account as it is now. Raises NotFound."""
        self._known.pop(account_id, None)
        found = self.find(account_id)
        if found is None:
            raise NotFound(say("there is no account {number}", number=account_id))
        return found

    def by_name(self, name: str) -> Account | None:
        """The account that is called so, in any case."""
        return next(iter(self._read(account.c.name_key == folded(name))), None)

    def by_subject(self, oidc_subject: str) -> Account | None:
        """The account of a person whom another server knows."""
        return next(iter(self._read(account.c.oidc_subject == oidc_subject)), None)

    def all(self) -> list[Account]:
        """All accounts, the oldest first."""
        return self._read(account.c.id > 0)

    def credentials(self, name: str) -> Credentials | None:
        """What a login by this name is checked against: one statement, whoever asks for whom."""
        return self._credentials(account.c.name_key == folded(name))

    def credentials_of(self, account_id: int) -> Credentials | None:
        """The same for one who is signed in."""
        return self._credentials(account.c.id == account_id)

    def create(self, new: NewAccount) -> Account:
        """Make an account. Raises AccountExists."""
        with self.engine.begin() as connection:
            made = insert_account(connection, new)
        return self.get(made)

    def change(
        self, account_id: int, values: dict[str, Any], apps: Iterable[int] | None = None
    ) -> Account:
        """Change columns, and the apps if any are given.

        Raises NotFound, and LastAdmin when nobody would be left who may change anything.
        """
        concerns_admins = not {"role", "disabled"}.isdisjoint(values)
        with self.engine.begin() as connection:
            if concerns_admins:
                _hold_admins(connection)
            if values:
                chosen = update(account).where(account.c.id == account_id)
                connection.execute(chosen.values(values))
            if apps is not None:
                _set_apps(connection, account_id, apps)
            if concerns_admins:
                _demand_admin(connection)
        return self.get(account_id)

    def delete(self, account_id: int) -> None:
        """Remove an account. Raises LastAdmin."""
        with self.engine.begin() as connection:
            _hold_admins(connection)
            connection.execute(delete(account).where(account.c.id == account_id))
            _set_apps(connection, account_id, ())
            _demand_admin(connection)
        self._known.pop(account_id, None)

    def use_code(self, account_id: int, step: int) -> bool:
        """Note that the code of a time step was used; False when it or a later one was already."""
        unused = account.c.totp_used.is_(None) | (account.c.totp_used < step)
        chosen = update(account).where(account.c.id == account_id, unused)
        with self.engine.begin() as connection:
            return connection.execute(chosen.values(totp_used=step)).rowcount == 1

    def _credentials(self, which: Any) -> Credentials | None:
        columns = [account.c[name] for name in Credentials._fields]
        with self.engine.connect() as connection:
            row = connection.execute(select(*columns).where(which)).first()
        return None if row is None else Credentials(*row)

    def _read(self, which: Any) -> list[Account]:
        mine = membership.c.account_id == account.c.id
        belongs = select(membership).join(account, mine).where(which).order_by(membership.c.app_id)
        with self.engine.connect() as connection:
            rows = connection.execute(select(*_SHOWN).where(which).order_by(account.c.id)).all()
            apps: dict[int, list[int]] = {}
            for account_id, app_id in connection.execute(belongs) if rows else ():
                apps.setdefault(account_id, []).append(app_id)
        return [_account(row, apps.get(row.id, ())) for row in rows]


def insert_account(connection: Connection, new: NewAccount) -> int:
    """Make an account within a transaction of others; its id. Raises AccountExists."""
    values = new._asdict() | {"must_change": int(new.must_change), "disabled": 0}
    apps = values.pop("apps")
    values |= {"name_key": folded(new.name), "totp_enabled": 0, "created_at": now_us()}
    try:
        made = connection.execute(insert(account).values(values))
    except IntegrityError:
        raise AccountExists(say("there is an account {name!r} already", name=new.name)) from None
    number: int = made.inserted_primary_key[0]  # type: ignore[index]
    _set_apps(connection, number, apps)
    return number


def _account(row: Row[Any], apps: Iterable[int]) -> Account:
    values = row._asdict()
    flags = ("must_change", "disabled", "totp_enabled", "has_password")
    return Account(**values | {name: bool(values[name]) for name in flags}, apps=tuple(apps))


def _set_apps(connection: Connection, account_id: int, apps: Iterable[int]) -> None:
    connection.execute(delete(membership).where(membership.c.account_id == account_id))
    rows = [{"account_id": account_id, "app_id": app_id} for app_id in sorted(set(apps))]
    if rows:
        connection.execute(insert(membership), rows)


def _hold_admins(connection: Connection) -> None:
    """Have other nodes wait with changing an admin (SQLite has one writer at a time anyway)."""
    connection.execute(select(account.c.id).where(_ADMINS).with_for_update()).all()


def _demand_admin(connection: Connection) -> None:
    if not connection.scalar(select(func.count()).select_from(account).where(_ADMINS)):
        raise LastAdmin("make somebody else an admin first")
