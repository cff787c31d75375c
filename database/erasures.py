"""Requests to erase records, and how far the nodes that share the database are with them."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from database.access_tables import erasure, ingest_key, membership, node, saved_search
from database.log_store import Target
from database.tables import app, app_counter
from utils.app_settings import read_app_settings
from utils.clock import DAY, now_us
from utils.files import ordered_name, replace_file

LOST_AFTER = 30 * DAY  # a node that was not seen for so long is not waited for
BUSY_MS = 10_000

_apps = msgspec.json.Decoder(tuple[int, ...]).decode
_records = msgspec.json.Decoder(dict[int, int]).decode
_days = msgspec.json.Decoder(list[str]).decode
_encode = msgspec.json.Encoder().encode


class Erasure(NamedTuple):
    """A request. `value` is None when it is carried out, `apps` None for all of them; `records`
    are those removed by app, and `quarantined` what was deleted from the quarantine.
    """

    id: int
    field: str
    value: str | None
    apps: tuple[int, ...] | None
    requested_by: str
    requested_at: int
    finished_at: int | None
    records: dict[int, int]
    quarantined: int
    unreadable_days: list[str]

    @property
    def target(self) -> Target:
        """What it is to erase."""
        return Target(self.field, self.value or "", self.apps, self.field == "app")


class Mark(NamedTuple):
    """How far a node is with an erasure: this day, behind the row of this id."""

    day: str
    row: int


class Erasures:
    """The table of erasures."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def request(
        self, field: str, value: str, apps: Iterable[int] | None, requested_by: str
    ) -> Erasure:
        """Ask the writers of all nodes to erase: see `Target`."""
        with self.engine.begin() as connection:
            number = request_erasure(connection, field, value, apps, requested_by)
        found = self.get(number)
        assert found is not None
        return found

    def get(self, number: int) -> Erasure | None:
        """A request by its id."""
        found = self._find(erasure.c.id == number)
        return found[0] if found else None

    def all(self) -> list[Erasure]:
        """All requests, the newest first."""
        return self._find()[::-1]

    def _find(self, *conditions: Any) -> list[Erasure]:
        with self.engine.connect() as connection:
            rows = connection.execute(select(erasure).where(*conditions).order_by(erasure.c.id))
            return [_read(row) for row in rows]

    # For the writer of a node.

    def next_for(self, name: str) -> Erasure | None:
        """The oldest request that a node has not carried out."""
        with self.engine.connect() as connection:
            done = connection.scalar(select(node.c.erased).where(node.c.name == name)) or 0
        waiting = self._find(erasure.c.id > done, erasure.c.value.is_not(None))
        return waiting[0] if waiting else None

    def greet(self, name: str) -> None:
        """Note that a node is there, so that it is waited for."""
        values = {"seen_at": now_us()}
        with self.engine.begin() as connection:
            if not connection.execute(_of(name).values(values)).rowcount:
                connection.execute(insert(node).values(name=name, erased=0, row=0, **values))

    def mark_of(self, name: str) -> Mark | None:
        """How far a node is with the request that it carries out; None when it has not begun."""
        with self.engine.connect() as connection:
            row = connection.execute(
                select(node.c.day, node.c.row).where(node.c.name == name)
            ).one()
        return None if row.day is None else Mark(row.day, row.row)

    def keep(self, name: str, mark: Mark) -> None:
        """Note how far a node is."""
        with self.engine.begin() as connection:
            connection.execute(_of(name).values(day=mark.day, row=mark.row))

    def add(self, number: int, name: str, mark: Mark, records: Counter[int]) -> None:
        """Note what a node has removed, and how far it is."""
        with self.engine.begin() as connection:
            before = _locked(connection, number).records
            total = Counter(before) + records
            connection.execute(_with(number).values(records=_text(total)))
            connection.execute(_of(name).values(day=mark.day, row=mark.row))

    def carried_out(self, number: int, name: str, quarantined: int, unreadable: list[str]) -> None:
        """Note that a node has carried a request out."""
        with self.engine.begin() as connection:
            before = _locked(connection, number)
            days = sorted({*before.unreadable_days, *unreadable})
            total = before.quarantined + quarantined
            connection.execute(_with(number).values(quarantined=total, unreadable_days=_text(days)))
            connection.execute(_of(name).values(erased=number, day=None, row=0))

    def finish(self) -> None:
        """Finish the requests that all nodes have carried out: nothing tells any more whose they
        were.
        """
        if not self._find(erasure.c.finished_at.is_(None)):
            return
        with self.engine.begin() as connection:
            seen = node.c.seen_at > now_us() - LOST_AFTER
            reached = connection.scalar(select(func.min(node.c.erased)).where(seen)) or 0
            done = (erasure.c.id <= reached) & erasure.c.value.is_not(None)
            for row in connection.execute(select(erasure).where(done)).all():
                if row.field == "app":
                    _delete_app(connection, int(row.value))
            connection.execute(update(erasure).where(done).values(value=None))
        unfinished = erasure.c.value.is_(None) & erasure.c.finished_at.is_(None)
        if self._find(unfinished) and self._wipe_log():
            with self.engine.begin() as connection:
                connection.execute(update(erasure).where(unfinished).values(finished_at=now_us()))

    def _wipe_log(self) -> bool:
        """Empty SQLite's write-ahead log, where the values still stand; False while it is read."""
        if self.engine.dialect.name != "sqlite":
            return True
        with self.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 0")
            try:
                row = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
                return bool(row[0] == 0)
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_MS}")

    def retentions(self) -> dict[int, int]:
        """The apps that keep their records for a time of their own, in days."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(app.c.id, app.c.settings).where(app.c.settings != ""))
            days = {app_id: read_app_settings(text).retention_days for app_id, text in rows}
        return {app_id: kept for app_id, kept in days.items() if kept}


def known_nodes(engine: Engine) -> list[tuple[str, int]]:
    """The nodes that were seen lately, and when (µs), in the order of their age."""
    lately = node.c.seen_at > now_us() - LOST_AFTER
    statement = select(node.c.name, node.c.seen_at).where(lately).order_by(node.c.name)
    with engine.connect() as connection:
        return [(row.name, row.seen_at) for row in connection.execute(statement)]


def node_name(engine: Engine, data_dir: Path) -> str:
    """What tells this node from others on its database; on SQLite there are none."""
    if engine.dialect.name == "sqlite":
        return "local"
    path = data_dir / "node"
    if not path.exists():
        replace_file(path, ordered_name().encode())
    return path.read_text("ascii")


def _of(name: str):  # type: ignore[no-untyped-def]
    return update(node).where(node.c.name == name)


def _with(number: int):  # type: ignore[no-untyped-def]
    return update(erasure).where(erasure.c.id == number)


def _locked(connection: Connection, number: int) -> Erasure:
    """A request to which no other node adds at the same time."""
    statement = select(erasure).where(erasure.c.id == number).with_for_update()
    return _read(connection.execute(statement).one())


def _read(row: Any) -> Erasure:
    return Erasure(
        row.id,
        row.field,
        row.value,
        None if row.apps is None else _apps(row.apps),
        row.requested_by,
        row.requested_at,
        row.finished_at,
        _records(row.records),
        row.quarantined,
        _days(row.unreadable_days),
    )


def _text(value: Any) -> str:
    return _encode(value).decode()


def request_erasure(
    connection: Connection, field: str, value: str, apps: Iterable[int] | None, requested_by: str
) -> int:
    """Ask the writers of all nodes to erase, in a transaction at hand; the request's id."""
    made = connection.execute(
        insert(erasure).values(
            field=field,
            value=value,
            apps=None if apps is None else _text(sorted(apps)),
            requested_by=requested_by,
            requested_at=now_us(),
            records="{}",
            quarantined=0,
            unreadable_days="[]",
        )
    )
    return int(made.inserted_primary_key[0])  # type: ignore[index]


def _delete_app(connection: Connection, app_id: int) -> None:
    """Delete what the lasting tables hold of an app, at last the app."""
    for table in (app_counter, ingest_key, membership, saved_search):
        connection.execute(delete(table).where(table.c.app_id == app_id))
    connection.execute(delete(app).where(app.c.id == app_id))
