"""What a MySQL or MariaDB must offer before a server starts on it."""

import os

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from database.mysql_errors import explain

_UTF8MB4 = "SELECT 1 FROM information_schema.character_sets WHERE character_set_name = 'utf8mb4'"
_BINARY_LOG = "SHOW GLOBAL VARIABLES WHERE variable_name IN ('log_bin', 'binlog_format')"


def complaint(engine: Engine) -> str | None:
    """Why RedLog can't work on this database, in one line; None when it can.

    Rights are tried out on a table of its own: grants are too many-shaped to be read.
    """
    try:
        with engine.connect() as connection:
            lack = _lack(connection)
            if lack is None:
                _try_rights(connection)
            return lack
    except SQLAlchemyError as error:
        return explain(error)
    except Exception as error:  # PyMySQL's, when something else than MySQL answers
        return f"what listens there is no MySQL ({type(error).__name__})"


def _lack(connection: Connection) -> str | None:
    if connection.exec_driver_sql(_UTF8MB4).first() is None:
        return "the server does not know utf8mb4; RedLog needs MariaDB 10.5 or MySQL 8.0 or newer"
    binary_log = dict(map(tuple, connection.exec_driver_sql(_BINARY_LOG)))
    if (binary_log.get("log_bin"), binary_log.get("binlog_format")) == ("ON", "STATEMENT"):
        return "the server's binlog_format is STATEMENT; it must be MIXED or ROW"
    return None


def _try_rights(connection: Connection) -> None:
    table = f"redlog_probe_{os.getpid()}"
    for statement in (
        f"CREATE TABLE {table} (id INT NOT NULL, PRIMARY KEY (id)) ENGINE=InnoDB",
        f"CREATE INDEX ix ON {table} (id)",
        f"ALTER TABLE {table} ADD COLUMN more INT",
        f"INSERT INTO {table} (id) VALUES (1)",
        f"UPDATE {table} SET id = id + 1",
        f"DELETE FROM {table}",
        f"DROP TABLE {table}",
    ):
        connection.exec_driver_sql(statement)
