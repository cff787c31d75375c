"""Accounts and failed logins, on SQLite and on a real MariaDB."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from node import Node
from sqlalchemy import func, select, update

from database import accounts as accounts_module
from database import login_failures
from database.access_tables import login_failure
from database.accounts import Accounts, NewAccount
from database.login_failures import FORGET_SECONDS, LONGEST_SECONDS, LoginFailures, Subject
from exceptions import NotFound
from exceptions.accounts import AccountExists, LastAdmin

ADA = Subject("account", "ada", 3)


@pytest.fixture
def accounts(any_node: Node) -> Accounts:
    return Accounts(any_node.engine)


@pytest.fixture
def failures(any_node: Node) -> LoginFailures:
    return LoginFailures(any_node.engine)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the clock of the lockout."""
    return lambda now: monkeypatch.setattr(login_failures.time, "time", lambda: float(now))


# Accounts.


def test_an_account_is_found_by_id_and_by_name_in_any_case(accounts: Accounts) -> None:
    made = accounts.create(NewAccount("Ada Lovelace", "member", (3, 1, 3), "hash"))
    assert made.apps == (1, 3) and made.has_password and not made.must_change
    assert accounts.find(made.id) == accounts.by_name("ADA lovelace") == made
    assert accounts.all() == [made]
    found = accounts.credentials("ada LOVELACE")
    assert found == accounts.credentials_of(made.id)
    assert found is not None and found.password_hash == "hash"
    assert accounts.find(made.id + 1) is accounts.by_name("ad") is accounts.credentials("") is None


@pytest.mark.parametrize(
    ("name", "other"),
    [("Ada", "aDA"), ("admin", "ａｄｍｉｎ"), ("Straße", "STRASSE"), ("张三", "张三")],
)
def test_names_that_look_alike_are_one(accounts: Accounts, name: str, other: str) -> None:
    accounts.create(NewAccount(name, "viewer"))
    with pytest.raises(AccountExists, match=other):
        accounts.create(NewAccount(other, "viewer"))
    accounts.create(NewAccount("Adá", "viewer"))
    assert len(accounts.all()) == 2


def test_a_change_is_seen_at_once_here_and_elsewhere_within_a_second(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = accounts.create(NewAccount("admin", "admin"))
    made = accounts.create(NewAccount("ada", "viewer", (1, 2)))
    elsewhere = Accounts(accounts.engine)
    assert elsewhere.find(made.id) == made
    changed = accounts.change(made.id, {"role": "member", "disabled": 1}, (2,))
    assert (changed.role, changed.disabled, changed.apps) == ("member", True, (2,))
    assert accounts.find(made.id) == changed
    assert elsewhere.find(made.id) == made
    now = accounts_module.time.monotonic()
    monkeypatch.setattr(accounts_module.time, "monotonic", lambda: now + 1.0)
    assert elsewhere.find(made.id) == changed
    assert accounts.all() == [admin, changed]
    with pytest.raises(NotFound):
        accounts.change(99, {"role": "member"})


def test_the_last_admin_stays(accounts: Accounts) -> None:
    first, second = (accounts.create(NewAccount(name, "admin")) for name in ("a", "b"))
    accounts.create(NewAccount("c", "member"))
    accounts.change(second.id, {"disabled": 1})
    for act in (
        lambda: accounts.delete(first.id),
        lambda: accounts.change(first.id, {"disabled": 1}),
        lambda: accounts.change(first.id, {"role": "viewer"}, (1,)),
    ):
        with pytest.raises(LastAdmin):
            act()
    assert accounts.get(first.id) == first
    accounts.change(second.id, {"disabled": 0})
    accounts.delete(first.id)
    assert [account.name for account in accounts.all()] == ["b", "c"]
    assert accounts.find(first.id) is None


def test_two_admins_cannot_end_each_other_at_once(accounts: Accounts) -> None:
    pair = [accounts.create(NewAccount(name, "admin")) for name in ("a", "b")]

    def demote(account_id: int) -> bool:
        try:
            accounts.change(account_id, {"role": "viewer"})
        except LastAdmin:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(demote, [admin.id for admin in pair])) == [False, True]


