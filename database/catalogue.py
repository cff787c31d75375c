"""The catalogue of partitions and the lasting copy of the counters, in the lasting tables."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, delete, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from database.log_query import LogFilter
from database.tables import app_counter, log_partition

# A range of time is widened by this much beyond what is needed, to be widened seldom.
SLACK = 60_000_000

DROPPING = 2  # `drop_requested` while a partition is being dropped

_KEPT = "redlog partitions"  # in what SQLAlchemy keeps for a connection


class Partition(NamedTuple):
    """A day's partition; `min_time` and `max_time` bound its records' `time`."""

    name: str
    kind: str
    min_time: int
    max_time: int
    records: int
    bytes: int
    schema_version: int
    drop_requested: int


class Catalogue:
    """Which partitions there are, and what times they hold."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._select = select(*log_partition.c).order_by(log_partition.c.name.desc())

    def partitions(self) -> list[Partition]:
        """All partitions, the newest day first.

        Each connection to SQLite keeps what it read until something is committed, which it is told
        in a tenth of the time that reading takes.
        """
        with self.engine.connect() as connection:
            if connection.dialect.name != "sqlite":
                return self._read(connection)
            version = _version(connection)
            kept = connection.info.get(_KEPT)
            if kept is None or kept[0] != version:
                kept = connection.info[_KEPT] = version, self._read(connection)
            return list(kept[1])

    def _read(self, connection: Connection) -> list[Partition]:
        return [Partition(*row) for row in connection.execute(self._select)]

    def widen(self, name: str, low: int, high: int, schema_version: int) -> tuple[int, int]:
        """Make a partition's range cover `low` to `high`; the range that it has then."""
        low, high = low - SLACK, high + SLACK
        with self.engine.begin() as connection:
            row = connection.execute(
                select(log_partition.c.min_time, log_partition.c.max_time).where(
                    log_partition.c.name == name
                )
            ).one_or_none()
            if row is None:
                connection.execute(
                    insert(log_partition).values(
                        name=name,
                        kind="sqlite",
                        min_time=low,
                        max_time=high,
                        records=0,
                        bytes=0,
                        schema_version=schema_version,
                        drop_requested=0,
                    )
                )
                return low, high
            low, high = min(low, row.min_time), max(high, row.max_time)
            self._set(connection, name, min_time=low, max_time=high)
        return low, high

    def measure(self, name: str, records: int, size: int) -> None:
        """Note how many records and bytes a partition has."""
        with self.engine.begin() as connection:
            self._set(connection, name, records=records, bytes=size)

    def note_version(self, name: str, schema_version: int) -> None:
        """Note that a partition has another schema now."""
        with self.engine.begin() as connection:
            self._set(connection, name, schema_version=schema_version)

    def note_emptied(self, name: str, size: int) -> None:
        """Note that a partition has no records any more."""
        statement = update(log_partition).where(
            log_partition.c.name == name,
            or_(log_partition.c.records > 0, log_partition.c.drop_requested > 0),
        )
        with self.engine.begin() as connection:
            connection.execute(statement.values(records=0, bytes=size, drop_requested=0))

    def request_drop(self, name: str) -> bool:
        """Ask the elected writer to drop a partition; False when there is none of that name."""
        with self.engine.begin() as connection:
            return self._set(connection, name, drop_requested=1)

    def remove(self, name: str) -> None:
        """Forget a partition."""
        with self.engine.begin() as connection:
            connection.execute(delete(log_partition).where(log_partition.c.name == name))

    def set_counters(self, rows: Iterable[tuple[int, int, str, int]]) -> None:
        """Copy counters (app id, minute, outcome, records) as they are: doing it twice is harmless.

        A minute of arrival lies in one partition, so the copy is the whole truth of it.
        """
        values = [
            dict(zip(("app_id", "minute", "outcome", "records"), row, strict=True)) for row in rows
        ]
        if not values:
            return
        statement = upsert(app_counter)
        statement = statement.on_conflict_do_update(
            index_elements=["app_id", "minute", "outcome"],
            set_={"records": statement.excluded.records},
        )
        with self.engine.begin() as connection:
            connection.execute(statement, values)

    @staticmethod
    def _set(connection: Any, name: str, **values: int) -> bool:
        statement = update(log_partition).where(log_partition.c.name == name).values(**values)
        return bool(connection.execute(statement).rowcount)


def _version(connection: Connection) -> tuple[int, int]:
    """What is another one after each commit of others, and each change by this connection."""
    driver: Any = connection.connection.driver_connection
    return driver.execute("PRAGMA data_version").fetchone()[0], driver.total_changes


def overlapping(partitions: list[Partition], wanted: LogFilter) -> list[Partition]:
    """Those that can hold records of the wanted time."""
    return [
        partition
        for partition in partitions
        if (wanted.start is None or partition.max_time >= wanted.start)
        and (wanted.end is None or partition.min_time < wanted.end)
    ]


def range_of(partitions: list[Partition], wanted: LogFilter) -> tuple[int, int]:
    """The times that records can have: from the first up to before the second."""
    low = min((partition.min_time for partition in partitions), default=0)
    high = max((partition.max_time + 1 for partition in partitions), default=0)
    low = max(low, wanted.start or 0)
    return low, high if wanted.end is None else min(high, wanted.end)
