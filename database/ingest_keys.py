"""The ingest keys of apps. They are public and can only report."""

import secrets
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, insert, or_, select, update

from database.access_tables import ingest_key
from database.directory import Directory
from exceptions import TooMany
from utils.clock import now_us
from utils.wording import say

MAX_KEYS = 100  # good ones of an app: all keys are in the memory of each process
FIRST_LABEL = "default"
HOUR = 3_600_000_000


class IngestKey(NamedTuple):
    """A key that is good. Times are in µs since 1970; when it was used last is known to the minute
    (None: never), and most keys have no end.
    """

    id: int
    key: str
    label: str
    created_at: int
    last_used_at: int | None = None
    expires_at: int | None = None


class IngestKeys:
    """The table of keys. What is changed here is known to the whole node at once."""

    def __init__(self, engine: Engine, directory: Directory) -> None:
        self.engine = engine
        self.directory = directory

    def of_app(self, app_id: int) -> list[IngestKey]:
        """An app's good keys, the oldest first."""
        with self.engine.connect() as connection:
            return _read(connection, ingest_key.c.app_id == app_id)

    def create(self, app_id: int, label: str) -> IngestKey:
        """Make a key. Raises TooMany."""
        with self.engine.begin() as connection:
            made = add_key(connection, app_id, label)
        self.directory.read()
        return made

    def relabel(self, app_id: int, key_id: int, label: str) -> IngestKey | None:
        """Give a key another label. None: the app has no such key."""
        return self._change(app_id, key_id, label=label)

    def revoke(self, app_id: int, key_id: int) -> IngestKey | None:
        """End a key now. None: the app has no such key."""
        return self._change(app_id, key_id, expires_at=now_us())

    def rotate(self, app_id: int, key_id: int, overlap_hours: int) -> IngestKey | None:
        """Make a key of the same label; the old one goes on for some hours, or ends now.

        It never goes on for longer than it would have. None: the app has no such key. Raises
        TooMany.
        """
        end = now_us() + overlap_hours * HOUR
        with self.engine.begin() as connection:
            old = _hold(connection, app_id, key_id)
            if old is None:
                return None
            end = end if old.expires_at is None else min(end, old.expires_at)
            _set(connection, key_id, expires_at=end)
            made = add_key(connection, app_id, old.label)
        self.directory.read()
        return made

    def _change(self, app_id: int, key_id: int, **values: Any) -> IngestKey | None:
        with self.engine.begin() as connection:
            old = _hold(connection, app_id, key_id)
            if old is None:
                return None
            _set(connection, key_id, **values)
        self.directory.read()
        return old._replace(**values)


def add_key(connection: Connection, app_id: int, label: str) -> IngestKey:
    """Make a key, within a transaction. Raises TooMany, for which it must be rolled back."""
    key, now = new_key(), now_us()
    values = {"app_id": app_id, "key": key, "label": label, "created_at": now}
    made = connection.execute(insert(ingest_key).values(values))
    if len(_read(connection, ingest_key.c.app_id == app_id)) > MAX_KEYS:
        raise TooMany(
            say("an app has {most} keys at most: end one that is no longer needed", most=MAX_KEYS)
        )
    number: int = made.inserted_primary_key[0]  # type: ignore[index]
    return IngestKey(number, key, label, now)


def new_key() -> str:
    """An ingest key: letters, digits and `_` only, because some clients take nothing else."""
    return "rlk_" + secrets.token_hex(16)


def _hold(connection: Connection, app_id: int, key_id: int) -> IngestKey | None:
    """A good key of an app, which nobody else can change until this transaction ends."""
    _set(connection, key_id, id=key_id)
    wanted = (ingest_key.c.app_id == app_id) & (ingest_key.c.id == key_id)
    return next(iter(_read(connection, wanted)), None)


def _set(connection: Connection, key_id: int, **values: Any) -> None:
    connection.execute(update(ingest_key).where(ingest_key.c.id == key_id).values(**values))


def _read(connection: Connection, wanted: ColumnElement[bool]) -> list[IngestKey]:
    good = or_(ingest_key.c.expires_at.is_(None), ingest_key.c.expires_at > now_us())
    columns = [ingest_key.c[name] for name in IngestKey._fields]
    rows = connection.execute(select(*columns).where(wanted, good).order_by(ingest_key.c.id))
    return [IngestKey(*row) for row in rows]
