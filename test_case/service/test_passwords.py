"""Passwords: what they cost, and which are refused."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import Parameters, extract_parameters
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from exceptions import Busy
from exceptions.accounts import WeakPassword
from service.passwords import (
    AT_ONCE,
    COMMONEST,
    MAX_BYTES,
    MIN_BYTES,
    WAITING,
    Passwords,
    new_password,
)
from utils.settings import AccountSettings

CHEAP = AccountSettings(64, 1, 1, "off", 7)
DEARER = AccountSettings(128, 2, 1, "off", 7)


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(CHEAP)


@examples(max_examples=30)
@given(st.text(max_size=40), st.text(max_size=40))
def test_only_the_password_itself_is_right(one: str, other: str) -> None:
    passwords = Passwords(CHEAP)
    try:
        hashed = passwords.hash(one)
    except UnicodeEncodeError:
        return
    assert passwords.verify(hashed, one)
    assert not passwords.verify(hashed, one + "x")
    assert not passwords.verify(None, one)
    assert one not in hashed or len(one) < 4


def test_a_hash_tells_its_parameters_and_has_a_salt_of_its_own(passwords: Passwords) -> None:
    first, second = passwords.hash("correct horse"), passwords.hash("correct horse")
    assert first != second
    assert first.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert passwords.verify(first, "correct horse") and passwords.verify(second, "correct horse")


def test_it_does_not_matter_how_a_password_is_typed(passwords: Passwords) -> None:
    assert passwords.verify(passwords.hash("caf\u00e9 am Eck"), "cafe\u0301 am Eck")


def test_a_hash_of_other_parameters_is_good_and_outdated(passwords: Passwords) -> None:
    hashed = passwords.hash("correct horse")
    assert Passwords(DEARER).verify(hashed, "correct horse")
    assert Passwords(DEARER).is_outdated(hashed) and not passwords.is_outdated(hashed)


def test_nobodys_hash_costs_what_a_real_one_costs() -> None:
    for settings in (CHEAP, DEARER):
        passwords = Passwords(settings)
        real, nobodys = (extract_parameters(h) for h in (passwords.hash("x"), passwords._nobodys()))
        assert isinstance(real, Parameters) and real == nobodys
        assert passwords._nobodys() != passwords._nobodys()


def test_few_are_hashed_at_a_time_and_few_wait(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher, go, lock = passwords._hasher(), threading.Event(), threading.Lock()
    running, most = 0, 0

    class Slow:
        def hash(self, password: bytes) -> str:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            assert go.wait(30)
            with lock:
                running -= 1
            return str(hasher.hash(password))

    monkeypatch.setattr(passwords, "_made", Slow())
    places = AT_ONCE + WAITING
    with ThreadPoolExecutor(places) as pool:
        let = [pool.submit(passwords.hash, "x") for _ in range(places)]
        while passwords._places._value:  # until all of them are inside
            pass
        with pytest.raises(Busy) as refused:
            passwords.hash("x")
        go.set()
        assert all(future.result().startswith("$argon2id") for future in let)
    assert refused.value.headers == {"Retry-After": "1"}
    assert most == AT_ONCE
    passwords.hash("x")


@pytest.mark.parametrize(
    "password",
    ["correct horse", "x" * 3 + "correct", "密码很长很安全", new_password()],
    ids=["words", "one word", "Chinese", "given"],
)
def test_a_good_password(passwords: Passwords, password: str) -> None:
    passwords.check(password, "ada")


@pytest.mark.parametrize(
    ("password", "name"),
    [
        ("", "ada"),
        ("123 hors", "ada"),
        ("密码很", "ada"),
        ("abcdefghi" * 114, "ada"),
        ("Password123", "ada"),
        ("aaaaaaaaaaaa", "ada"),
        ("1212121212121", "ada"),
        ("AdaLovelace", "adalovelace"),
        ("ada lovelace1", "Ada Lovelace"),
        ("张三丰张三丰", "张三丰"),
    ],
)
def test_a_password_that_is_refused(passwords: Passwords, password: str, name: str) -> None:
    with pytest.raises(WeakPassword) as refused:
        passwords.check(password, name)
    assert refused.value.detail and (not password or password not in refused.value.detail)


def test_the_commonest_passwords_are_such_as_would_pass_otherwise() -> None:
    words = COMMONEST.read_text().split()
    assert len(words) == len(set(words)) > 50
    assert all(word == word.lower() and MIN_BYTES <= len(word) <= MAX_BYTES for word in words)


def test_a_given_password_is_hard_to_guess() -> None:
    made = {new_password() for _ in range(100)}
    assert len(made) == 100 and all(len(password) == 16 for password in made)
