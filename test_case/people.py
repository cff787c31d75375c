"""People of a started server, made in its database; they sign in over HTTP."""

from typing import Any, NamedTuple

import requests
from started import Server

from database.accounts import Account, Accounts, NewAccount
from database.engine import open_engine
from service.passwords import Passwords
from utils.settings import AccountSettings, Database

PASSWORD = "correct horse, 电池"
CHEAP = {"REDLOG_ACCOUNT__ARGON2_MEMORY_KIB": "64", "REDLOG_ACCOUNT__ARGON2_TIME": "1"}
_passwords = Passwords(AccountSettings(64, 1, 1, "off", 7))


class Person(NamedTuple):
    """An account, and where it signs in."""

    server: Server
    account: Account

    def log_in(self, **more: Any) -> requests.Response:
        """Over a connection of its own, so that any worker may answer."""
        body = {"username": self.account.name, "password": PASSWORD, **more}
        return requests.post(f"{self.server.url}/api/v1/login", json=body, timeout=60)

    def tokens(self) -> dict[str, Any]:
        """What a login gives."""
        answer = self.log_in()
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def page(self) -> requests.Session:
        """A page that has signed in by cookies, with its csrf_token in `headers`."""
        session = requests.Session()
        body = {"username": self.account.name, "password": PASSWORD, "cookie": True}
        answer = session.post(f"{self.server.url}/api/v1/login", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        session.headers["X-Redlog-CSRF"] = answer.json()["csrf_token"]
        return session


def accounts_of(server: Server) -> Accounts:
    """The accounts in the server's database."""
    url = server.environment.get("REDLOG_DATABASE__URL", "")
    return Accounts(open_engine(Database(url), server.data))


def person(server: Server, name: str, role: str, *apps: int, must_change: bool = False) -> Person:
    """A new account that may see these apps."""
    hashed = _passwords.hash(PASSWORD)
    new = NewAccount(name, role, apps, hashed, must_change)
    return Person(server, accounts_of(server).create(new))
