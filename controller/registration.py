"""Invitations, for admins; and making an account of one's own."""

from flask import Response, request

from __init__ import app, audit_log, people, public, role_required, settings
from exceptions import Busy, LockedOut, NotFound, StoreAway
from exceptions.accounts import AccountExists, BadInvitation, WeakPassword
from service import invitations as service
from service.sessions import ShownAccount, shown_account
from utils.body import read_json
from utils.describe import describes
from utils.principal import Principal
from utils.record import dumps
from utils.wording import say

PATH = "/api/v1/invitations"


@app.get(PATH)
@describes(reply=service.InvitationList)
@role_required("admin")
def list_invitations(principal: Principal) -> Response:
    """The invitations that can still be used, without their texts."""
    return _reply(service.list_open(people.invitations))


@app.post(PATH)
@describes(body=service.InvitationForm, reply=service.InvitationDetails, status=201)
@role_required("admin")
def create_invitation(principal: Principal) -> Response:
    """Invite somebody; the text for them is shown only now."""
    form = read_json(request.environ, service.InvitationForm)
    days = settings.account.invitation_days
    made = service.invite(people.invitations, form, principal.actor, days, principal.all_apps)
    rights = {"role": form.role, "apps": form.apps}
    audit_log.record(principal, "invitation.create", f"invitation {made.id}", rights)
    return _reply(made, 201)


@app.delete(f"{PATH}/<int:invitation_id>")
@describes(status=204)
@role_required("admin")
def delete_invitation(principal: Principal, invitation_id: int) -> Response:
    """Take an invitation back."""
    if not people.invitations.delete(invitation_id):
        raise NotFound(
            say("there is no invitation {number} that can still be used", number=invitation_id)
        )
    audit_log.record(principal, "invitation.delete", f"invitation {invitation_id}")
    return Response(status=204)


@app.post("/api/v1/register")
@describes(
    body=service.Registration,
    reply=ShownAccount,
    status=201,
    errors=(BadInvitation, AccountExists, WeakPassword, LockedOut, Busy, StoreAway),
)
@public
def register() -> Response:
    """Make an account of one's own, by an invitation or as the settings allow."""
    form = read_json(request.environ, service.Registration)
    address, policy = request.remote_addr, settings.account.registration
    made = service.register(people, form, policy, address)
    name, rights = f"account {made.name}", {"role": made.role, "apps": made.apps}
    audit_log.record(name, "account.register", name, rights, address)
    return _reply(shown_account(made), 201)


def _reply(body: object, status: int = 200) -> Response:
    return Response(dumps(body), status, content_type="application/json")
