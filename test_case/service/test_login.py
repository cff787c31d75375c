"""Signing in: the outcomes, the lockout, the second factor, and that nobody learns who exists."""

from collections.abc import Callable, Iterator
from pathlib import Path

import argon2.low_level
import pyotp
import pytest
from node import Node
from sqlalchemy import event

from database import login_failures
from database.accounts import Account, Accounts, NewAccount
from exceptions import BadLogin, CodeNeeded, LockedOut, Problem
from service import login as login_module
from service.login import FREE_OF_ACCOUNT, FREE_OF_ADDRESS, Login
from utils.settings import AccountSettings

CHEAP = AccountSettings(64, 1, 1, "off", 7)
GOOD, BAD = "correct horse", "wrong horse"
HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def login(tmp_path: Path) -> Iterator[Login]:
    node = Node(tmp_path)
    yield Login(Accounts(node.engine), CHEAP)
    node.close()


@pytest.fixture
def ada(login: Login) -> Account:
    login.accounts.create(NewAccount("admin", "admin"))
    return login.accounts.create(NewAccount("Ada", "member", (2,), login.passwords.hash(GOOD)))


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the clock."""

    def set_clock(now: float) -> None:
        monkeypatch.setattr(login_failures.time, "time", lambda: now)

    set_clock(1_000_000)
    return set_clock


def outcome(login: Login, name: str, password: str, code: str | None = None, of: str = HERE) -> str:
    """What the client is told: everything of it."""
    try:
        return login.sign_in(name, password, code, of).name
    except Problem as problem:
        headers = problem.headers
        return f"{problem.status} {problem.code} {problem.detail} {headers} {problem.members}"


WRONG = "401 bad_login name, password or code is wrong {} {}"


def test_the_right_password_lets_in(login: Login, ada: Account) -> None:
    account = login.sign_in("ADA", GOOD, None, HERE)
    assert account.last_login_at is not None
    assert (
        account == login.accounts.find(ada.id) == ada._replace(last_login_at=account.last_login_at)
    )


@pytest.mark.parametrize("name", ["Ada", "Nobody", "admin", "", "\0", "' OR 1=1 --", "x" * 10_000])
def test_whatever_is_wrong_the_answer_is_the_same(login: Login, ada: Account, name: str) -> None:
    assert outcome(login, name, BAD) == WRONG
    assert outcome(login, name, "", "123456") == WRONG


def test_a_disabled_account_is_not_let_in_and_not_told(login: Login, ada: Account) -> None:
    login.accounts.change(ada.id, {"disabled": 1})
    assert outcome(login, "ada", GOOD) == WRONG


# Lockout.


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_a_locked_name_is_locked_whatever_the_password(
    login: Login, ada: Account, at: Callable[[float], None], name: str
) -> None:
    told = [outcome(login, name, BAD) for _ in range(FREE_OF_ACCOUNT + 1)]
    assert set(told) == {WRONG}
    told = [outcome(login, name, password) for password in (BAD, GOOD, GOOD)]
    expected = "429 locked_out too many failed tries; wait 1 s {'Retry-After': '1'} {}"
    assert set(told) == {expected}
    assert outcome(login, name.upper(), GOOD, of=THERE) == expected
    at(1_000_001)
    assert outcome(login, name, GOOD) == ("Ada" if name == "ada" else WRONG)


def test_success_clears_the_account_and_not_the_address(
    login: Login, ada: Account, at: Callable[[float], None]
) -> None:
    for number in range(FREE_OF_ADDRESS + 1):
        assert outcome(login, f"nobody {number}", BAD) == WRONG
        if number < FREE_OF_ADDRESS:
            assert outcome(login, "ada", GOOD) == "Ada"
    assert outcome(login, "ada", GOOD).startswith("429 locked_out")
    assert outcome(login, "ada", GOOD, of=THERE) == "Ada"


def test_an_ipv6_network_is_one_client(
    login: Login, ada: Account, at: Callable[[float], None]
) -> None:
    for number in range(FREE_OF_ADDRESS + 1):
        assert outcome(login, f"nobody {number}", BAD, of=f"2001:db8::{number:x}") == WRONG
    assert outcome(login, "ada", GOOD, of="2001:db8::ffff:1").startswith("429")
    assert outcome(login, "ada", GOOD, of="2001:db8:0:1::1") == "Ada"
    mapped = [login_module._address(f"::ffff:192.0.2.{n}").name for n in (1, 2)]
    assert len(set(mapped)) == 2


def test_an_operator_unlocks(login: Login, ada: Account, at: Callable[[float], None]) -> None:
    for _ in range(FREE_OF_ACCOUNT + 1):
        outcome(login, "ada", BAD)
    assert outcome(login, "ada", GOOD).startswith("429")
    login.unlock("ADA")
    assert outcome(login, "ada", GOOD) == "Ada"


def test_confirming_a_password_is_charged_too(
    login: Login, ada: Account, at: Callable[[float], None]
) -> None:
    login.confirm(ada, GOOD, HERE)
    for _ in range(FREE_OF_ACCOUNT + 1):
        with pytest.raises(BadLogin):
            login.confirm(ada, BAD, HERE)
    with pytest.raises(LockedOut):
        login.confirm(ada, GOOD, HERE)


# The same work for all.


def work_of(
    login: Login, monkeypatch: pytest.MonkeyPatch, name: str, password: str, address: str = HERE
) -> tuple[list[str], str]:
    """The hashings with their costs and the statements of one login; what the client is told."""
    done: list[str] = []
    verify = argon2.low_level.verify_secret

    def counted(hashed: bytes, secret: bytes, kind: argon2.Type) -> bool:
        costs = hashed.split(b"$")
        done.append(f"verify {costs[1:4]} {[len(part) for part in costs[4:]]} {len(secret)}")
        return bool(verify(hashed, secret, kind))

    def statement(connection: object, cursor: object, sql: str, *_: object) -> None:
        done.append(sql)

    with monkeypatch.context() as watched:
        watched.setattr("argon2._password_hasher.verify_secret", counted)
        event.listen(login.accounts.engine, "before_cursor_execute", statement)
        told = outcome(login, name, password, of=address)
        event.remove(login.accounts.engine, "before_cursor_execute", statement)
    return done, told


def test_the_work_is_the_same_whether_an_account_exists_or_not(
    login: Login, ada: Account, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    login.accounts.create(NewAccount("bob", "viewer", (), login.passwords.hash(GOOD)))
    login.accounts.change(3, {"disabled": 1})
    names = ("ada", "eve", "bob", "admin")  # wrong, unknown, disabled, without a password
    for number in range(FREE_OF_ACCOUNT + 3):  # from the first failure until locked
        work, told = set(), set()
        for name in names:
            done, said = work_of(login, monkeypatch, name, BAD, f"of {name}")
            work.add(tuple(done))
            told.add(said)
        assert len(work) == len(told) == 1, number
        assert told.pop().startswith("401" if number <= FREE_OF_ACCOUNT else "429")
        hashings = [step for step in work.pop() if step.startswith("verify")]
        assert hashings == ["verify [b'argon2id', b'v=19', b'm=64,t=1,p=1'] [22, 43] 11"]


def test_a_locked_account_does_the_same_for_right_and_wrong(
    login: Login, ada: Account, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(FREE_OF_ACCOUNT + 1):
        outcome(login, "ada", BAD)
    wrong, right = (work_of(login, monkeypatch, "ada", password) for password in (BAD + "12", GOOD))
    assert wrong == right


def test_a_hash_is_made_anew_when_the_costs_have_changed(login: Login, ada: Account) -> None:
    dearer = Login(login.accounts, AccountSettings(128, 2, 1, "off", 7))
    before = login.accounts.credentials("ada")
    assert outcome(dearer, "ada", BAD) == WRONG
    assert login.accounts.credentials("ada") == before
    assert outcome(dearer, "ada", GOOD) == "Ada"
    after = login.accounts.credentials("ada")
    assert before and after and before.password_hash != after.password_hash
    assert str(after.password_hash).startswith("$argon2id$v=19$m=128,t=2,p=1$")
    assert outcome(dearer, "ada", GOOD) == "Ada"
    assert login.accounts.credentials("ada") == after


# The second factor.


@pytest.fixture
def totp(login: Login, ada: Account) -> pyotp.TOTP:
    """Ada's authenticator."""
    secret = pyotp.random_base32()
    login.accounts.change(ada.id, {"totp_secret": secret, "totp_enabled": 1})
    return pyotp.TOTP(secret)


