"""`manage.py account …`, as an operator types it; no server runs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from started import ROOT

from database.accounts import Accounts
from database.engine import open_engine
from exceptions import BadLogin
from service.audit import Audit, AuditQuery
from service.login import Login
from utils.settings import AccountSettings, Database

CHEAP = AccountSettings(64, 1, 1, "off", 7)
PASSWORD = "correct horse 电池"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


def manage(data: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("REDLOG_")},
        "REDLOG_DATA_DIR": str(data),
        "REDLOG_ACCOUNT__ARGON2_MEMORY_KIB": str(CHEAP.argon2_memory_kib),
        "REDLOG_ACCOUNT__ARGON2_TIME": str(CHEAP.argon2_time),
    }
    command = [sys.executable, str(ROOT / "manage.py"), "account", *arguments]
    return subprocess.run(
        command, env=environment, input=stdin, capture_output=True, timeout=60, check=False
    )


def shown(done: subprocess.CompletedProcess[bytes]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refusal(done: subprocess.CompletedProcess[bytes]) -> str:
    """The one line that a refused command prints."""
    assert done.returncode == 1 and done.stdout == b"", done
    (line,) = done.stderr.decode().splitlines()
    return line


def sign_in(data: Path, name: str, password: str) -> bool:
    """Whether this is the account's password; True even when it must be changed."""
    engine = open_engine(Database(""), data)
    try:
        return bool(Login(Accounts(engine), CHEAP).sign_in(name, password, None, None))
    except BadLogin:
        return False
    finally:
        engine.dispose()


def test_an_account_is_made_listed_reset_and_disabled(data: Path) -> None:
    stdin = f"{PASSWORD}\n".encode()
    create = ("create", "Ada 王", "--role", "admin", "--password-stdin", "--json")
    made = shown(manage(data, *create, stdin=stdin))
    assert (made["name"], made["role"], made["must_change"]) == ("Ada 王", "admin", False)
    assert "password" not in made
    assert sign_in(data, "ada 王", PASSWORD)
    assert "ada 王" in refusal(manage(data, *("create", "ada 王", "--role", "viewer")))

    given = shown(manage(data, "create", "bob", "--role", "viewer", "--json"))
    assert given["must_change"] and sign_in(data, "bob", given["password"])
    listed = shown(manage(data, "list", "--json"))
    assert [account["name"] for account in listed] == ["Ada 王", "bob"]
    assert "hash" not in str(listed) and given["password"] not in str(listed)

    said = manage(data, "reset", "BOB").stdout.decode()
    assert said.startswith("bob signs in once with the password ")
    assert sign_in(data, "bob", said.split()[-1]) and not sign_in(data, "bob", given["password"])

    assert manage(data, "disable", "bob").stdout == b"bob is disabled.\n"
    assert not sign_in(data, "bob", said.split()[-1])
    assert manage(data, "enable", "bob").stdout == b"bob is enabled.\n"
    assert sign_in(data, "bob", said.split()[-1])
    assert "admin" in refusal(manage(data, "disable", "ada 王"))

    engine = open_engine(Database(""), data)
    acts = Audit(engine).page(AuditQuery()).acts
    engine.dispose()
    assert {act.actor for act in acts} == {"operator"}
    assert [(act.act, act.target) for act in acts][::-1] == [
        ("account.create", "account Ada 王"),
        ("account.create", "account bob"),
        ("account.reset", "account bob"),
        ("account.update", "account bob"),
        ("account.update", "account bob"),
    ]
    assert PASSWORD not in str(acts) and said.split()[-1] not in str(acts)


@pytest.mark.parametrize(
    ("arguments", "stdin", "words"),
    [
        (["create", "eve", "--role", "viewer", "--password-stdin"], b"short\n", "5 bytes"),
        (["create", "eve", "--role", "viewer", "--password-stdin"], b"", "0 bytes"),
        (["create", "eve", "--role", "viewer", "--password-stdin"], b"\xff" * 12, "UTF-8"),
        (["create", "e/e", "--role", "viewer"], b"", "name"),
        (["create", "eve", "--role", "viewer", "--app", "77"], b"", "no app 77"),
        (["reset", "nobody"], b"", "no account 'nobody'"),
    ],
)
def test_what_can_not_be_done_is_one_line(
    data: Path, arguments: list[str], stdin: bytes, words: str
) -> None:
    assert words in refusal(manage(data, *arguments, stdin=stdin))
