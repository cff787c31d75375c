"""The audit log: who did what, when and from where."""

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

from msgspec import Meta, Raw, Struct
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from database import audit
from utils.clock import format_time, now_us
from utils.log import log
from utils.principal import Principal
from utils.record import dumps

OPERATOR = "operator"  # who acts at the command line


class AuditQuery(Struct, forbid_unknown_fields=True):
    """What may be asked of the audit log."""

    before: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None  # acts older than this one
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    act: str | None = None
    actor: str | None = None


class AuditEntry(Struct, kw_only=True):
    """One act."""

    id: int
    at: str
    actor: str
    address: str | None
    act: str
    target: str
    details: Raw | None


class AuditPage(Struct):
    """Acts, the newest first. `next_before` asks for those before them; null: there are no more."""

    acts: list[AuditEntry]
    next_before: int | None


class Audit:
    """Adds acts to the audit log and reads them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def record(
        self,
        who: Principal | str,
        act: str,
        target: str,
        details: Any = None,
        address: str | None = None,
    ) -> None:
        """Add an act that was done; it is durable when this returns.

        `who` is a principal, or a name such as OPERATOR. `act` is a word with a dot, `target` what
        it was done to; `details` becomes JSON and must hold no secret. Not for the background: an
        act must not be lost. One that can't be added is written to the server's log, and the
        caller is told (SQLAlchemyError).
        """
        actor = who if isinstance(who, str) else who.actor
        if address is None and not isinstance(who, str):
            address = who.address
        written = None if details is None else dumps(details).decode()
        entry = (now_us(), actor, address, act, target, written)
        try:
            _append()(self.engine, *entry)
        except SQLAlchemyError:
            log.critical("the audit log could not be written: %r", entry)
            raise

    def page(self, query: AuditQuery) -> AuditPage:
        """A page of acts."""
        found = audit.read(self.engine, query.before, query.limit + 1, query.act, query.actor)
        acts = [_shown(entry) for entry in found[: query.limit]]
        return AuditPage(acts, acts[-1].id if len(found) > query.limit else None)


@cache
def _append() -> Callable[..., None]:
    """Adds an act, twice if need be, as the database may be busy."""
    from utils.retry import tried_again  # half a megabyte, in the processes where nobody acts too

    return tried_again(on=OperationalError, times=2)(audit.append)


def _shown(entry: audit.Entry) -> AuditEntry:
    details = None if entry.details is None else Raw(entry.details.encode())
    return AuditEntry(**entry._asdict() | {"at": format_time(entry.at), "details": details})
