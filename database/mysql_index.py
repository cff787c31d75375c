"""The index of blocks beside the day tables on MySQL (see `database.blocks`)."""

import time
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update
from sqlalchemy.dialects.mysql import insert as upsert

from database.block_making import Made, make_block
from database.blocks import MADE, STALE, TEXT, part_id
from database.mysql_tables import of_day, table_for
from database.mysql_terms import MYSQL
from database.tables import block, block_part

SETTLE_SECONDS = 120.0  # twice as long as any statement may take
_GROUP_BYTES = 1 << 26  # one text of a block's values


class MySQLIndexer:
    """Knows up to which id a day's records are settled.

    An id is given before its record is seen, so one below the greatest may still come: until the
    statement ends that inserts it. What is inserted and not committed yet is waited for.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, int]] = {}
        self._settled: dict[str, int] = {}

    def index(self, engine: Engine, day: str, is_thorough: bool) -> bool:
        """As `LogStore.index`, for a day that is there."""
        with engine.begin() as connection:
            newest = connection.scalar(select(func.max(table_for(day).c.id))) or 0
            settled = self._settle(day, newest)
            return settled > 0 and _make(connection, day, settled, is_thorough)

    def forget(self) -> None:
        """Begin anew."""
        self._seen.clear()
        self._settled.clear()

    def _settle(self, day: str, newest: int) -> int:
        at, seen = self._seen.setdefault(day, (time.monotonic(), newest))
        if time.monotonic() - at >= SETTLE_SECONDS:
            self._settled[day] = seen
            self._seen[day] = time.monotonic(), newest
        return self._settled.get(day, 0)


def _make(connection: Connection, day: str, settled: int, is_thorough: bool) -> bool:
    def read(sql: str, values: dict[str, Any]) -> list[Any]:
        locked = f"{of_day(sql, day)} LOCK IN SHARE MODE"
        return list(connection.exec_driver_sql(locked, values))

    connection.exec_driver_sql(f"SET SESSION group_concat_max_len = {_GROUP_BYTES}")
    made = make_block(MYSQL, read, settled, is_thorough)
    if made is not None:
        _store(connection, day, made)
    return made is not None


def _store(connection: Connection, day: str, made: Made) -> None:
    table, parts = table_for(day, block), table_for(day, block_part)
    noted = upsert(table).values(made.block._asdict())
    connection.execute(noted.on_duplicate_key_update(text=made.block.text))
    if made.was_stale:
        for part in made.parts:
            own = update(parts).where(parts.c.id == part.id)
            connection.execute(own.values(data=part.data))
    elif made.parts:
        connection.execute(insert(parts), [part._asdict() for part in made.parts])


def forget_texts(connection: Connection, day: str, ids: list[int]) -> None:
    """Leave nothing of what the texts say of records that are erased; they are made anew later."""
    table, parts = table_for(day, block), table_for(day, block_part)
    theirs = (table.c.text == MADE, table.c.first <= max(ids), table.c.last >= min(ids))
    numbers = connection.scalars(select(table.c.number).where(*theirs)).all()
    texts = [part_id(MYSQL.parts, number, TEXT) for number in numbers]
    emptied = func.repeat("\0", func.octet_length(parts.c.data))
    connection.execute(update(parts).where(parts.c.id.in_(texts)).values(data=emptied))
    connection.execute(update(table).where(*theirs).values(text=STALE))
