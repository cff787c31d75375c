"""Rows, batch keys, counters and the journal position into MySQL, in one transaction.

Several nodes do so at once. Keys are sorted, so that they wait for each other in one order; where
two collide all the same, one of them begins anew.
"""

from collections import Counter
from typing import NamedTuple

from sqlalchemy import Connection, Engine, delete, insert, select, tuple_
from sqlalchemy.dialects.mysql import insert as upsert

from database import mysql_days, mysql_rollup
from database.day_append import Appended, CounterKey, Prepared, roll_up, tally
from database.mysql_bulk import Bulk, Packed
from database.mysql_errors import DEADLOCK, DUPLICATE, Away, explained, number_of
from database.mysql_tables import table_of
from database.rollup import MinuteKey
from database.tables import app_counter, shared_batch, shared_position
from utils.clock import DAY

TRIES = 5
BATCH_MEMORY = 3 * DAY  # 72 h
KEYS_AT_ONCE = 500
WHOLE = 1 << 40  # further than any segment goes, and not too far for a seek
Key = tuple[int, bytes]


class Work(NamedTuple):
    """What one transaction is to store."""

    rows: list[Packed]
    keys: dict[Key, int]  # when each was received
    counters: Counter[CounterKey]
    minutes: Counter[MinuteKey]


def append(engine: Engine, bulk: Bulk, day: str, segment: str, batch: list[Prepared]) -> Appended:
    """Store frames of one segment and one day, and that they are stored, or nothing at all.

    Frames that an earlier transaction has stored, though its answer was lost, are left out. Raises
    Away, RowsRefused.
    """
    for attempt in range(1, TRIES + 1):
        try:
            with explained(), engine.begin() as connection:
                return _append(connection, bulk, day, segment, batch)
        except Exception as error:
            collided = number_of(error.__cause__ or error) in (DEADLOCK, DUPLICATE)
            if not collided or attempt == TRIES:
                raise
    raise AssertionError("unreachable")


def _append(
    connection: Connection, bulk: Bulk, day: str, segment: str, batch: list[Prepared]
) -> Appended:
    stored_up_to = _position(connection, segment)
    batch = [prepared for prepared in batch if prepared.frame.end > stored_up_to]
    if not batch:
        return Appended(0, Counter(), stored_up_to)
    work = _sort_out(connection, batch)
    records = sum(n for (_, _, outcome), n in work.counters.items() if outcome == "stored")
    if records:
        bulk.insert(connection, table_of(day), work.rows, records)
    end = batch[-1].frame.end
    _remember(connection, work.keys)
    _count(connection, work.counters)
    mysql_rollup.add(connection, day, work.minutes)
    position = upsert(shared_position).values(segment=segment, position=end)
    connection.execute(position.on_duplicate_key_update(position=end))
    if records and not mysql_days.claim(connection, day, *range_of(batch), records):
        raise Away(f"partition {day} was dropped meanwhile")
    return Appended(records, work.counters, end)


def range_of(batch: list[Prepared]) -> tuple[int, int]:
    """The earliest and the latest `time` of all rows; when they were received if there are none."""
    ranges = [prepared.times for prepared in batch if prepared.records]
    if not ranges:
        return batch[0].frame.received_at, batch[0].frame.received_at
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _position(connection: Connection, segment: str) -> int:
    """How far a segment is stored. It waits for a transaction that was left without an answer."""
    known = select(shared_position.c.position).where(shared_position.c.segment == segment)
    return reached(connection.scalar(known.with_for_update()) or 0)


def reached(position: int) -> int:
    """How far a segment is stored; a negative position says since when it is gone, all stored."""
    return position if position >= 0 else WHOLE


def _sort_out(connection: Connection, batch: list[Prepared]) -> Work:
    """What is new of a batch, and what became of its records."""
    work = Work([], {}, Counter(), Counter())
    known = _known(connection, {_key(prepared) for prepared in batch if prepared.frame.key})
    for prepared in batch:
        key, received_at = _key(prepared), prepared.frame.received_at
        seen = key in work.keys or known.get(key, 0) > received_at - BATCH_MEMORY
        is_new = not prepared.frame.key or not seen
        tally(work.counters, prepared, is_new)
        if is_new and prepared.records:
            work.rows.append(Packed(*prepared.rows))
            roll_up(work.minutes, prepared)
            if prepared.frame.key:
                work.keys[key] = received_at
    expired = sorted(set(work.keys) & set(known))
    for at in range(0, len(expired), KEYS_AT_ONCE):
        connection.execute(delete(shared_batch).where(_is_one_of(expired[at : at + KEYS_AT_ONCE])))
    return work


def _key(prepared: Prepared) -> Key:
    return prepared.frame.app_id, prepared.frame.key.encode()


def _known(connection: Connection, keys: set[Key]) -> dict[Key, int]:
    """Which keys are there, and when they were received."""
    found: dict[Key, int] = {}
    wanted = sorted(keys)
    for at in range(0, len(wanted), KEYS_AT_ONCE):
        statement = select(shared_batch).where(_is_one_of(wanted[at : at + KEYS_AT_ONCE]))
        for app_id, key, received_at in connection.execute(statement):
            found[app_id, bytes(key)] = received_at
    return found


def _is_one_of(keys: list[Key]):  # type: ignore[no-untyped-def]
    return tuple_(shared_batch.c.app_id, shared_batch.c.batch_key).in_(keys)


def _remember(connection: Connection, keys: dict[Key, int]) -> None:
    rows = [
        {"app_id": app_id, "batch_key": key, "received_at": received_at}
        for (app_id, key), received_at in sorted(keys.items())
    ]
    if rows:
        connection.execute(insert(shared_batch), rows)


def _count(connection: Connection, counters: Counter[CounterKey]) -> None:
    rows = [
        {"app_id": app_id, "minute": minute, "outcome": outcome, "records": records}
        for (app_id, minute, outcome), records in sorted(counters.items())
    ]
    statement = upsert(app_counter)
    added = app_counter.c.records + statement.inserted.records
    connection.execute(statement.on_duplicate_key_update(records=added), rows)
