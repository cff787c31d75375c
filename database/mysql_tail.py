"""Which rows of a day's table will have no earlier one any more, on MySQL.

Ids are given before the commit, so while several nodes store, a later id may be seen before an
earlier one. A row that is not committed is seen by READ UNCOMMITTED; the moment between the giving
of an id and its row being there at all is waited for (`MySQLStore.settle_seconds`).
"""

from sqlalchemy import Connection, Engine, Select, Table, func, select

from database.mysql_errors import explained
from database.mysql_tables import table_for, table_of

MOST = 200_000  # ids that are looked at: no node has stored so many while another stores
_NEXT_ID = (
    "SELECT auto_increment FROM information_schema.tables "
    "WHERE table_schema = DATABASE() AND table_name = %s"
)


def settled(engine: Engine, day: str, after: int, up_to: int) -> int:
    """The last id up to which no row is being stored; all is there up to `after`. Raises Away.

    Committed rows come first: what is committed later is seen by both, or by the second alone.
    """
    log, after = table_for(day), max(after, up_to - MOST)
    summed = select(func.count(), func.coalesce(func.sum(log.c.id), 0))
    there = summed.where(log.c.id > after, log.c.id <= up_to)
    with explained():
        with engine.connect() as connection:
            committed = connection.execute(there).one()
        with engine.connect() as connection:
            _see_all(connection)
            if connection.execute(there).one() == committed:
                return up_to
        return _before_first(engine, log, after, up_to)


def is_anew(engine: Engine, day: str, after: int) -> bool:
    """Whether the next id of a day's table is one that was given before. Raises Away."""
    with explained(), engine.connect() as connection:
        next_id = connection.exec_driver_sql(_NEXT_ID, (table_of(day),)).scalar()
    return next_id is not None and int(next_id) <= after


def _before_first(engine: Engine, log: Table, after: int, up_to: int) -> int:
    """The id before that of the first row that is being stored."""
    ids: Select[int] = select(log.c.id).where(log.c.id > after, log.c.id <= up_to)
    with engine.connect() as connection:
        committed = set(connection.scalars(ids))
    with engine.connect() as connection:
        _see_all(connection)
        return (
            min((id for id in connection.scalars(ids) if id not in committed), default=up_to + 1)
            - 1
        )


def _see_all(connection: Connection) -> None:
    """In the transaction that begins now, also what others have not committed yet."""
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED")
