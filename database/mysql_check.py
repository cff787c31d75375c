"""What a MySQL or MariaDB must offer before a server starts on it."""

import os
import struct

from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from database.mysql_errors import NO_ANSWER, Away, explain, number_of
from exceptions import DatabaseDown, StartError

_BINARY_LOG = "SHOW GLOBAL VARIABLES WHERE variable_name IN ('log_bin', 'binlog_format')"


def check(engine: Engine) -> None:
    """Raises StartError when RedLog can't work on this database, DatabaseDown when it is away.

    Rights, InnoDB and utf8mb4 are tried out on a table of its own: grants are too many-shaped to be
    read. SQLite is always good.
    """
    if engine.dialect.name == "sqlite":
        return
    from pymysql.err import Error  # only here: memory

    try:
        with engine.connect() as connection:
            _check_server(connection)
            _try_rights(connection)
    except SQLAlchemyError as error:
        kind = DatabaseDown if number_of(error) in NO_ANSWER else StartError
        raise kind(f"the database {where(engine)}: {explain(error)}") from None
    except (ValueError, LookupError, struct.error, Error) as error:
        what = f"what answers is no MySQL ({type(error).__name__})"
        raise StartError(f"the database {where(engine)}: {what}") from None


def where(engine: Engine) -> str:
    """Which database it is, without its password."""
    url = engine.url
    return (
        f"{url.database!r} of user {url.username!r} on {url.host or 'localhost'}:{url.port or 3306}"
    )


def _check_server(connection: Connection) -> None:
    binary_log = dict(map(tuple, connection.exec_driver_sql(_BINARY_LOG)))
    if (binary_log.get("log_bin"), binary_log.get("binlog_format")) == ("ON", "STATEMENT"):
        raise Away("the server's binlog_format is STATEMENT; it must be MIXED or ROW")


def _try_rights(connection: Connection) -> None:
    probe = Table(
        f"redlog_probe_{os.getpid()}", MetaData(), Column("id", Integer, primary_key=True)
    )
    connection.execute(CreateTable(probe))  # as all others are made
    table = probe.name
    for statement in (
        f"CREATE INDEX ix ON {table} (id)",
        f"ALTER TABLE {table} ADD COLUMN more INT",
        f"INSERT INTO {table} (id) VALUES (1)",  # nosec B608
        f"UPDATE {table} SET id = id + 1",  # nosec B608
        f"DELETE FROM {table}",  # nosec B608
        f"DROP TABLE {table}",
    ):
        connection.exec_driver_sql(statement)
