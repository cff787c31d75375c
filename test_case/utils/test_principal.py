"""Who may do what: roles and scopes."""

import pytest

from utils.principal import RANKS, Principal, Scope, role_of


def of(role: str, scope: Scope = "read") -> Principal:
    return Principal("account ada", role, scope, (1,), (1, 2))


def test_who_may_do_more_may_do_less() -> None:
    roles = ["newcomer", "viewer", "member", "admin"]
    assert sorted(RANKS, key=RANKS.__getitem__) == roles
    for rank, role in enumerate(roles):
        allowed = [needed for needed in roles if of(role).is_at_least(needed)]
        assert allowed == roles[: rank + 1]


@pytest.mark.parametrize(
    ("scope", "needed", "allowed"),
    [
        ("read", "read", True),
        ("read", "admin", False),
        ("admin", "read", True),
        ("admin", "admin", True),
    ],
)
def test_the_scope_admin_may_do_all(scope: Scope, needed: str, allowed: bool) -> None:
    assert of("admin", scope).has_scope(needed) is allowed
    assert not of("newcomer", scope).has_scope(needed)


def test_a_token_that_administers_some_apps_does_not_administer_the_installation() -> None:
    assert role_of("read", None) == role_of("read", [1]) == "viewer"
    assert role_of("admin", None) == "admin"
    assert role_of("admin", [1]) == role_of("admin", []) == "member"
