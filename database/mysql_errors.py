"""What MySQL's errors mean: wait and try again, or these rows can't be stored; and in plain words.

The numbers are those of the MySQL and MariaDB reference manuals ("Server Error Message Reference").
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

RIGHTS = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP"
VERSIONS = "MariaDB 10.5 or MySQL 8.0 or newer"
NO_TABLE = 1146
DUPLICATE, DEADLOCK, LOCK_TIMEOUT, TOO_LARGE = 1062, 1213, 1205, 1153
NO_LOCAL_INFILE = (1148, 3948, 4166)
NO_ANSWER = (2002, 2003, 2006, 2013)  # a server that is down, stalled or cut off
TOOK_TOO_LONG = (1969, 3024)  # MariaDB, MySQL
# A table that is broken: crashed, not readable, without its file, a corrupt index.
BROKEN = (126, 127, 144, 145, 1030, 1033, 1034, 1194, 1195, 1712, 1812, 1814, 1815, 1932)

WORDS = {
    1044: f"the user may not use this database; it needs GRANT {RIGHTS} on it",
    1045: "the server refuses the user or the password",
    1049: "the server has no such database; make it: CREATE DATABASE … CHARACTER SET utf8mb4",
    1115: f"the server does not know utf8mb4; RedLog needs {VERSIONS}",
    1129: "the server blocks this host after too many failed connections",
    1130: "the server lets no user in from this host",
    1142: f"the user lacks a right; it needs GRANT {RIGHTS} on the database",
    1205: "a lock was not free in time",
    1213: "a deadlock with another node",
    1193: "the server has no InnoDB, which RedLog needs, or is too old",
    1273: f"the server does not know how to sort utf8mb4 in bytes; RedLog needs {VERSIONS}",
    1286: "the server has no InnoDB, which RedLog needs",
    1290: "the server is read-only",
    1698: "the server refuses the user or the password",
    1836: "the server is read-only",
    1969: "the server stopped a statement that took too long",
    2003: "the server can't be reached",
    2006: "the connection was lost",
    2013: "the connection was lost, or the server did not answer in time",
    3024: "the server stopped a statement that took too long",
}
WORDS[1370] = WORDS[1227] = WORDS[1142]
WORDS[4031] = WORDS[2006]


class Away(SQLAlchemyError):
    """The database can't be used at the moment; nothing is wrong with what was asked."""


class RowsRefused(Exception):
    """The database will never take these rows."""


def number_of(error: BaseException) -> int:
    """MySQL's number of an error; 0 when it has none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    number = cause.args[0] if cause is not None and cause.args else 0
    return number if isinstance(number, int) else 0


def explain(error: BaseException) -> str:
    """An error in one line, without the statement, its values or a password."""
    if isinstance(error, Away):
        return str(error)
    if isinstance(error, PoolTimeout):
        return "all connections are busy"
    number = number_of(error)
    cause = error.orig if isinstance(error, DBAPIError) else error
    if number == 1231 or cause is None or not number:
        return f"{type(cause).__name__}: {cause}".splitlines()[0]
    if number in WORDS:
        return f"{WORDS[number]} (error {number})"
    return " ".join(f"error {number}: {cause.args[1:] and cause.args[1]}".split())


@contextmanager
def explained() -> Iterator[None]:
    """Turn what SQLAlchemy raises into Away or RowsRefused, in plain words."""
    try:
        yield
    except Away:
        raise
    except SQLAlchemyError as error:
        refused = isinstance(error, DataError | IntegrityError) or number_of(error) == TOO_LARGE
        raise (RowsRefused if refused else Away)(explain(error)) from error
