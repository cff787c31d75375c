"""Rows into a table of MySQL, many at once. `bench/mysql_load.py` measures the ways there are:
LOAD DATA LOCAL is two to three times as fast as INSERT, so INSERT is for servers that forbid it.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from database.mysql_engine import BulkConnection
from database.mysql_errors import NO_LOCAL_INFILE, RowsRefused, number_of
from database.rows import COLUMNS, WIDTH, Values
from utils.log import log

# Control characters that logs hardly ever hold: then nothing has to be escaped.
_ESCAPE, _FIELD, _LINE = "\x01", "\x02", "\x03"
_NULL = _ESCAPE + "N"
_VALUES_A_PIECE = 500 * WIDTH
_PACKET = 1 << 19

_NAMES = ", ".join(f"`{name}`" for name in COLUMNS)
_LOAD = (
    "LOAD DATA LOCAL INFILE 'rows' INTO TABLE {} CHARACTER SET utf8mb4 "
    "FIELDS TERMINATED BY X'02' ESCAPED BY X'01' LINES TERMINATED BY X'0302' "
    f"({_NAMES})"
)
_INSERT = f"INSERT INTO {{}} ({_NAMES}) VALUES ({', '.join(['%s'] * WIDTH)})"


class Bulk:
    """The fastest way that the server allows."""

    def __init__(self) -> None:
        self.load_data = True

    def insert(self, connection: Connection, table: str, batch: list[Values]) -> int:
        """Insert rows and return how many. Raises RowsRefused when one does not fit."""
        if self.load_data:
            try:
                return load(connection, table, batch)
            except DBAPIError as error:
                if number_of(error) not in NO_LOCAL_INFILE:
                    raise
                log.warning("the server forbids LOAD DATA LOCAL (local_infile); inserting instead")
                self.load_data = False
        return insert(connection, table, batch)


def load(connection: Connection, table: str, batch: list[Values]) -> int:
    """Insert by LOAD DATA LOCAL, out of memory.

    LOCAL makes errors of a value into warnings, so any warning is an error here.
    """
    driver = connection.connection.driver_connection
    assert isinstance(driver, BulkConnection)
    driver.rows = _pieces(batch)
    try:
        inserted = connection.exec_driver_sql(_LOAD.format(table)).rowcount
    finally:
        driver.rows = None
    warning = connection.exec_driver_sql("SHOW WARNINGS LIMIT 1").first()
    wanted = sum(map(len, batch)) // WIDTH
    if warning is not None or inserted != wanted:
        raise RowsRefused(f"{inserted} of {wanted} rows: {warning and warning[2]}")
    return inserted


def insert(connection: Connection, table: str, batch: list[Values]) -> int:
    """Insert by statements of about a megabyte (PyMySQL makes them of `executemany`)."""
    limit: int = connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one()
    rows = [
        tuple(values[at : at + WIDTH]) for values in batch for at in range(0, len(values), WIDTH)
    ]
    for row in rows:  # too large a packet would end the connection, as if the server had died
        if 2 * sum(len(v.encode()) for v in row if type(v) is str) + 4096 > limit:
            raise RowsRefused(f"a record is too large for max_allowed_packet, {limit} bytes")
    connection.exec_driver_sql(_INSERT.format(table), rows)
    return len(rows)


def _pieces(batch: Iterable[Values]) -> Iterator[bytes]:
    """The rows as LOAD DATA reads them, in packets, made while the server takes the ones before."""
    waiting: Values = []
    for values in batch:
        waiting += values
        if len(waiting) >= _VALUES_A_PIECE:
            yield from _packets(_encoded(waiting))
            waiting = []
    if waiting:
        yield from _packets(_encoded(waiting))


def _packets(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), _PACKET):
        yield data[at : at + _PACKET]


def _encoded(values: Values) -> bytes:
    fields = [_NULL if v is None else v if type(v) is str else str(v) for v in values]
    text = _joined(fields)
    rows = len(values) // WIDTH
    marks = (text.count(_ESCAPE), text.count(_FIELD), text.count(_LINE))
    if marks != (values.count(None), len(values), rows):
        pairs = zip(values, fields, strict=True)
        fields = [_escaped(v) if type(v) is str else field for v, field in pairs]
        text = _joined(fields)
    return text.encode()


def _joined(fields: list[str]) -> str:
    last = slice(WIDTH - 1, None, WIDTH)
    fields[last] = [field + _LINE for field in fields[last]]
    return _FIELD.join(fields) + _FIELD


def _escaped(value: str) -> str:
    for mark in (_ESCAPE, _FIELD, _LINE):
        value = value.replace(mark, _ESCAPE + mark)
    return value
