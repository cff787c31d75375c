"""Exports: all records that a query finds, as NDJSON or CSV, in pieces of a few hundred."""

import csv
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from database.log_query import COLUMNS
from database.log_reader import LogReader, Row, position_of
from exceptions import BadParameter, StoreAway
from service.parameters import Query
from service.search import record_of
from utils.clock import EPOCH
from utils.level import level_name
from utils.record import dumps
from utils.wording import say

PIECE_RECORDS = 500
GZIP = 31  # `wbits` of zlib
BOM = "\ufeff"  # without it, Excel takes UTF-8 for the encoding of its country
# What a spreadsheet may take for the begin of one, in full width too, as Chinese ones do.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
HEADER = ("id", "app", "time", "received_at", "level", *COLUMNS[4:])
MEDIA = {"csv": "text/csv; charset=utf-8; header=present", "ndjson": "application/x-ndjson"}


def export(query: Query, log_store: LogReader) -> Iterator[bytes]:
    """The records in order, as text in pieces; the first one is found before this returns.

    Raises BadParameter, and StoreAway, also later on, when a partition can't be read: an export
    that is not cut off is whole.
    """
    write = _csv(_zone(query.tz)) if query.format == "csv" else _lines
    pieces = _pieces(query, log_store)
    first = next(pieces)
    begin = BOM.encode() + _written([HEADER]) if query.format == "csv" else b""
    return _chained(begin + write(first), map(write, pieces))


def zipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same by gzip."""
    packer = zlib.compressobj(wbits=GZIP)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def _chained(first: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _pieces(query: Query, log_store: LogReader) -> Iterator[list[Row]]:
    after = None
    while True:
        page = log_store.search(query.wanted, PIECE_RECORDS, query.newest_first, after)
        if page.unreadable:
            raise StoreAway(say("partition {day} can't be read", day=page.unreadable[0]))
        yield page.rows
        if len(page.rows) < PIECE_RECORDS and page.reached is None:
            return
        after = page.reached or position_of(page.rows[-1])


def _lines(rows: list[Row]) -> bytes:
    return b"".join(dumps(record_of(row)) + b"\n" for row in rows)


def _csv(zone: tzinfo) -> Callable[[list[Row]], bytes]:
    def write(rows: list[Row]) -> bytes:
        return _written(_cells(row, zone) for row in rows)

    return write


def _written(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cells(row: Row, zone: tzinfo) -> list[Any]:
    day, (number, app_id, moment, received_at, severity, *others) = row
    times = (_local(moment, zone), _local(received_at, zone))
    own = (severity, *map(_harmless, others))
    return [f"{day}-{number}", app_id, *times, level_name(severity), *own]


def _harmless(value: Any) -> Any:
    """What a spreadsheet takes for a text and not for a formula (owasp.org, "CSV Injection")."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value


def _local(moment: int, zone: tzinfo) -> str:
    local = (EPOCH + timedelta(microseconds=moment)).astimezone(zone)
    return local.isoformat(timespec="microseconds")


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else timezone.utc
    except (LookupError, ValueError, OSError):
        raise BadParameter("tz must be a time zone like Asia/Shanghai") from None
