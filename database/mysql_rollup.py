"""The roll-up of a day's records by minute on MySQL (see `database.rollup`)."""

from collections import Counter

from sqlalchemy import Connection, delete, func, select, tuple_
from sqlalchemy.dialects.mysql import insert as upsert

from database.mysql_tables import table_for
from database.rollup import MinuteKey
from database.tables import rollup
from utils.clock import MINUTE

KEYS_AT_ONCE = 500
ROWS_AT_ONCE = 1_000_000  # of a day that is rolled up anew: a few seconds for a statement
_ROLL_UP = f"""
INSERT INTO rollup_{{0}}
SELECT app_id, time DIV {MINUTE}, severity, COALESCE(untrusted, 0), COUNT(*) FROM log_{{0}}
WHERE id > %s AND id <= %s GROUP BY 1, 2, 3, 4
ON DUPLICATE KEY UPDATE rollup_{{0}}.records = rollup_{{0}}.records + VALUES(records)
"""  # our names  # nosec B608


def add(connection: Connection, day: str, minutes: Counter[MinuteKey]) -> None:
    """Count records in, in one order, so that nodes wait for each other in one order."""
    names = ("app_id", "minute", "severity", "untrusted", "records")
    rows = [dict(zip(names, (*key, n), strict=True)) for key, n in sorted(minutes.items())]
    if rows:
        statement = upsert(table_for(day, rollup))
        records = statement.table.c.records + statement.inserted.records
        connection.execute(statement.on_duplicate_key_update(records=records), rows)


def take_out(connection: Connection, day: str, minutes: Counter[MinuteKey]) -> None:
    """Count records out; what tells of no other record goes."""
    add(connection, day, Counter({key: -n for key, n in minutes.items()}))
    table = table_for(day, rollup)
    keys = sorted(minutes)
    for at in range(0, len(keys), KEYS_AT_ONCE):
        theirs = tuple_(*table.primary_key.columns).in_(keys[at : at + KEYS_AT_ONCE])
        connection.execute(delete(table).where(theirs, table.c.records == 0))


def rebuild(connection: Connection, day: str) -> None:
    """Roll a day up whose version had no roll-up; to be committed with the note of that."""
    connection.execute(delete(table_for(day, rollup)))
    last = connection.scalar(select(func.max(table_for(day).c.id))) or 0
    for at in range(0, last, ROWS_AT_ONCE):
        connection.exec_driver_sql(_ROLL_UP.format(day), (at, at + ROWS_AT_ONCE))
