"""The roll-up of a partition's records by minute: what changes it, in the transaction of the rows.

A histogram of a day reads its few thousand rows instead of millions of records, and what is asked
of a rare level is looked for in its minutes alone (`database.minutes`).
"""

from collections.abc import Sequence

from utils.clock import MINUTE

SCHEMA_SINCE = 3  # the version of partitions that have one
Minutes = Sequence[tuple[int, int, int]]  # minute of `time`, severity, records
MinuteKey = tuple[int, int, int, int]  # app id, minute of `time`, severity, untrusted (0 or 1)

# What SQLite is told. A record's key, and changes by it.
KEY_OF = f"app_id, time / {MINUTE}, severity, coalesce(untrusted, 0)"
ADD = (
    "INSERT INTO rollup (app_id, minute, severity, untrusted, records) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET records = records + excluded.records"
)
REMOVE_EMPTY = (
    "DELETE FROM rollup "
    "WHERE app_id = ? AND minute = ? AND severity = ? AND untrusted = ? AND records = 0"
)
REBUILD = f"""
DELETE FROM rollup;
INSERT INTO rollup SELECT {KEY_OF}, count(*) FROM log WHERE app_id > 0 GROUP BY 1, 2, 3, 4
"""  # our names  # nosec B608
