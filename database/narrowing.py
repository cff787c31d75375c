"""Which records of a partition a query need look at, as the index of blocks tells.

For the value of one of `blocks.FIELDS`, or for a text in the message, that all records found must
have. What is found there is looked at by the query itself, so it may be too much, never too little.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
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
from zstandard import ZstdError

from database.blocks import (
    FIELDS,
    MADE,
    ROWS,
    TEXT,
    Block,
    ids_of_text,
    ids_of_value,
    is_indexed,
    kind_of,
    part_id,
)
from database.expression import ANY, All, Compares, Contains, Node
from database.log_query import LogFilter
from database.log_terms import Terms
from database.scan import OutOfTime
from database.tables import block, block_part, log

MAX_BEHIND = 16 * ROWS  # records without an index that are looked at for the sake of the others
MOST = 1 / 16  # of the records; to look at more of them one by one takes longer than at all
SPARE = 4 * ROWS * MOST
TEXTS_AT_ONCE = 8
THREADS = min(len(os.sched_getaffinity(0)), 4)  # for one query
LEAST_SECONDS = 0.02  # a block may take some milliseconds; who has less time does without

Ask = Callable[[str, dict[str, Any]], list[tuple[Any, ...]]]


class Among(NamedTuple):
    """Records that may be found: those of some ids, and those behind one."""

    ids: list[int]
    tail: int


LAST = 2**63 - 1
NOWHERE = Among([], LAST)


class _Value(NamedTuple):
    field: int
    value: str


def narrow(wanted: LogFilter, terms: Terms, ask: Ask, deadline: float | None) -> Among | None:
    """Of which records of a partition the wanted ones are; None: any, or too many to tell.

    `ask` runs a statement there. Raises OutOfTime.
    """
    key = _rarest(wanted.where)
    if key is None or (deadline is not None and deadline - time.monotonic() < LEAST_SECONDS):
        return None
    ends = ask(_ends_sql(terms), {})  # before the blocks: what is made meanwhile is found twice
    newest, last = ends[0] if ends else (None, None)
    if not newest or last is None or newest - last > MAX_BEHIND:
        return None
    times = {
        "start": -LAST if wanted.start is None else wanted.start,
        "end": LAST if wanted.end is None else wanted.end,
    }
    if isinstance(key, _Value):
        ids = _ids_of_value(key, times, terms, ask)
    else:
        ids = _ids_of_text(key, times, terms, ask, deadline)
    return None if ids is None else Among(ids, last if newest > last else LAST)


def has_value(where: Node) -> bool:
    """Whether the index names the records of which a condition can hold, and they are few."""
    return isinstance(_rarest(where), _Value)


def _rarest(where: Node) -> _Value | bytes | None:
    """What is asked of all records and is in the index: a value if there is one, else a text."""
    parts = list(parts_of(where))
    for part in parts:
        if isinstance(part, Compares) and part.sign == "=" and part.column in FIELDS:
            value = str(part.value)
            if is_indexed(value):
                return _Value(FIELDS.index(part.column), value)
    texts = [part.text for part in parts if isinstance(part, Contains)]
    pieces = [piece for text in texts for piece in text.casefold().split(ANY)]
    return max(pieces, key=len, default="").encode() or None


def parts_of(where: Node) -> Iterator[Node]:
    """What must all hold."""
    if isinstance(where, All):
        for part in where.parts:
            yield from parts_of(part)
    else:
        yield where


def _ids_of_value(key: _Value, times: dict[str, int], terms: Terms, ask: Ask) -> list[int] | None:
    place = part_id(terms.parts, 0, kind_of(*key))
    parts = ask(_value_sql(terms), times | {"place": place})
    ids = [
        number
        for first, data in parts
        if data is not None
        for number in ids_of_value(first, data, key.value)
    ]
    return None if len(ids) > _most(len(parts)) else ids


def _ids_of_text(
    needle: bytes, times: dict[str, int], terms: Terms, ask: Ask, deadline: float | None
) -> list[int] | None:
    """Several blocks at a time: the interpreter is free while one is read and decompressed."""
    there = [Block(*row) for row in ask(_blocks_sql(terms), times)]
    if any(one.text != MADE for one in there):
        return None
    look = partial(_ids_of_texts, needle, terms, ask, deadline)
    some = [there[at : at + TEXTS_AT_ONCE] for at in range(0, len(there), TEXTS_AT_ONCE)]
    ids: list[int] = []
    pool = ThreadPoolExecutor(THREADS)
    try:
        for number, found in enumerate(pool.map(look, some), 1):
            if found is None or len(ids) + len(found) > _most(number * TEXTS_AT_ONCE):
                return None
            ids += found
    finally:
        pool.shutdown(cancel_futures=True)
    return ids


def _ids_of_texts(
    needle: bytes, terms: Terms, ask: Ask, deadline: float | None, blocks: list[Block]
) -> list[int] | None:
    if deadline is not None and time.monotonic() >= deadline:
        raise OutOfTime
    wanted = {part_id(terms.parts, one.number, TEXT): one for one in blocks}
    parts = ask(_parts_sql(terms), {"parts": terms.numbers_value(list(wanted))})
    ids: list[int] = []
    try:
        for part, data in parts:
            ids += ids_of_text(wanted[part].first, data, needle, _most(len(blocks)) - len(ids))
    except ZstdError:  # a record of it was erased just now
        return None
    return ids if len(parts) == len(wanted) else None


def _most(blocks: int) -> int:
    """Of how many records it is worth while to be told, among those of some blocks."""
    return int(blocks * ROWS * MOST + SPARE)


@lru_cache(maxsize=2)
def _ends_sql(terms: Terms) -> str:
    """The last id that there is, and the last one that is in a block."""
    ends = (select(func.max(column)).scalar_subquery() for column in (log.c.id, block.c.last))
    return terms.compiled(select(*ends))


def _overlapping(statement: Select[Any]) -> Select[Any]:
    """Of those blocks in which there may be records of the wanted time."""
    return statement.where(block.c.low < bindparam("end"), block.c.high >= bindparam("start"))


@lru_cache(maxsize=2)
def _blocks_sql(terms: Terms) -> str:
    return terms.compiled(_overlapping(select(*block.c)).order_by(block.c.number))


@lru_cache(maxsize=2)
def _value_sql(terms: Terms) -> str:
    """Each block's first id and part of one kind, NULL where it has none."""
    by_block: ColumnElement[int] = literal_column(str(terms.parts.by_block))
    place: BindParameter[int] = bindparam("place")
    own = block_part.c.id == block.c.number * by_block + place
    parts = select(block.c.first, block_part.c.data).join_from(block, block_part, own, isouter=True)
    return terms.compiled(_overlapping(parts))


@lru_cache(maxsize=2)
def _parts_sql(terms: Terms) -> str:
    return terms.compiled(select(block_part).where(terms.one_of(block_part.c.id, "parts")))
