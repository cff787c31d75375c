"""Making the index of blocks (see `database.blocks`) out of a partition's records, on any store."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    bindparam,
    func,
    literal_column,
    select,
)

from database.blocks import (
    END,
    FIELDS,
    MADE,
    MAX_TEXT_BYTES,
    NONE,
    ROWS,
    STALE,
    TEXT,
    Block,
    Part,
    part_id,
    text_of,
    value_parts,
)
from database.log_terms import Terms
from database.tables import block, block_part, log

Read = Callable[[str, dict[str, Any]], list[Any]]
_NOTHING: ColumnElement[str] = literal_column("''")


class Made(NamedTuple):
    """A block with its parts, to be added; or, when it `was_stale`, with its one changed part."""

    block: Block
    parts: list[Part]
    was_stale: bool = False


def make_block(terms: Terms, read: Read, settled: int, is_thorough: bool) -> Made | None:
    """The next block of a partition; None when there is nothing to make.

    Nothing will be added up to the id `settled`. If `is_thorough`, a block need not be full, and
    those from which records were erased get their texts again.
    """
    newest = read(_newest_sql(terms), {})
    number, last = newest[0] if newest else (-1, 0)
    if settled - last >= ROWS:
        return _make(terms, read, number + 1, last + 1, last + ROWS)
    if is_thorough and (stale := read(_stale_sql(terms), {})):
        return _mend(terms, read, Block(*stale[0]))
    if is_thorough and settled > last:
        return _make(terms, read, number + 1, last + 1, settled)
    return None


def _make(terms: Terms, read: Read, number: int, first: int, last: int) -> Made:
    values = {"first": first, "last": last}
    ((records, low, high, size),) = read(_measure_sql(terms), values)
    if not records:
        return Made(Block(number, first, last, 0, -1, NONE), [])
    ((numbers, *columns),) = read(_columns_sql(terms), values)
    offsets = _numbers(numbers)
    parts: list[Part] = []
    for field, column in enumerate(columns):
        parts += value_parts(terms.parts, number, field, offsets, column.split(END))
    text = _text(terms, read, values, int(size))
    if text is not None:
        parts.append(Part(part_id(terms.parts, number, TEXT), text))
    return Made(Block(number, first, last, low, high, NONE if text is None else MADE), parts)


def _mend(terms: Terms, read: Read, stale: Block) -> Made:
    """Make a text that is no longer than the one before, so that it takes its place."""
    values = {"first": stale.first, "last": stale.last}
    ((*_, size),) = read(_measure_sql(terms), values)
    place = part_id(terms.parts, stale.number, TEXT)
    ((length,),) = read(_length_sql(terms), {"place": place})
    text = _text(terms, read, values, int(size))
    if text is None or len(text) > length:
        return Made(stale._replace(text=NONE), [], True)
    return Made(stale._replace(text=MADE), [Part(place, text.ljust(length, b"\0"))], True)


def _text(terms: Terms, read: Read, values: dict[str, Any], size: int) -> bytes | None:
    if size > MAX_TEXT_BYTES:
        return None
    ((numbers, joined),) = read(_messages_sql(terms), values)
    offsets = _numbers(numbers)
    messages = joined.split(END) if offsets else []
    if len(messages) != len(offsets):  # more than the server lets through
        return None
    return text_of(offsets, messages)


def _numbers(joined: str | None) -> list[int]:
    return list(map(int, joined.split(END))) if joined else []


@lru_cache(maxsize=2)
def _newest_sql(terms: Terms) -> str:
    newest = select(block.c.number, block.c.last).order_by(block.c.number.desc())
    return f"{terms.compiled(newest)} LIMIT 1"


@lru_cache(maxsize=2)
def _stale_sql(terms: Terms) -> str:
    stale = select(*block.c).where(block.c.text == literal_column(str(STALE)))
    return f"{terms.compiled(stale)} LIMIT 1"


@lru_cache(maxsize=2)
def _length_sql(terms: Terms) -> str:
    length = select(func.octet_length(block_part.c.data))
    return terms.compiled(length.where(block_part.c.id == bindparam("place")))


@lru_cache(maxsize=2)
def _measure_sql(terms: Terms) -> str:
    size = func.coalesce(func.sum(func.octet_length(log.c.message)), literal_column("0"))
    return _within(terms, select(func.count(), func.min(log.c.time), func.max(log.c.time), size))


@lru_cache(maxsize=2)
def _columns_sql(terms: Terms) -> str:
    return _joined(terms, [func.coalesce(log.c[name], _NOTHING) for name in FIELDS])


@lru_cache(maxsize=2)
def _messages_sql(terms: Terms) -> str:
    return _joined(terms, [log.c.message])


def _joined(terms: Terms, columns: list[Any]) -> str:
    """Each column as one text, which takes a tenth of the time that rows would."""
    first: BindParameter[int] = bindparam("first")
    texts: list[Any] = [terms.joined(column) for column in (log.c.id - first, *columns)]
    return _within(terms, select(*texts))


def _within(terms: Terms, statement: Select[Any]) -> str:
    """Over a block's records, without those that were erased."""
    first: BindParameter[int] = bindparam("first")
    there = (log.c.id >= first, log.c.id <= bindparam("last"), log.c.app_id > literal_column("0"))
    sql = terms.compiled(statement.where(*there))
    return sql.replace("FROM log", f"FROM log {terms.by_id}", 1)
