"""Signing in and out, for programs by tokens in the replies and for pages by cookies."""

from typing import Annotated, Any

from flask import Response, request
from msgspec import Meta, Struct

from __init__ import account_required, accounts, app, audit_log, guard, login, public, role_required
from __init__ import sessions as people
from database.accounts import Account
from database.sessions import id_of
from service.sessions import Grant
from utils import cookies
from utils.body import read_json
from utils.cookies import ACCESS, REFRESH
from utils.guard import Principal
from utils.record import dumps

Text = Annotated[str, Meta(max_length=1024)]


class LoginBody(Struct, forbid_unknown_fields=True):
    """Who signs in. `code` is the second factor's; `cookie`: the tokens go into cookies."""

    username: Text
    password: Text
    code: Text | None = None
    cookie: bool = False


class RefreshBody(Struct, forbid_unknown_fields=True):
    """What continues a session; a page has it in its cookie."""

    refresh_token: Text | None = None


@app.post("/api/v1/login")
@public
def log_in() -> Response:
    """A new session, for a password and, if the account has one, the second factor's code."""
    sent = read_json(request.environ, LoginBody)
    if sent.cookie:
        cookies.demand_own_origin()
    address = request.remote_addr
    account = login.sign_in(sent.username, sent.password, sent.code, address)
    grant = people.begin(account, address, request.headers.get("User-Agent"))
    audit_log.record(f"account {account.name}", "login", f"account {account.name}", None, address)
    return _granted(grant, account, sent.cookie)


@app.post("/api/v1/refresh")
@public
def refresh() -> Response:
    """Fresh tokens for a refresh token, which is good once."""
    sent = read_json(request.environ, RefreshBody) if _has_body() else RefreshBody()
    in_cookies = sent.refresh_token is None
    token = sent.refresh_token or cookies.read_cookie(REFRESH)
    if in_cookies:
        guard.demand_own_page(id_of(token) or "")
    account, grant = people.refresh(token)
    return _granted(grant, account, in_cookies)


@app.get("/api/v1/refresh")
@public
def show_csrf_token() -> Response:
    """The csrf_token, for a page that was loaded anew and has only its cookies."""
    session_id = people.session_of(cookies.read_cookie(REFRESH))
    return _reply({"csrf_token": people.csrf_of(session_id)})


@app.post("/api/v1/logout")
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
@role_required("newcomer")
def show_me(principal: Principal) -> Response:
    """Who the caller is, and what they may see and do."""
    account = None if principal.account_id is None else accounts.find(principal.account_id)
    session_id = principal.session_id
    return _reply(
        {
            "account": None if account is None or session_id is None else about(account),
            "actor": principal.actor,
            "role": principal.role,
            "scope": principal.scope,
            "apps": principal.apps,
            "csrf_token": None if session_id is None else people.csrf_of(session_id),
        }
    )


@app.get("/api/v1/me/sessions")
@account_required("viewer")
def list_sessions(principal: Principal) -> Response:
    """The caller's sessions: where they are signed in."""
    return _reply({"sessions": people.list_own(principal)})


@app.delete("/api/v1/me/sessions/<session_id>")
@account_required("viewer")
def end_session(principal: Principal, session_id: str) -> Response:
    """End one of the caller's sessions."""
    people.end(principal, session_id)
    audit_log.record(principal, "session.end", principal.actor)
    return Response(status=204)


def about(account: Account) -> dict[str, Any]:
    """An account as it is shown to itself."""
    return {
        "id": account.id,
        "name": account.name,
        "role": account.role,
        "apps": account.apps,
        "must_change": account.must_change,
        "totp_enabled": account.totp_enabled,
    }


def _granted(grant: Grant, account: Account, in_cookies: bool) -> Response:
    body = {"csrf_token": grant.csrf_token, "account": about(account)}
    if not in_cookies:
        tokens = {"token": grant.token, "refresh_token": grant.refresh_token}
        return _reply({**tokens, "expires_in": grant.expires_in, **body})
    response = _reply({"expires_in": grant.expires_in, **body})
    cookies.set_cookie(response, ACCESS, grant.token, grant.expires_in)
    cookies.set_cookie(response, REFRESH, grant.refresh_token, grant.refresh_expires_in)
    return response


def _has_body() -> bool:
    environ = request.environ
    return environ.get("CONTENT_LENGTH", "") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ


def _reply(body: object) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(dumps(body), 200, headers, content_type="application/json")
