"""Apps and what became of their records, in the lasting tables."""

import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from database.access_tables import ingest_key
from database.directory import Directory
from database.erasures import request_erasure
from database.ingest_keys import FIRST_LABEL, IngestKeys, add_key
from database.tables import app, app_counter
from exceptions import NameTaken
from utils.app_settings import DEFAULTS, AppSettings, read_app_settings
from utils.clock import now_us
from utils.wording import say


class App(NamedTuple):
    """An app. Its secret signs reports; `ingest_key` is the newest key without an end, if any."""

    id: int
    name: str
    ingest_key: str | None
    secret: str
    settings: AppSettings
    created_at: int


class Apps:
    """The table of apps; what is changed here is known to the whole node at once."""

    def __init__(self, engine: Engine, data_dir: Path) -> None:
        self.engine = engine
        self.directory = Directory(engine, data_dir)
        self.keys = IngestKeys(engine, self.directory)
        self.source_of_key = self.directory.source_of_key
        self.ids = self.directory.ids

    def all(self) -> list[App]:
        """All apps, the oldest first."""
        with self.engine.connect() as connection:
            return _read(connection)

    def find(self, app_id: int) -> App | None:
        """One app."""
        with self.engine.connect() as connection:
            return next(iter(_read(connection, app_id)), None)

    def create(self, name: str, settings: AppSettings = DEFAULTS) -> App:
        """Make an app with a fresh key and secret. Raises NameTaken."""
        secret, now = secrets.token_hex(32), now_us()
        values = {"name": name, "secret": secret, "settings": _written(settings), "created_at": now}
        try:
            with self.engine.begin() as connection:
                made = connection.execute(insert(app).values(values))
                number: int = made.inserted_primary_key[0]  # type: ignore[index]
                key = add_key(connection, number, FIRST_LABEL).key
        except IntegrityError:
            raise NameTaken(say("there is an app {name!r} already", name=name)) from None
        self.directory.read()
        return App(number, name, key, secret, settings, now)

    def change(self, app_id: int, edit: Callable[[App], App]) -> App | None:
        """Replace an app's name and settings by what `edit` makes of them, as one step.

        None: there is no such app. Raises NameTaken, and what `edit` raises.
        """
        this = update(app).where(app.c.id == app_id)
        try:
            with self.engine.begin() as connection:
                connection.execute(this.values(id=app_id))  # nobody else changes it meanwhile
                before = next(iter(_read(connection, app_id)), None)
                if before is None:
                    return None
                after = edit(before)
                values = {"name": after.name, "settings": _written(after.settings)}
                connection.execute(this.values(values))
        except IntegrityError:
            raise NameTaken("there is an app of that name already") from None
        self.directory.read()
        return after

    def delete(self, app_id: int, requested_by: str) -> int | None:
        """Refuse an app from now on, and ask for its records to be erased; the erasure's id.

        Its name is free at once, its row goes with the last record. None: no such app.
        """
        this = update(app).where(app.c.id == app_id, app.c.deleted_at.is_(None))
        with self.engine.begin() as connection:
            if not connection.execute(this.values(deleted_at=now_us(), name=None)).rowcount:
                return None
            number = request_erasure(connection, "app", str(app_id), [app_id], requested_by)
        self.directory.read()
        return number

    def totals(self) -> dict[int, dict[str, int]]:
        """Records by app and outcome, over all time."""
        total = func.sum(app_counter.c.records)
        statement = select(app_counter.c.app_id, app_counter.c.outcome, total)
        totals: dict[int, dict[str, int]] = {}
        with self.engine.connect() as connection:
            grouped = statement.group_by(app_counter.c.app_id, app_counter.c.outcome)
            for app_id, outcome, records in connection.execute(grouped):
                totals.setdefault(app_id, {})[outcome] = int(records)
        return totals

    def counts(
        self, app_id: int, start: int, end: int, width: int
    ) -> Iterable[tuple[int, str, int]]:
        """An app's records by bucket (the minute since 1970 that begins it) and outcome, in order.

        `start` and `end` are minutes since 1970, `width` a bucket's minutes; the end is not
        included.
        """
        minute = app_counter.c.minute
        bucket = (minute - minute % width).label("bucket")
        statement = (
            select(bucket, app_counter.c.outcome, func.sum(app_counter.c.records))
            .where(app_counter.c.app_id == app_id, minute >= start, minute < end)
            .group_by(bucket, app_counter.c.outcome)
            .order_by(bucket)
        )
        with self.engine.connect() as connection:
            return [(int(at), what, int(n)) for at, what, n in connection.execute(statement)]


def _written(settings: AppSettings) -> str:
    return msgspec.json.encode(settings).decode()


def _read(connection: Connection, app_id: int | None = None) -> list[App]:
    """All apps that are not deleted, or this one."""
    wanted: list[Any] = [app.c.deleted_at.is_(None)] + ([app.c.id == app_id] if app_id else [])
    columns = (app.c.id, app.c.name, app.c.secret, app.c.settings, app.c.created_at)
    rows = connection.execute(select(*columns).where(*wanted).order_by(app.c.id)).all()
    keys = select(ingest_key.c.app_id, ingest_key.c.key).order_by(ingest_key.c.id)
    endless = keys.where(ingest_key.c.expires_at.is_(None))
    newest = {row.app_id: row.key for row in connection.execute(endless)}
    return [
        App(id, name, newest.get(id), secret, read_app_settings(settings), created_at)
        for id, name, secret, settings, created_at in rows
    ]
