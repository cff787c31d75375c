"""Single sign-on by OpenID Connect: to the issuer, and back."""

from flask import Response, request

from __init__ import app, apps, audit_log, people, public, sessions
from exceptions import LockedOut, NotFound, StoreAway
from exceptions.accounts import IssuerAway, SignOnFailed
from utils import cookies
from utils.cookies import ACCESS, REFRESH
from utils.describe import describes

STATE = "redlog_oidc"
CALLBACK = "/api/v1/oidc/callback"
HOME = "/"


@app.get("/api/v1/oidc/login")
@describes(status=303, errors=(NotFound, LockedOut, IssuerAway, StoreAway))
@public
def begin_sign_on() -> Response:
    """Send the browser to the issuer; it comes back to /api/v1/oidc/callback."""
    url, state = people.single_sign_on.begin(_callback_uri(), request.remote_addr)
    response = _redirect(url)
    # Lax: the browser must send it when the issuer sends the browser back.
    cookies.set_cookie(response, STATE, state, 600, samesite="Lax")
    return response


@app.get(CALLBACK)
@describes(status=303, errors=(SignOnFailed, IssuerAway, StoreAway))
@public
def finish_sign_on() -> Response:
    """Back from the issuer: a session in cookies, and on to the dashboard."""
    address, state = request.remote_addr, cookies.read_cookie(STATE)
    answer = {name: request.args[name] for name in ("state", "code") if name in request.args}
    account, is_new = people.single_sign_on.finish(
        answer, state, _callback_uri(), address, _app_ids
    )
    grant = sessions.begin(account, address, request.headers.get("User-Agent"))
    name = f"account {account.name}"
    if is_new:
        audit_log.record(name, "account.register", name, {"role": account.role}, address)
    audit_log.record(name, "login", name, {"by": "oidc"}, address)
    response = _redirect(HOME)
    cookies.set_cookie(response, STATE, "", 0, samesite="Lax")
    cookies.set_cookie(response, ACCESS, grant.token, grant.expires_in)
    cookies.set_cookie(response, REFRESH, grant.refresh_token, grant.refresh_expires_in)
    return response


def _callback_uri() -> str:
    """As it must be registered with the issuer, which takes no other: so Host can be believed."""
    return request.url_root.rstrip("/") + CALLBACK


def _app_ids(names: list[str]) -> list[int]:
    return [each.id for each in apps.all() if each.name in names]


def _redirect(url: str) -> Response:
    response = Response(status=303)
    response.headers["Location"] = url
    return response
