"""Day tables on MySQL: made, widened, upgraded and dropped, by any number of nodes at once.

`log_partition.drop_requested` is 1 when an operator asks for a drop, and 2 while a table is being
dropped: from then on nothing is stored in it, and whoever finds it so after a crash ends the drop.
"""

from collections.abc import Iterable

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    delete,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateColumn, CreateTable

from database import blocks, mysql_rollup, rollup
from database.catalogue import DROPPING, SLACK
from database.day_file import SCHEMA_VERSION
from database.mysql_engine import alone
from database.mysql_errors import LOCK_TIMEOUT, number_of
from database.mysql_tables import TABLES, table_for, table_of
from database.tables import block, block_part, log_partition
from exceptions import StartError
from utils.log import log as logger

_IS_OPEN = log_partition.c.drop_requested < DROPPING


def _is(day: str) -> ColumnElement[bool]:
    return log_partition.c.name == day


def widen(engine: Engine, day: str, low: int, high: int) -> tuple[int, int]:
    """Let a partition's range cover `low` to `high`, making it when it is new; that range."""
    low, high = low - SLACK, high + SLACK
    with engine.begin() as connection:
        if _widened(connection, day, low, high):
            return low, high
    with alone(engine, day) as connection:
        if not _widened(connection, day, low, high):
            _drop(connection, day)  # what a crash may have left of it
            _make(connection, day, low, high)
    return low, high


def _widened(connection: Connection, day: str, low: int, high: int) -> bool:
    range_of = log_partition.c
    statement = (
        update(log_partition)
        .where(_is(day), _IS_OPEN)
        .values(
            min_time=func.least(range_of.min_time, low),
            max_time=func.greatest(range_of.max_time, high),
        )
    )
    return bool(connection.execute(statement).rowcount)


def _make(connection: Connection, day: str, low: int, high: int) -> None:
    for table in (table_for(day, kind) for kind in TABLES):
        connection.execute(CreateTable(table))
        for index in table.indexes:
            index.create(connection)
    connection.execute(
        insert(log_partition).values(
            name=day,
            kind="mysql",
            min_time=low,
            max_time=high,
            records=0,
            bytes=0,
            schema_version=SCHEMA_VERSION,
            drop_requested=0,
        )
    )


def claim(connection: Connection, day: str, low: int, high: int, records: int) -> bool:
    """Count records in, as the last step of their transaction.

    False when the partition was dropped or its range does not cover them: then nothing may be
    committed.
    """
    statement = (
        update(log_partition)
        .where(_is(day), _IS_OPEN)
        .where(log_partition.c.min_time <= low, log_partition.c.max_time >= high)
        .values(records=log_partition.c.records + records)
    )
    return bool(connection.execute(statement).rowcount)


def drop(engine: Engine, day: str) -> None:
    """Drop a day's table; transactions that are under way end first. Raises Away."""
    with alone(engine, day) as connection:
        dropping = update(log_partition).where(_is(day)).values(drop_requested=DROPPING)
        if connection.execute(dropping).rowcount:
            connection.commit()
            _drop(connection, day)
            logger.info("partition %s dropped", day)


def _drop(connection: Connection, day: str) -> None:
    try:
        _drop_tables(connection, day, TABLES)
    except DBAPIError as error:
        if number_of(error) == LOCK_TIMEOUT:
            logger.warning("partition %s is being read; dropped later", day)
        raise
    connection.execute(delete(log_partition).where(_is(day)))
    connection.commit()


def _drop_tables(connection: Connection, day: str, kinds: Iterable[Table]) -> None:
    names = ", ".join(table_for(day, kind).name for kind in kinds)
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {names}")


def measure(connection: Connection, day: str) -> None:
    """Note how many bytes a day takes on the disk."""
    sizes = connection.exec_driver_sql(
        "SELECT SUM(data_length + index_length) FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND table_name IN %s",
        ([table_for(day, kind).name for kind in TABLES],),
    ).scalar()
    connection.execute(update(log_partition).where(_is(day)).values(bytes=int(sizes or 0)))


def upgrade(engine: Engine) -> None:
    """Give tables of older versions the columns that they lack. Raises StartError and Away."""
    versions = select(log_partition.c.name, log_partition.c.schema_version).where(_IS_OPEN)
    with engine.connect() as connection:
        found = connection.execute(versions).all()
    for day, version in found:
        if version > SCHEMA_VERSION:
            raise StartError(
                f"partition {day} has schema {version}, newer than this version's {SCHEMA_VERSION}"
            )
        if version < SCHEMA_VERSION:
            with alone(engine, day) as connection:
                if version < blocks.SCHEMA_SINCE:  # it is made anew
                    _drop_tables(connection, day, (block, block_part))
                for table in TABLES[1:]:
                    connection.execute(CreateTable(table_for(day, table), if_not_exists=True))
                _add_columns(connection, day)
                if version < rollup.SCHEMA_SINCE:
                    mysql_rollup.rebuild(connection, day)
                noted = update(log_partition).where(_is(day))
                connection.execute(noted.values(schema_version=SCHEMA_VERSION))


def _add_columns(connection: Connection, day: str) -> None:
    there = {column["name"] for column in inspect(connection).get_columns(table_of(day))}
    for column in table_for(day).c:
        if column.name not in there:
            added = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {table_of(day)} ADD COLUMN {added}")