def test_the_code_of_a_step_is_good_once(accounts: Accounts) -> None:
    made = accounts.create(NewAccount("ada", "viewer"))
    used = [accounts.use_code(made.id, step) for step in (7, 7, 6, 8, 8)]
    assert used == [True, False, False, True, False]
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: accounts.use_code(made.id, 9), range(8))) == 1


def test_what_was_asked_for_does_not_fill_the_memory(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts_module, "MAX_KNOWN", 10)
    for number in range(30):
        assert accounts.find(number) is None
    assert len(accounts._known) <= 10


# Failed logins.


def test_the_delay_grows_up_to_a_quarter_of_an_hour(
    failures: LoginFailures, at: Callable[[int], None]
) -> None:
    now, waits = 1_000_000, []
    for _ in range(16):
        at(now)
        waited = failures.charge(ADA)
        waits.append(waited)
        now += waited
        at(now)
        if waited:
            assert failures.charge(ADA) == 0
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_an_attempt_that_comes_too_early_does_not_count(
    failures: LoginFailures, at: Callable[[int], None]
) -> None:
    at(1000)
    assert [failures.charge(ADA) for _ in range(10)] == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    at(1001)
    assert [failures.charge(ADA) for _ in range(2)] == [0, 2]


def test_attempts_side_by_side_are_all_counted(
    failures: LoginFailures, at: Callable[[int], None]
) -> None:
    at(1000)
    with ThreadPoolExecutor(8) as pool:
        let = [wait == 0 for wait in pool.map(failures.charge, [ADA] * 24)]
    assert sum(let) <= ADA.free + 1
    assert failures.charge(ADA) > 0 or sum(let) < ADA.free + 1


def test_a_refund_and_a_clean_slate(failures: LoginFailures, at: Callable[[int], None]) -> None:
    at(1000)
    for _ in range(20):
        assert failures.charge(ADA) == 0
        failures.refund(ADA)
    for _ in range(2):
        assert [failures.charge(ADA) for _ in range(5)] == [0, 0, 0, 0, 1]
        failures.clear(ADA)
    failures.refund(ADA)
    assert failures.charge(ADA) == 0


def test_subjects_are_apart_and_not_named_in_the_table(
    failures: LoginFailures, at: Callable[[int], None]
) -> None:
    at(1000)
    for _ in range(5):
        failures.charge(ADA)
    others = [Subject("account", "bob", 3), Subject("address", "ada", 3)]
    assert [failures.charge(subject) for subject in others] == [0, 0]
    with failures.engine.connect() as connection:
        keys = list(connection.scalars(select(login_failure.c.subject)))
    assert len(keys) == 3 and all(len(key) == 64 for key in keys)


def test_old_failures_are_forgotten_and_removed(
    failures: LoginFailures, at: Callable[[int], None]
) -> None:
    at(1000)
    for _ in range(5):
        failures.charge(ADA)
    at(1000 + FORGET_SECONDS)
    assert failures.charge(ADA) == 0 and failures.charge(ADA) == 2
    at(1001 + 2 * FORGET_SECONDS)
    assert failures.charge(Subject("account", "bob", 3)) == 0
    with failures.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(login_failure)) == 1


def test_a_clock_that_was_ahead_locks_nobody_out_for_long(
    failures: LoginFailures, at: Callable[[int], None]
) -> None:
    at(1000)
    for _ in range(5):
        failures.charge(ADA)
    with failures.engine.begin() as connection:
        connection.execute(update(login_failure).values(last_at=1000 + 10 * FORGET_SECONDS))
    assert failures.charge(ADA) == 0
    with failures.engine.begin() as connection:
        connection.execute(update(login_failure).values(last_at=1000 + 500, failures=30))
    assert failures.charge(ADA) == LONGEST_SECONDS
