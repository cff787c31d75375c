"""Records out of a day's table on MySQL: deleted, and counted out of the catalogue with them."""

from collections import Counter

from sqlalchemy import Connection, delete, func, select, update

from database import mysql_rollup
from database.log_store import Erased, Target
from database.mysql_index import forget_texts
from database.mysql_tables import table_for
from database.tables import log_partition
from utils.clock import MINUTE

ROWS_AT_ONCE = 1000  # looked at, and deleted at most, in one transaction


def erase(connection: Connection, day: str, target: Target, after: int) -> Erased:
    """Delete the target's records among the next rows behind the id `after`.

    The rows are locked first, so that what another node deletes at the same time counts once.
    """
    log, last = table_for(day), None
    minute = log.c.time.op("DIV")(MINUTE)
    key = (log.c.app_id, minute, log.c.severity, func.coalesce(log.c.untrusted, 0))
    if target.field == "app":
        wanted = select(log.c.id, *key).where(log.c.app_id == int(target.value))
        rows = connection.execute(wanted.limit(ROWS_AT_ONCE).with_for_update()).all()
        reached = after if len(rows) == ROWS_AT_ONCE else None
    else:
        end = after + ROWS_AT_ONCE
        wanted = select(log.c.id, *key).where(
            log.c.id > after, log.c.id <= end, log.c[target.field] == target.value
        )
        last = connection.scalar(select(func.max(log.c.id))) or 0
        rows = connection.execute(wanted.with_for_update()).all()
        rows = [row for row in rows if target.covers(row.app_id)]
        reached = end if end < last else None
    if rows:
        connection.execute(delete(log).where(log.c.id.in_([row.id for row in rows])))
        forget_texts(connection, day, [row.id for row in rows])
        mysql_rollup.take_out(connection, day, Counter(tuple(row[1:]) for row in rows))
        left = log_partition.c.records - len(rows)
        connection.execute(
            update(log_partition).where(log_partition.c.name == day).values(records=left)
        )
    return Erased(Counter(row.app_id for row in rows), reached, last)
