"""Making an account of one's own: by an invitation or, where that is allowed, without."""

import secrets
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from database.accounts import Account
from database.invitations import Invitation, Invitations
from exceptions.accounts import BadInvitation
from service.accounts import AppIds, Role, check_apps, prepared
from service.people import People
from utils.clock import DAY, format_time, now_us

OFF = "off"


class InvitationForm(Struct, forbid_unknown_fields=True):
    """What the invited may do, and for how many days they may come."""

    role: Role
    apps: AppIds = []
    days: Annotated[int, Meta(ge=1, le=365)] | None = None


class Registration(Struct, forbid_unknown_fields=True):
    """Who makes an account of their own."""

    username: str
    password: str
    invitation: str | None = None


class InvitationDetails(Struct):
    """An invitation; `invitation` is its text, which is shown only when it is made."""

    id: int
    role: str
    apps: list[int]
    created_by: str
    created_at: str
    expires_at: str
    invitation: str | UnsetType = UNSET


class InvitationList(Struct):
    """The invitations that can still be used."""

    invitations: list[InvitationDetails]


def invite(
    invitations: Invitations,
    form: InvitationForm,
    created_by: str,
    days: int,
    all_apps: tuple[int, ...],
) -> InvitationDetails:
    """A new invitation. `days` it is good unless the form says so. Raises BadRequestBody."""
    check_apps(form.apps, all_apps)
    text = f"rli_{secrets.token_urlsafe(24)}"
    until = now_us() + (form.days or days) * DAY
    return _details(invitations.create(text, form.role, form.apps, created_by, until), text)


def list_open(invitations: Invitations) -> InvitationList:
    """Those that can still be used, the oldest first."""
    return InvitationList([_details(each) for each in invitations.open()])


def _details(invited: Invitation, text: str | UnsetType = UNSET) -> InvitationDetails:
    times = format_time(invited.created_at), format_time(invited.expires_at)
    who = invited.id, invited.role, list(invited.apps), invited.created_by
    return InvitationDetails(*who, *times, text)


def register(people: People, form: Registration, policy: str, address: str | None) -> Account:
    """Make an account. `policy` says as what one may come without an invitation, or OFF.

    Raises BadInvitation, BadRequestBody, WeakPassword, AccountExists, LockedOut (one address makes
    few accounts and guesses few invitations) and Busy.
    """
    login, invitations = people.login, people.invitations
    login.charge_address(address)
    if form.invitation is None:
        if policy == OFF:
            raise BadInvitation("ask an admin for an invitation")
        return login.accounts.create(prepared(login, form.username, policy, (), form.password))
    invited = invitations.find(form.invitation)
    if invited is None:
        raise BadInvitation("it is unknown, was used already, or has expired")
    login.refund_address(address)
    new = prepared(login, form.username, invited.role, invited.apps, form.password)
    return login.accounts.get(invitations.redeem(invited, new))
