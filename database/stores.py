"""Which store there is: the engine's kind decides."""

from pathlib import Path

from sqlalchemy import Engine

from database.log_store import LogStore
from database.scan import QUERY_SECONDS
from database.sqlite_store import SQLiteStore


def open_store(engine: Engine, data_dir: Path, seconds: float = QUERY_SECONDS) -> LogStore:
    """The store that belongs to the lasting tables' engine; nothing is connected before its use.

    `seconds` is the time that a query has.
    """
    if engine.dialect.name == "sqlite":
        return SQLiteStore(engine, data_dir, seconds)
    from database.mysql_store import MySQLStore  # PyMySQL takes 9 MB in each process

    return MySQLStore(engine, seconds)
