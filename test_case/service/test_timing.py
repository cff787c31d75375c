"""What secrets cost to compare, by statistics: nobody learns from the work what they may not know.

Two kinds of calls take turns, in random order, and the CPU time of this thread is taken. What is
judged is how often one kind costs more than the other right beside it (a sign test: a machine that
is slower for a while slows both): 0.5 when they can't be told apart, 0 or 1 when each single call
tells. For SAMPLES pairs it strays by 0.035 (standard deviation), so that a test is wrong about
never; and leaks that are put in here are seen.
"""

import gc
import hmac
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from node import Node

from database.accounts import Accounts, NewAccount
from exceptions import BadLogin, BadSignature
from service.login import Login
from service.signature import check_signature, sign
from utils.settings import AccountSettings

SAMPLES = 200
SAME, LEAK = (0.25, 0.75), 0.85
SECRET, NOW, BODY = "s3cret", 1_795_168_800, b"x"
Call = Callable[[], object]


def effect(one: Call, other: Call, before: Call = lambda: None) -> float:
    """The share of pairs of calls, one right after the other, in which `one` costs more CPU time.

    `before` runs before each call and is not counted.
    """
    order, calls = random.Random(4), (one, other)
    wins = 0.0
    gc.disable()
    try:
        for _ in range(SAMPLES):
            costs = [0, 0]
            for kind in order.sample((0, 1), 2):
                before()
                begun = time.thread_time_ns()
                calls[kind]()
                costs[kind] = time.thread_time_ns() - begun
            wins += (costs[0] > costs[1]) + (costs[0] == costs[1]) / 2
    finally:
        gc.enable()
    return wins / SAMPLES


def assert_same(one: Call, other: Call, before: Call = lambda: None) -> None:
    low, high = SAME
    assert low < effect(one, other, before) < high


# Signatures.


def refused(signature: str) -> Call:
    """A hundred reports with this signature, which is wrong."""
    header = f"t={NOW},v1={signature}"

    def send() -> None:
        for _ in range(100):
            with suppress(BadSignature):
                check_signature(header, SECRET, BODY, NOW)
                raise AssertionError("it is right")

    return send


@pytest.fixture
def wrong_ones() -> tuple[Call, Call]:
    """Reports whose signature is wrong in its last digit, and in its first one."""
    right = sign(SECRET, str(NOW), BODY)
    other = {at: "1" if right[at] == "0" else "0" for at in (0, -1)}
    return refused(right[:-1] + other[-1]), refused(other[0] + right[1:])


def test_a_signature_costs_the_same_wherever_it_is_wrong(wrong_ones: tuple[Call, Call]) -> None:
    assert_same(*wrong_ones)


def test_a_compare_that_ends_early_would_be_seen(
    wrong_ones: tuple[Call, Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    def compare(one: str, other: str) -> bool:
        return all(a == b for a, b in zip(one, other, strict=True))

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert effect(*wrong_ones) > LEAK


# Logins.


@pytest.fixture
def login(tmp_path: Path) -> Iterator[Login]:
    """With an account `ada`, and hashes that cost a tenth of the usual."""
    node = Node(tmp_path)
    login = Login(Accounts(node.engine), AccountSettings(8192, 1, 1, "off", 7))
    login.accounts.create(NewAccount("ada", "admin", (), login.passwords.hash("correct horse")))
    yield login
    node.close()


def failing(login: Login, name: str) -> Call:
    """A login by this name that fails, from an address of its own."""
    numbers = iter(range(1 << 16))

    def log_in() -> None:
        number = next(numbers)
        with pytest.raises(BadLogin):
            login.sign_in(name, "wrong horse", None, f"10.0.{number >> 8}.{number & 255}")

    return log_in


def unlocked(login: Login) -> Call:
    """Forgets what has failed, so that nobody is locked out."""
    return lambda: [login.unlock(name) for name in ("ada", "eve")]


def test_a_login_costs_the_same_whether_the_account_exists_or_not(login: Login) -> None:
    assert_same(failing(login, "ada"), failing(login, "eve"), unlocked(login))


def test_a_login_that_hashes_only_for_accounts_would_be_seen(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = login.passwords.verify
    monkeypatch.setattr(
        login.passwords, "verify", lambda hashed, given: bool(hashed) and verify(hashed, given)
    )
    assert effect(failing(login, "ada"), failing(login, "eve"), unlocked(login)) > LEAK
