"""Signing in and out, for programs by tokens in the replies and for pages by cookies."""

from typing import Annotated

from flask import Response, request
from msgspec import Meta, Struct

from __init__ import (
    account_required,
    accounts,
    app,
    audit_log,
    guard,
    login,
    public,
    role_required,
    settings,
)
from __init__ import sessions as people
from database.accounts import Account
from database.sessions import id_of
from exceptions import BadCsrf, BadLogin, BadToken, Busy, CodeNeeded, LockedOut
from service.sessions import Grant, SessionList, ShownAccount, shown_account
from utils import cookies
from utils.body import read_json
from utils.cookies import ACCESS, REFRESH
from utils.describe import describes
from utils.principal import Principal
from utils.record import dumps

Text = Annotated[str, Meta(max_length=1024)]


class LoginBody(Struct, forbid_unknown_fields=True):
    """Who signs in. `code` is the second factor's; `cookie`: the tokens go into cookies."""

    username: Text
    password: Text
    code: Text | None = None
    cookie: bool = False


class Ways(Struct):
    """How people get in here, besides by a password: `single_sign_on` begins at
    /api/v1/oidc/login; with `registration` everybody may make an account.
    """

    single_sign_on: bool
    registration: bool


class RefreshBody(Struct, forbid_unknown_fields=True):
    """What continues a session; a page has it in its cookie."""

    refresh_token: Text | None = None


class LoggedIn(Struct, omit_defaults=True):
    """What a login and a refresh give. A page has the tokens in its cookies, and not here.
    `expires_in`: seconds until the token must be refreshed.
    """

    expires_in: int
    csrf_token: str
    account: ShownAccount
    token: str | None = None
    refresh_token: str | None = None


class CsrfToken(Struct):
    """What a page sends as X-Redlog-CSRF with what changes something."""

    csrf_token: str


class Me(Struct):
    """Who the caller is. A machine has neither account nor csrf_token; `role` is what the caller
    may do now: a newcomer must change the password first.
    """

    actor: str
    role: str
    scope: str
    apps: tuple[int, ...]
    account: ShownAccount | None = None
    csrf_token: str | None = None


@app.get("/api/v1/login")
@describes(reply=Ways)
@public
def show_ways() -> Response:
    """How people get in, for a page that lets them in."""
    return _reply(Ways(bool(settings.oidc.issuer), settings.account.registration != "off"))


@app.post("/api/v1/login")
@describes(body=LoginBody, reply=LoggedIn, errors=(BadLogin, CodeNeeded, LockedOut, Busy, BadCsrf))
@public
def log_in() -> Response:
    """A new session, for a password and, if the account has one, the second factor's code."""
    sent = read_json(request.environ, LoginBody)
    if sent.cookie:
        cookies.demand_own_origin()
    address = request.remote_addr
    try:
        account = login.sign_in(sent.username, sent.password, sent.code, address)
    except BadLogin:
        audit_log.record("nobody", "login.failed", f"account {sent.username[:128]}", None, address)
        raise
    grant = people.begin(account, address, request.headers.get("User-Agent"))
    audit_log.record(f"account {account.name}", "login", f"account {account.name}", None, address)
    return _granted(grant, account, sent.cookie)


@app.post("/api/v1/refresh")
@describes(body=RefreshBody, reply=LoggedIn, errors=(BadToken, BadCsrf))
@public
def refresh() -> Response:
    """Fresh tokens for a refresh token, which is good once."""
    sent = read_json(request.environ, RefreshBody) if _has_body() else RefreshBody()
    in_cookies = sent.refresh_token is None
    token = sent.refresh_token or cookies.read_cookie(REFRESH)
    if in_cookies and token:
        guard.demand_own_page(id_of(token) or "")
    account, grant = people.refresh(token)
    return _granted(grant, account, in_cookies)


@app.get("/api/v1/refresh")
@describes(reply=CsrfToken, errors=(BadToken,))
@public
def show_csrf_token() -> Response:
    """The csrf_token, for a page that was loaded anew and has only its cookies."""
    session_id = people.session_of(cookies.read_cookie(REFRESH))
    return _reply(CsrfToken(people.csrf_of(session_id)))


@app.post("/api/v1/logout")
@describes(status=204)
@account_required("newcomer")
def log_out(principal: Principal) -> Response:
    """End the session: its tokens are refused from now on, on all workers and nodes."""
    people.end(principal, principal.session_id or "")
    audit_log.record(principal, "logout", principal.actor)
    response = Response(status=204)
    for name in (ACCESS, REFRESH):
        cookies.set_cookie(response, name, "", 0)
    return response


@app.get("/api/v1/me")
@describes(reply=Me)
@role_required("newcomer")
def show_me(principal: Principal) -> Response:
    """Who the caller is, and what they may see and do."""
    me = Me(principal.actor, principal.role, principal.scope, principal.apps)
    if principal.session_id is not None and principal.account_id is not None:
        account = accounts.find(principal.account_id)
        me.account = None if account is None else shown_account(account)
        me.csrf_token = people.csrf_of(principal.session_id)
    return _reply(me)


@app.get("/api/v1/me/sessions")
@describes(reply=SessionList)
@account_required("viewer")
def list_sessions(principal: Principal) -> Response:
    """The caller's sessions: where they are signed in."""
    return _reply(people.list_own(principal))


@app.delete("/api/v1/me/sessions/<session_id>")
@describes(status=204)
@account_required("viewer")
def end_session(principal: Principal, session_id: str) -> Response:
    """End one of the caller's sessions."""
    people.end(principal, session_id)
    audit_log.record(principal, "session.end", principal.actor)
    return Response(status=204)


def _granted(grant: Grant, account: Account, in_cookies: bool) -> Response:
    body = LoggedIn(grant.expires_in, grant.csrf_token, shown_account(account))
    if not in_cookies:
        body.token, body.refresh_token = grant.token, grant.refresh_token
        return _reply(body)
    response = _reply(body)
    cookies.set_cookie(response, ACCESS, grant.token, grant.expires_in)
    cookies.set_cookie(response, REFRESH, grant.refresh_token, grant.refresh_expires_in)
    return response


def _has_body() -> bool:
    environ = request.environ
    return environ.get("CONTENT_LENGTH", "") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ


def _reply(body: object) -> Response:
    return Response(dumps(body), content_type="application/json")
