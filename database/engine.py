"""The engine of the lasting tables, and their migration."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from database.mysql_errors import explain
from exceptions import StartError
from utils.settings import Database

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0004"
BUSY_SECONDS = 10
_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "secure_delete = ON",  # the values of erasures must not stay
)
MYSQL_DRIVERS = ("mysql+pymysql", "mariadb+pymysql")


def open_engine(settings: Database, data_dir: Path) -> Engine:
    """The engine; nothing is connected before its first use. Raises StartError for a bad URL."""
    try:
        url = make_url(settings.url or f"sqlite:///{data_dir / 'redlog.db'}")
    except (ArgumentError, ValueError):  # whose message may hold a password
        raise StartError("setting database.url: this is no URL of a database") from None
    if url.drivername in MYSQL_DRIVERS:
        if not url.database:
            raise StartError("setting database.url: it names no database (…@host/redlog)")
        from database.mysql_engine import open_mysql  # PyMySQL takes 9 MB in each process

        return open_mysql(url)
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StartError(
            f"setting database.url: {url.drivername} is unknown here; "
            "mysql+pymysql://user:password@host/database is MySQL or MariaDB, empty is SQLite"
        )
    engine = create_engine(
        url,
        poolclass=QueuePool,
        connect_args={"timeout": BUSY_SECONDS},
        hide_parameters=True,  # they are keys and hashes
    )
    event.listen(engine, "connect", _set_up_connection)
    return engine


def _set_up_connection(connection: Any, _: Any) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def server_version(engine: Engine) -> str:
    """The version of the database, as it says itself."""
    function = "sqlite_version()" if engine.dialect.name == "sqlite" else "version()"
    with engine.connect() as connection:
        return str(connection.scalar(text(f"SELECT {function}")))


def revision(engine: Engine) -> str | None:
    """The schema's revision; None when there is no schema yet."""
    with engine.connect() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def migrate(engine: Engine) -> None:
    """Bring the lasting tables to this version's schema; several nodes may do so at once.

    Raises StartError when they are newer or can't be changed, and Away.
    """
    if _is_current(revision(engine)):
        return
    try:
        with _changing(engine) as connection:
            if not _is_current(_revision(connection)):
                _upgrade(connection, "head")
    except SQLAlchemyError as error:
        raise StartError(f"the database can't be migrated: {explain(error)}") from error


def _is_current(current: str | None) -> bool:
    if current is not None and current > HEAD:
        raise StartError(f"the database has schema {current}, newer than this version's {HEAD}")
    return current == HEAD


@contextmanager
def _changing(engine: Engine) -> Iterator[Connection]:
    """A connection that alone changes the schema."""
    if engine.dialect.name != "sqlite":
        from database.mysql_engine import alone, patient

        slow = patient(engine)
        with alone(slow, "migrate") as connection:
            yield connection
        slow.dispose()
        return
    with engine.begin() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def _upgrade(connection: Connection, to: str) -> None:
    from alembic import command  # slow to import, and seldom needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
