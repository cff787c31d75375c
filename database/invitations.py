"""Invitations: by one of them somebody makes an account of their own, once."""

import hashlib
import json
from typing import NamedTuple

from sqlalchemy import ColumnElement, Engine, delete, insert, select, update

from database.access_tables import invitation
from database.accounts import NewAccount, insert_account
from exceptions.accounts import BadInvitation
from utils.clock import now_us

_SHOWN = ("id", "role", "apps", "created_by", "created_at", "expires_at")


class Invitation(NamedTuple):
    """One that can still be used; its text is not kept. Times are in µs."""

    id: int
    role: str
    apps: tuple[int, ...]
    created_by: str
    created_at: int
    expires_at: int


class Invitations:
    """The table of invitations."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def create(
        self, text: str, role: str, apps: list[int], created_by: str, expires_at: int
    ) -> Invitation:
        """Keep one, as a hash; those that have expired go."""
        now = now_us()
        values = {
            "token_hash": _hash(text),
            "role": role,
            "apps": json.dumps(apps),
            "created_by": created_by,
            "created_at": now,
            "expires_at": expires_at,
        }
        with self.engine.begin() as connection:
            connection.execute(delete(invitation).where(invitation.c.expires_at < now))
            made = connection.execute(insert(invitation).values(values))
        number: int = made.inserted_primary_key[0]  # type: ignore[index]
        return Invitation(number, role, tuple(apps), created_by, now, expires_at)

    def open(self) -> list[Invitation]:
        """Those that can still be used, the oldest first."""
        columns = [invitation.c[name] for name in _SHOWN]
        statement = select(*columns).where(_is_open()).order_by(invitation.c.id)
        with self.engine.connect() as connection:
            return [
                Invitation(**row._asdict() | {"apps": tuple(json.loads(row.apps))})
                for row in connection.execute(statement)
            ]

    def find(self, text: str) -> Invitation | None:
        """The one with this text, if it can still be used."""
        with self.engine.connect() as connection:
            chosen = select(invitation.c.id).where(invitation.c.token_hash == _hash(text))
            number = connection.scalar(chosen.where(_is_open()))
        return next((each for each in self.open() if each.id == number), None)

    def delete(self, number: int) -> bool:
        """Take one back; False when there is none that can still be used."""
        with self.engine.begin() as connection:
            chosen = delete(invitation).where(invitation.c.id == number, _is_open())
            return connection.execute(chosen).rowcount == 1

    def redeem(self, invited: Invitation, new: NewAccount) -> int:
        """Make the account and use the invitation up, or neither; the account's id.

        Raises AccountExists, and BadInvitation when it was used in the meantime.
        """
        chosen = update(invitation).where(invitation.c.id == invited.id, _is_open())
        with self.engine.begin() as connection:
            if connection.execute(chosen.values(used_at=now_us())).rowcount != 1:
                raise BadInvitation("the invitation was used already, or has expired")
            return insert_account(connection, new)


def _is_open() -> ColumnElement[bool]:
    return invitation.c.used_at.is_(None) & (invitation.c.expires_at > now_us())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
