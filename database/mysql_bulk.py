"""Rows into a table of MySQL, many at once. `bench/mysql_load.py` measures the ways there are:
LOAD DATA LOCAL is two to three times as fast as INSERT, so INSERT is for servers that forbid it.

Rows come here as JSON, made where they are decoded: compiled code writes it, in which a row is one
piece of bytes, and which LOAD DATA can be told to read, but for a few words.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from database.mysql_connection import BulkConnection
from database.mysql_errors import NO_LOCAL_INFILE, RowsRefused, number_of
from database.rows import COLUMNS, WIDTH, Values
from utils.log import log

_PACKET = 1 << 19
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[tuple[str | int | None, ...]]).decode

_NAMES = ", ".join(f"`{name}`" for name in COLUMNS)
_LOAD = (
    "LOAD DATA LOCAL INFILE 'rows' INTO TABLE {} CHARACTER SET utf8mb4 "
    "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY X'5C' "
    "LINES TERMINATED BY '],[' "
    f"({_NAMES})"
)
_INSERT = f"INSERT INTO {{}} ({_NAMES}) VALUES ({', '.join(['%s'] * WIDTH)})"  # nosec B608


class Packed(NamedTuple):
    """Some rows: how many of their values are NULL, and JSON of them."""

    nulls: int
    rows: bytes


def pack(values: Values) -> Packed:
    """Rows as they are handed to `Bulk.insert`."""
    rows = list(zip(*[iter(values)] * WIDTH, strict=True))
    return Packed(values.count(None), _encode(rows))


class Bulk:
    """The fastest way that the server allows."""

    def __init__(self) -> None:
        self.load_data = True

    def insert(self, connection: Connection, table: str, batch: list[Packed], records: int) -> None:
        """Insert so many rows. Raises RowsRefused when one does not fit."""
        if self.load_data:
            try:
                return load(connection, table, batch, records)
            except DBAPIError as error:
                if number_of(error) not in NO_LOCAL_INFILE:
                    raise
                log.warning("the server forbids LOAD DATA LOCAL (local_infile); inserting instead")
                self.load_data = False
        insert(connection, table, batch)


def load(connection: Connection, table: str, batch: Iterable[Packed], records: int) -> None:
    """Insert so many rows by LOAD DATA LOCAL, out of memory.

    LOCAL makes errors of a value into warnings, so any warning is an error here.
    """
    driver = connection.connection.driver_connection
    assert isinstance(driver, BulkConnection)
    driver.rows = _packets(batch)
    try:
        inserted = connection.exec_driver_sql(_LOAD.format(table)).rowcount
    finally:
        driver.rows = None
    warning = connection.exec_driver_sql("SHOW WARNINGS LIMIT 1").first()
    if warning is not None or inserted != records:
        raise RowsRefused(f"{inserted} of {records} rows: {warning and warning[2]}")


def insert(connection: Connection, table: str, batch: Iterable[Packed]) -> None:
    """Insert by statements of about a megabyte (PyMySQL makes them of `executemany`)."""
    limit: int = connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one()
    rows = [row for packed in batch for row in _decode(packed.rows)]
    for row in rows:  # too large a packet would end the connection, as if the server had died
        if 2 * sum(len(v.encode()) for v in row if type(v) is str) + 4096 > limit:
            raise RowsRefused(f"a record is too large for max_allowed_packet, {limit} bytes")
    connection.exec_driver_sql(_INSERT.format(table), rows)


def _packets(batch: Iterable[Packed]) -> Iterator[bytes]:
    """The rows as LOAD DATA reads them, made while the server takes the ones before."""
    waiting, nulls, size = [], 0, 0
    for packed in batch:
        waiting.append(packed.rows[2:-2])
        nulls += packed.nulls
        size += len(packed.rows)
        if size >= _PACKET:
            yield from _split(_for_load(b"],[".join(waiting), nulls))
            waiting, nulls, size = [], 0, 0
    if waiting:
        yield from _split(_for_load(b"],[".join(waiting), nulls))


def _split(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), _PACKET):
        yield data[at : at + _PACKET]


# What differs: NULL, and the escapes of control characters but for \b \n \r \t.
_STRING_OR_NULL = re.compile(rb'("(?:[^"\\]|\\.)*")|null')
_PERHAPS_CONTROL = re.compile(rb"\\(?:f|u00[01])")
_BACKSLASH_OR_CONTROL = re.compile(rb"\\(?:\\|f|u00([01][0-9a-fA-F]))")


def _for_load(rows: bytes, nulls: int) -> bytes:
    """JSON's rows, without the first and the last bracket, as LOAD DATA reads them."""
    if rows.count(b",null") == nulls:  # the word stands in no text
        rows = rows.replace(b",null", rb",\N")
    else:
        rows = _STRING_OR_NULL.sub(lambda found: found[1] or rb"\N", rows)
    if _PERHAPS_CONTROL.search(rows):
        rows = _BACKSLASH_OR_CONTROL.sub(_plain, rows)
    return rows + b"],["


def _plain(found: re.Match[bytes]) -> bytes:
    """A control character as it is, and an escaped backslash as it was."""
    if found[0] == rb"\\":
        return found[0]
    code = int(found[1], 16) if found[1] else 0x0C
    return bytes([code]) if code else rb"\0"
