"""Failures of looking after accounts, and of making one."""

from exceptions import Problem


class AccountExists(Problem):
    """An account of that name exists; names that differ in case only are the same."""

    status, code, title = 409, "account_exists", "There is such an account already"


class LastAdmin(Problem):
    """Without this admin nobody could change anything any more."""

    status, code, title = 409, "last_admin", "This is the last admin"


class TotpEnabled(Problem):
    """The account has a second factor already."""

    status, code, title = 409, "totp_enabled", "There is a second factor already"


class BadInvitation(Problem):
    """No invitation, or one that was used, taken back or has expired."""

    status, code, title = 403, "bad_invitation", "The invitation is not valid"


class WeakPassword(Problem):
    """A new password that is too short, too long or too easily guessed."""

    status, code, title = 400, "weak_password", "The password is not good enough"


class SignOnFailed(Problem):
    """Who comes back from the issuer of single sign-on did not begin here, or is not let in."""

    status, code, title = 401, "sign_on_failed", "The single sign-on failed"


class IssuerAway(Problem):
    """The issuer of single sign-on does not answer, or not as OpenID Connect wants it."""

    status, code, title = 502, "issuer_away", "The issuer of single sign-on does not answer"
