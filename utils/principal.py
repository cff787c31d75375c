"""Who calls, once the guard has let them in: an account, a machine's token or the operator."""

from typing import Literal, NamedTuple

# At least this role is at least this number. A newcomer must change the password before all else.
RANKS = {"newcomer": 0, "viewer": 1, "member": 2, "admin": 3}
Scope = Literal["read", "admin"]


class Principal(NamedTuple):
    """Who calls, and what they may see and do.

    `actor` names them in the audit log ("account ada", "token ci", "operator"). `role` is what
    they may do now: newcomer, viewer, member or admin. `apps` are the ids of the apps that they
    may see, `all_apps` those that there are. `account_id` is whose rights they have: their own
    account's, or that of who made the machine's token (None: the operator). Only people have a
    session.
    """

    actor: str
    role: str
    scope: Scope
    apps: tuple[int, ...]
    all_apps: tuple[int, ...]
    account_id: int | None = None
    session_id: str | None = None
    address: str | None = None

    def is_at_least(self, role: str) -> bool:
        """Whether they may do what needs `role`."""
        return RANKS[self.role] >= RANKS[role]

    def has_scope(self, scope: str) -> bool:
        """Whether they may do what needs `scope`; admin may do all."""
        return self.role != "newcomer" and self.scope in (scope, "admin")


def operator(apps: tuple[int, ...]) -> Principal:
    """Whoever may run commands on the server's machine."""
    return Principal("operator", "admin", "admin", apps, apps)


def role_of(scope: Scope, apps: list[int] | None) -> str:
    """The role of a token without an account. One that administers some apps only is a member of
    them: what concerns the whole installation (accounts, other apps, the audit log) is not its own.
    """
    if scope == "read":
        return "viewer"
    return "admin" if apps is None else "member"