def test_the_code_is_asked_for_only_when_the_password_is_right(
    login: Login, totp: pyotp.TOTP, at: Callable[[float], None]
) -> None:
    assert outcome(login, "ada", BAD) == WRONG
    for _ in range(2 * FREE_OF_ACCOUNT):
        with pytest.raises(CodeNeeded):
            login.sign_in("ada", GOOD, None, HERE)
    assert outcome(login, "ada", GOOD, totp.at(1_000_000)) == "Ada"


def test_a_code_is_good_once_and_a_step_early_or_late(
    login: Login, totp: pyotp.TOTP, at: Callable[[float], None]
) -> None:
    codes = [totp.at(1_000_000 + 30 * step) for step in range(-2, 3)]
    assert outcome(login, "ada", GOOD, codes[1]) == "Ada"
    assert outcome(login, "ada", GOOD, codes[1]) == WRONG
    assert outcome(login, "ada", GOOD, f"{codes[3][:3]} {codes[3][3:]}") == "Ada"
    for code in (codes[2], codes[3], codes[0], codes[4]):
        login.unlock("ada")
        assert outcome(login, "ada", GOOD, code) == WRONG, code


@pytest.mark.parametrize(
    "code", ["", " ", "000000", "１２３４５６", "12345", "x", "\0", "9" * 1000]
)
def test_a_code_that_is_none(
    login: Login, totp: pyotp.TOTP, at: Callable[[float], None], code: str
) -> None:
    assert outcome(login, "ada", GOOD, code or "-") == WRONG


def test_guessing_codes_locks(login: Login, totp: pyotp.TOTP, at: Callable[[float], None]) -> None:
    told = [outcome(login, "ada", GOOD, "000000") for _ in range(FREE_OF_ACCOUNT + 2)]
    assert told[:-1] == [WRONG] * (FREE_OF_ACCOUNT + 1) and told[-1].startswith("429 locked_out")
