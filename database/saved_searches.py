"""Searches that are kept under a name, for all who may read their app."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from database.access_tables import saved_search
from database.tables import app
from exceptions import NameTaken, NotFound, TooMany
from utils.clock import now_us
from utils.wording import say

MAX_OF_APP = 200
_query = msgspec.json.Decoder(dict[str, str]).decode
_columns = msgspec.json.Decoder(list[str]).decode


class SavedSearch(NamedTuple):
    """One of them. `query` holds the list's parameters as they were written, `columns` are fields,
    None: the usual ones. Times are in µs.
    """

    id: int
    app_id: int
    name: str
    query: dict[str, str]
    columns: list[str] | None
    created_by: str
    created_at: int
    updated_at: int


class SavedSearches:
    """The table of saved searches; `apps` are those that the caller may see."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def of_apps(self, apps: Iterable[int]) -> list[SavedSearch]:
        """All of these apps, the oldest first."""
        with self.engine.connect() as connection:
            return _read(connection, saved_search.c.app_id.in_(apps))

    def create(self, app_id: int, created_by: str, values: dict[str, Any]) -> SavedSearch:
        """Keep one: `values` are its name, query and columns.

        Raises NotFound when the app is deleted, NameTaken and TooMany.
        """
        now = now_us()
        row = {"app_id": app_id, "created_by": created_by, "created_at": now, "updated_at": now}
        try:
            with self.engine.begin() as connection:
                _hold(connection, app_id)
                made = connection.execute(insert(saved_search).values(row | _written(values)))
                number = made.inserted_primary_key[0]  # type: ignore[index]
                return _read(connection, saved_search.c.id == number)[0]
        except IntegrityError:
            raise _taken(values) from None

    def change(self, number: int, apps: Iterable[int], values: dict[str, Any]) -> SavedSearch:
        """Set its name, query or columns. Raises NotFound and NameTaken."""
        this = _one_of(number, apps)
        new = _written(values) | {"updated_at": now_us()}
        try:
            with self.engine.begin() as connection:
                connection.execute(update(saved_search).where(this).values(new))
                return _there(_read(connection, this), number)
        except IntegrityError:
            raise _taken(values) from None

    def delete(self, number: int, apps: Iterable[int]) -> SavedSearch:
        """Remove one; what it was. Raises NotFound."""
        this = _one_of(number, apps)
        with self.engine.begin() as connection:
            found = _there(_read(connection, this), number)
            connection.execute(delete(saved_search).where(this))
            return found


def _hold(connection: Connection, app_id: int) -> None:
    """Keep the app as it is, and its searches as many, until the transaction ends."""
    this = update(app).where(app.c.id == app_id, app.c.deleted_at.is_(None))
    if not connection.execute(this.values(id=app_id)).rowcount:
        raise NotFound(say("there is no app {app}", app=app_id))
    own = saved_search.c.app_id == app_id
    number = connection.scalar(select(func.count()).select_from(saved_search).where(own)) or 0
    if number >= MAX_OF_APP:
        raise TooMany(say("the app has {most} saved searches; delete one first", most=MAX_OF_APP))


def _one_of(number: int, apps: Iterable[int]) -> ColumnElement[bool]:
    return (saved_search.c.id == number) & saved_search.c.app_id.in_(apps)


def _there(found: list[SavedSearch], number: int) -> SavedSearch:
    if not found:
        raise NotFound(say("there is no saved search {number}", number=number))
    return found[0]


def _taken(values: dict[str, Any]) -> NameTaken:
    return NameTaken(say("the app has a saved search {name!r} already", name=values.get("name")))


def _written(values: dict[str, Any]) -> dict[str, Any]:
    """The columns of the table: what is not text becomes JSON."""
    return {
        name: value if value is None or name == "name" else msgspec.json.encode(value).decode()
        for name, value in values.items()
    }


def _read(connection: Connection, wanted: ColumnElement[bool]) -> list[SavedSearch]:
    rows = connection.execute(select(saved_search).where(wanted).order_by(saved_search.c.id))
    return [
        SavedSearch(*row)._replace(
            query=_query(row.query), columns=None if row.columns is None else _columns(row.columns)
        )
        for row in rows
    ]
