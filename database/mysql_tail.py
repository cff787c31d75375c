"""Which rows of a day's table will have no earlier one any more, on MySQL.

Ids are given before the commit, so while several nodes store, a later id may be seen before an
earlier one. A row that is not committed is seen by READ UNCOMMITTED; the moment between the giving
of an id and its row being there at all is waited for (`MySQLStore.settle_seconds`).
"""

from sqlalchemy import Connection, Engine

from database.mysql_errors import explained
from database.mysql_tables import table_of

MOST = 200_000  # ids that are looked at: no node has stored so many while another stores
_THERE = "FROM {} WHERE id > %s AND id <= %s"
_SUMS = f"SELECT count(*), coalesce(sum(id), 0) {_THERE}"
_IDS = f"SELECT id {_THERE}"
_NEXT_ID = (
    "SELECT auto_increment FROM information_schema.tables "
    "WHERE table_schema = DATABASE() AND table_name = %s"
)


def settled(engine: Engine, day: str, after: int, up_to: int) -> int:
    """The last id up to which no row is being stored; all is there up to `after`. Raises Away."""
    between = (max(after, up_to - MOST), up_to)
    with explained(), engine.connect() as connection:
        committed, there = _twice(connection, _SUMS.format(table_of(day)), between)
        if committed == there:
            return up_to
        committed, there = _twice(connection, _IDS.format(table_of(day)), between)
        return min(there - committed, default=(up_to + 1,))[0] - 1


def _twice(
    connection: Connection, statement: str, between: tuple[int, int]
) -> tuple[set[tuple[int, ...]], set[tuple[int, ...]]]:
    """What is committed, and after that what is there at all: more, if anything is not committed.

    What is committed between the two is taken for not committed.
    """
    committed = set(map(tuple, connection.exec_driver_sql(statement, between)))
    connection.rollback()
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED")
    there = set(map(tuple, connection.exec_driver_sql(statement, between)))
    connection.rollback()
    return committed, there


def is_anew(engine: Engine, day: str, after: int) -> bool:
    """Whether the next id of a day's table is one that was given before. Raises Away."""
    with explained(), engine.connect() as connection:
        next_id = connection.exec_driver_sql(_NEXT_ID, (table_of(day),)).scalar()
    return next_id is not None and int(next_id) <= after
