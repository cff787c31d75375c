"""Connections to MySQL and MariaDB: UTF-8, strict, in UTC, and with a timeout on everything, so
that a stalled server holds nobody for ever.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pymysql
from pymysql.constants import CLIENT
from sqlalchemy import URL, Engine, create_engine, event, func, select
from sqlalchemy import Connection as SQLConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.schema import CreateTable

from database.mysql_connection import BulkConnection
from database.mysql_errors import Away, explained
from database.scan import OutOfTime

CONNECT_SECONDS = 5
QUICK_SECONDS = 5  # for the small statements of a request
PATIENT_SECONDS = 60  # for searches, bulk loads and changes of tables
LOCK_SECONDS = 10
IDLE_SECONDS = 600  # the sessions' wait_timeout; the pool renews its connections long before
RECYCLE_SECONDS = 300
SURE_SECONDS = 1.0  # for so long after its last use a connection is taken to be there still
MARGIN_SECONDS = 3.0
_FLUSHING = "SHOW GLOBAL VARIABLES LIKE 'innodb_flush_log_at_t%%'"
_USED_AT = "redlog used at"
IsolationLevel = Literal["READ COMMITTED", "AUTOCOMMIT"]  # without gap locks, on which nodes wait
MODE = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO"


def open_mysql(
    url: URL, seconds: int = QUICK_SECONDS, isolation_level: IsolationLevel = "READ COMMITTED"
) -> Engine:
    """An engine whose statements may take `seconds`; nothing is connected before its first use."""
    engine = create_engine(
        url,
        isolation_level=isolation_level,
        skip_autocommit_rollback=True,  # there is nothing to be rolled back then
        hide_parameters=True,  # they are keys and records
        pool_size=4,
        max_overflow=8,
        pool_timeout=seconds,
        pool_recycle=RECYCLE_SECONDS,
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": seconds,
            "write_timeout": seconds,
            "client_flag": CLIENT.FOUND_ROWS | CLIENT.LOCAL_FILES,
        },
    )
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "connect", _session(seconds))
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _check_use)
    return engine


def patient(engine: Engine) -> Engine:
    """An engine for the same database whose statements may take long."""
    return open_mysql(engine.url, PATIENT_SECONDS)


def reading(engine: Engine) -> Engine:
    """The same, where each statement is a transaction of its own: a search is one round trip."""
    return open_mysql(engine.url, PATIENT_SECONDS, "AUTOCOMMIT")


def _note_use(connection: Any, record: ConnectionPoolEntry) -> None:
    record.info[_USED_AT] = time.monotonic()


def _check_use(connection: BulkConnection, record: ConnectionPoolEntry, _: Any) -> None:
    """Renew a connection that was closed meanwhile, as when the server was started again."""
    used_at = record.info.get(_USED_AT)
    if used_at is not None and time.monotonic() - used_at > SURE_SECONDS:
        try:
            connection.ping(reconnect=False)
        except pymysql.Error as error:
            raise InvalidatePoolError from error


def _connect(
    dialect: Any, record: Any, arguments: list[Any], named: dict[str, Any]
) -> BulkConnection:
    if isinstance(named.get("password"), str):
        named["password"] = named["password"].encode()  # PyMySQL takes text for Latin-1
    return BulkConnection(*arguments, **named)


def _session(seconds: int) -> Callable[[Any, Any], None]:
    def set_up(connection: Any, record: Any) -> None:
        settings = {
            "sql_mode": f"'{MODE}'",
            "time_zone": "'+00:00'",
            "wait_timeout": IDLE_SECONDS,
            "innodb_lock_wait_timeout": min(seconds, LOCK_SECONDS),
            "lock_wait_timeout": min(seconds, LOCK_SECONDS),
        }
        if "MariaDB" in connection.get_server_info():
            settings["max_statement_time"] = seconds
        else:
            settings["max_execution_time"] = seconds * 1000
            settings["information_schema_stats_expiry"] = 0
        with connection.cursor() as cursor:
            cursor.execute("SET " + ", ".join(f"SESSION {k} = {v}" for k, v in settings.items()))

    return set_up


def within(select: str, deadline: float | None, dialect: Any) -> str:
    """A SELECT that the server gives up at a deadline of `time.monotonic` (None: there is none).

    Raises OutOfTime when that is past.
    """
    if deadline is None:
        return select
    left = round((deadline - time.monotonic()) * 1000)
    if left <= 0:
        raise OutOfTime
    if dialect.is_mariadb:
        return f"SET STATEMENT max_statement_time = {left / 1000} FOR {select}"
    return select.replace("SELECT", f"SELECT /*+ MAX_EXECUTION_TIME({left}) */", 1)


@compiles(CreateTable, "mysql", "mariadb")
def _create_table(element: CreateTable, compiler: Any, **options: Any) -> str:
    """Every table, Alembic's too: text compares by code points, trailing blanks count."""
    maria = compiler.dialect.is_mariadb
    collation = "utf8mb4_nopad_bin" if maria else "utf8mb4_0900_bin"
    made: str = compiler.visit_create_table(element, **options)
    return f"{made.rstrip()} ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE {collation}"


@contextmanager
def alone(engine: Engine, what: str) -> Iterator[SQLConnection]:
    """A connection, while no other node of this database does the same. Raises Away."""
    name = func.sha1(func.concat("redlog ", func.database(), " ", what))
    with explained(), engine.connect() as connection:
        if connection.scalar(select(func.get_lock(name, PATIENT_SECONDS / 2))) != 1:
            raise Away(f"another node has been busy with {what!r} for long")
        try:
            yield connection
            connection.commit()
        finally:
            if not connection.invalidated:  # else it is released already
                connection.rollback()
                connection.scalar(select(func.release_lock(name)))


def flush_seconds(connection: SQLConnection) -> float:
    """How long a commit may stay unwritten at most; 0 when each is written at once."""
    found = {name: int(value) for name, value in connection.exec_driver_sql(_FLUSHING)}
    if found["innodb_flush_log_at_trx_commit"] in (1, 3):
        return 0.0
    return found["innodb_flush_log_at_timeout"] + MARGIN_SECONDS
