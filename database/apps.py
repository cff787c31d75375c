"""Apps and their ingest keys, in the lasting tables."""

import secrets
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from database.access_tables import ingest_key
from database.directory import Directory
from database.tables import app, app_counter
from utils.clock import now_us


class NameTaken(ValueError):
    """An app of that name exists already."""


class App(NamedTuple):
    """An app. Its ingest key is public and can only report; its secret signs reports."""

    id: int
    name: str
    ingest_key: str
    secret: str


class Apps:
    """The tables of apps and keys; what is changed here is known to the whole node at once."""

    def __init__(self, engine: Engine, data_dir: Path) -> None:
        self.engine = engine
        self.directory = Directory(engine, data_dir)
        self.source_of_key = self.directory.source_of_key
        self.ids = self.directory.ids

    def all(self) -> list[App]:
        """All apps, the oldest first."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                select(app.c.id, app.c.name, ingest_key.c.key, app.c.secret)
                .join(ingest_key, ingest_key.c.app_id == app.c.id)
                .where(ingest_key.c.expires_at.is_(None), app.c.deleted_at.is_(None))
                .order_by(app.c.id, ingest_key.c.id)
            )
            return list({row[0]: App(*row) for row in rows}.values())

    def create(self, name: str) -> App:
        """Make an app with a fresh key and secret. Raises NameTaken."""
        key, secret = new_key(), secrets.token_hex(32)
        values = {"name": name, "secret": secret, "created_at": now_us()}
        try:
            with self.engine.begin() as connection:
                made = connection.execute(insert(app).values(values))
                number: int = made.inserted_primary_key[0]  # type: ignore[index]
                connection.execute(insert(ingest_key).values(_new_key(number, key)))
        except IntegrityError:
            raise NameTaken(name) from None
        self.directory.read()
        return App(number, name, key, secret)

    def rotate_key(self, app_id: int) -> str | None:
        """Give an app a new ingest key, and end the old one. None: there is no such app."""
        key = new_key()
        theirs = (ingest_key.c.app_id == app_id) & ingest_key.c.expires_at.is_(None)
        with self.engine.begin() as connection:
            ended = connection.execute(
                update(ingest_key).where(theirs).values(expires_at=now_us())
            ).rowcount
            if ended:
                connection.execute(insert(ingest_key).values(_new_key(app_id, key)))
        if not ended:
            return None
        self.directory.read()
        return key

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


def _new_key(app_id: int, key: str) -> dict[str, object]:
    return {"app_id": app_id, "key": key, "label": "default", "created_at": now_us()}


def new_key() -> str:
    """An ingest key: letters, digits and `_` only, because some clients take nothing else."""
    return "rlk_" + secrets.token_hex(16)
