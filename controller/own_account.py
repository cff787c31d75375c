"""One's own account: its password and second factor."""

from flask import Response, request

from __init__ import account_required, app, audit_log, login, sessions
from exceptions import BadLogin, Busy, LockedOut
from exceptions.accounts import TotpEnabled, WeakPassword
from service import accounts, second_factor
from utils.body import read_json
from utils.describe import describes
from utils.principal import Principal
from utils.record import dumps

UNPROVED = (BadLogin, LockedOut, Busy)  # what becomes of who does not know the password


@app.post("/api/v1/me/password")
@describes(body=accounts.PasswordChange, status=204, errors=(*UNPROVED, WeakPassword))
@account_required("newcomer")
def change_password(principal: Principal) -> Response:
    """Replace the password; the caller's other sessions end."""
    wanted = read_json(request.environ, accounts.PasswordChange)
    accounts.change_password(login, sessions, principal, wanted)
    audit_log.record(principal, "account.password", principal.actor)
    return Response(status=204)


@app.post("/api/v1/me/totp")
@describes(
    body=second_factor.TotpForm, reply=second_factor.TotpState, errors=(*UNPROVED, TotpEnabled)
)
@account_required("viewer")
def set_up_totp(principal: Principal) -> Response:
    """A secret for an authenticator, for the password; then, for a code of it, the beginning."""
    form = read_json(request.environ, second_factor.TotpForm)
    told = second_factor.set_up(login, principal, form)
    if told.totp_enabled:
        audit_log.record(principal, "account.totp", principal.actor, {"enabled": True})
    return Response(dumps(told), content_type="application/json")


@app.delete("/api/v1/me/totp")
@describes(body=second_factor.TotpRemoval, status=204, errors=UNPROVED)
@account_required("viewer")
def remove_totp(principal: Principal) -> Response:
    """Ask for no code any more, for the password."""
    form = read_json(request.environ, second_factor.TotpRemoval)
    second_factor.remove(login, principal, form)
    audit_log.record(principal, "account.totp", principal.actor, {"enabled": False})
    return Response(status=204)
