"""Queries: pages and their cursors, and stored rows as records of a reply."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Annotated, Literal, cast

import msgspec

from database.attachments import Attachments
from database.expression import Compares
from database.log_query import COLUMNS, LogFilter, Position
from database.log_reader import LogReader, Row, position_of
from database.newest import NewestFirst
from exceptions import BadCursor, BadParameter, NotFound
from service.parameters import Query
from service.replies import LogContext, LogPage, LogRecord
from utils.clock import format_time
from utils.level import level_name
from utils.record import dumps
from utils.wording import say

_Stored = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Some = Annotated[int, msgspec.Meta(ge=0, le=200)]
_NAME_LENGTH = 200
_unsafe = re.compile(r"[\x00-\x1f\x7f/\\]")
_Cursor = tuple[bytes, _Stored, str, _Stored]  # the query's fingerprint, and a position


def find(query: Query, log_store: LogReader | NewestFirst) -> LogPage:
    """A page of records and the cursor of the next one (None: there is no more).

    `unreadable_days` is there when a partition could not be read, `partial` when the time was up:
    then the cursor goes on from where the search was.
    """
    after = _read_cursor(query)
    page = log_store.search(query.wanted, query.limit + 1, query.newest_first, after)
    rows = page.rows[: query.limit]
    is_full = len(page.rows) > query.limit
    end = position_of(rows[-1]) if is_full else page.reached
    reply: LogPage = {
        "logs": [record_of(row) for row in rows],
        "next_cursor": _write_cursor(query, end) if end else None,
    }
    if end and not is_full:
        reply["partial"] = True
        reply["searched_to"] = format_time(end.time)
    if page.unreadable:
        reply["unreadable_days"] = page.unreadable
    return reply


def find_one(public_id: str, apps: tuple[int, ...], log_store: LogReader) -> LogRecord:
    """One record by its id. Raises NotFound, also for a record that the reader may not see."""
    return record_of(_row(public_id, apps, log_store))


def _row(public_id: str, apps: tuple[int, ...], log_store: LogReader) -> Row:
    day, _, number = public_id.partition("-")
    plain = number.isascii() and number.isdecimal() and len(number) <= 18
    if plain and len(day) == 8 and day.isdecimal():
        row = log_store.get(day, int(number), apps)
        if row is not None:
            return row
    raise NotFound(say("there is no record {id}", id=public_id[:40]))


class _Attributes(msgspec.Struct):
    attachments: list[dict[str, object]]


_attributes = msgspec.json.Decoder(_Attributes).decode


def find_file(
    public_id: str,
    number: int,
    apps: tuple[int, ...],
    log_store: LogReader,
    attachments: Attachments,
) -> tuple[Path, str]:
    """A record's file, counted from 0, and what it is called. Raises NotFound."""
    record = find_one(public_id, apps, log_store)
    try:
        about = _attributes(dumps(record.get("attributes"))).attachments[number]
    except (msgspec.MsgspecError, IndexError):
        raise NotFound(
            say("record {id} has no attachment {number}", id=public_id, number=number)
        ) from None
    path = attachments.path_of(str(about.get("id")), record["app"])
    if path is None:
        raise NotFound("the attachment was not kept, is gone, or lies on another node")
    return path, _unsafe.sub("_", str(about.get("filename", "")))[:_NAME_LENGTH] or "attachment"


class Nearby(msgspec.Struct, forbid_unknown_fields=True):
    """How many records around one are wanted, and of the same what."""

    before: _Some = 10
    after: _Some = 10
    within: Literal["app", "session", "device"] = "app"


def find_around(
    public_id: str, nearby: Nearby, apps: tuple[int, ...], log_store: LogReader
) -> LogContext:
    """A record with those before and after it. Raises NotFound and BadParameter."""
    row = _row(public_id, apps, log_store)
    values = dict(zip(COLUMNS, row[1], strict=True))
    wanted = LogFilter((values["app_id"],))
    if nearby.within != "app":
        column = f"{nearby.within}_id"
        if values[column] is None:
            raise BadParameter(say("within must be app: the record has no {column}", column=column))
        wanted = wanted._replace(where=Compares(column, "=", values[column]))
    earlier = log_store.search(wanted, nearby.before, True, position_of(row))
    later = log_store.search(wanted, nearby.after, False, position_of(row))
    reply: LogContext = {
        "before": [record_of(each) for each in reversed(earlier.rows)],
        "log": record_of(row),
        "after": [record_of(each) for each in later.rows],
    }
    if earlier.reached or later.reached:
        reply["partial"] = True
    unreadable = sorted({*earlier.unreadable, *later.unreadable})
    return {**reply, "unreadable_days": unreadable} if unreadable else reply


def record_of(row: Row) -> LogRecord:
    """A record as it stands in a reply: what is set, times as RFC 3339, JSON values as they are."""
    day, stored = row
    columns = zip(COLUMNS, stored, strict=True)
    values = {name: value for name, value in columns if value is not None}
    record = {
        "id": f"{day}-{values.pop('id')}",
        "app": values.pop("app_id"),
        "time": format_time(values.pop("time")),
        "received_at": format_time(values.pop("received_at")),
        "level": level_name(values["severity"]),
    }
    for name in ("exception", "attributes"):
        if name in values:
            values[name] = msgspec.Raw(values[name].encode())
    for name in ("truncated", "untrusted"):
        if name in values:
            values[name] = True
    return cast(LogRecord, record | values)


def _fingerprint(query: Query) -> bytes:
    return hashlib.blake2s(msgspec.json.encode(query.asked), digest_size=6).digest()


def _write_cursor(query: Query, position: Position) -> str:
    packed = msgspec.msgpack.encode((_fingerprint(query), *position))
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _read_cursor(query: Query) -> Position | None:
    if query.cursor is None:
        return None
    try:
        packed = base64.urlsafe_b64decode(query.cursor + "=" * (-len(query.cursor) % 4))
        cursor = msgspec.msgpack.decode(packed, type=_Cursor)
    except (ValueError, msgspec.MsgspecError):
        raise BadCursor("the cursor is not one of ours") from None
    if cursor[0] != _fingerprint(query):
        raise BadCursor("the cursor belongs to another query")
    return Position(*cursor[1:])
