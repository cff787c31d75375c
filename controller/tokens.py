"""Tokens of machines: made, listed and revoked by people, each their own, and by admins."""

from flask import Response, request

from __init__ import app, audit_log, passes, role_required, settings
from exceptions import NotFound
from service import tokens
from utils.body import read_json
from utils.describe import describes
from utils.principal import Principal
from utils.record import dumps

PATH = "/api/v1/tokens"


@app.get(PATH)
@describes(reply=tokens.TokenList)
@role_required("viewer")
def list_tokens(principal: Principal) -> Response:
    """The caller's tokens, for an admin all; without their texts."""
    found = tokens.list_tokens(passes.api_tokens, tokens.holder_of(principal))
    return _reply(found, 200)


@app.post(PATH)
@describes(body=tokens.NewToken, reply=tokens.MadeToken, status=201, errors=(NotFound,))
@role_required("viewer")
def create_token(principal: Principal) -> Response:
    """A new token, which is shown only now."""
    tokens.holder_of(principal)  # before the body: not all may ask at all
    wanted = read_json(request.environ, tokens.NewToken)
    made = tokens.create(passes.api_tokens, principal, wanted, settings.token.days)
    audit_log.record(principal, "token.create", f"token {made.id}", tokens.about(made))
    return _reply(made, 201)


@app.delete(f"{PATH}/<token_id>")
@describes(status=204)
@role_required("viewer")
def revoke_token(principal: Principal, token_id: str) -> Response:
    """Refuse a token from now on, on all workers and nodes."""
    tokens.revoke(passes.api_tokens, tokens.holder_of(principal), token_id)
    audit_log.record(principal, "token.revoke", f"token {token_id}")
    return Response(status=204)


def _reply(body: object, status: int) -> Response:
    return Response(dumps(body), status, content_type="application/json")
