"""The audit log: administrative acts, which are only ever added and read.

SQLite itself refuses to change or remove them (migration 0004); on MySQL the README names the
triggers that an administrator of the database can set up.
"""

from typing import NamedTuple

from sqlalchemy import Column, Engine, insert, select

from database.access_tables import audit

_NEWEST_FIRST = select(audit).order_by(audit.c.id.desc())


class Entry(NamedTuple):
    """One act. `at` is in µs since 1970; `details` is JSON."""

    id: int
    at: int
    actor: str
    address: str | None
    act: str
    target: str
    details: str | None


def append(
    engine: Engine,
    at: int,
    actor: str,
    address: str | None,
    act: str,
    target: str,
    details: str | None,
) -> None:
    """Add an act; it is durable when this returns. Texts are cut to what fits."""
    values = {
        "at": at,
        "actor": _fitting(actor, audit.c.actor),
        "address": address and _fitting(address, audit.c.address),
        "act": act,
        "target": _fitting(target, audit.c.target),
        "details": details,
    }
    with engine.begin() as connection:
        connection.execute(insert(audit).values(values))


def read(
    engine: Engine, before: int | None, limit: int, act: str | None, actor: str | None
) -> list[Entry]:
    """At most `limit` acts, the newest first: of one kind, by one actor, older than `before`."""
    statement = _NEWEST_FIRST.limit(limit)
    if before is not None:
        statement = statement.where(audit.c.id < before)
    for column, wanted in ((audit.c.act, act), (audit.c.actor, actor)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    with engine.connect() as connection:
        return [Entry(*row) for row in connection.execute(statement)]


def _fitting(text: str, column: Column[str]) -> str:
    length: int = column.type.length  # type: ignore[attr-defined]  # of a String
    return text[:length]
