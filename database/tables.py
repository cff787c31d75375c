"""The lasting tables, as SQLAlchemy Core sees them. Alembic makes and changes them
(`database/migrations/`); a test compares the two.
"""

from sqlalchemy import (
    VARBINARY,
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

# MySQL makes the smallest type of these lengths: MEDIUMTEXT, as its TEXT ends at 64 KiB, and
# LONGBLOB. Its own types would bring its dialect, a megabyte in each process that has no MySQL.
MYSQL = ("mysql", "mariadb")
LONG = Text().with_variant(Text(2**22 - 1), *MYSQL)
_Id = Integer().with_variant(BigInteger(), *MYSQL)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

app = Table(
    "app",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(128), unique=True),  # null: deleted
    Column("secret", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("settings", LONG),  # JSON, `utils.app_settings`; null: the defaults
    Column("deleted_at", BigInteger),  # from then on it is refused, and its records are removed
    sqlite_autoincrement=True,  # the id of a deleted app is never given again
)

# Records per app and minute of arrival. `outcome`: received, stored, duplicate, shed,
# filtered, or rejected:<reason>; received = the sum of the others, once nothing is pending. Beside
# them stands lost:<reason>, what devices say that they lost.
app_counter = Table(
    "app_counter",
    metadata,
    Column("app_id", Integer, primary_key=True, autoincrement=False),
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("outcome", String(64), primary_key=True),
    Column("records", BigInteger, nullable=False),
)

# The catalogue of day partitions. `min_time` and `max_time` bound the records' `time`; they are
# widened before rows are committed, so they may be too wide but never too narrow.
log_partition = Table(
    "log_partition",
    metadata,
    Column("name", String(8), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("min_time", BigInteger, nullable=False),
    Column("max_time", BigInteger, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("drop_requested", Integer, nullable=False),
)

# Access tokens that were revoked. When `until` (Unix seconds) is past, the token has expired and
# the row can go; null: it was revoked by its id alone, so the row stays.
revoked_token = Table(
    "revoked_token",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("until", BigInteger),
)

# On MySQL these are shared by all days and nodes; on SQLite each day's file has its own.
shared_metadata = MetaData(naming_convention=metadata.naming_convention)

shared_batch = Table(
    "log_batch",
    shared_metadata,
    Column("app_id", Integer, primary_key=True, autoincrement=False),
    Column("batch_key", LargeBinary().with_variant(VARBINARY(512), *MYSQL), primary_key=True),
    Column("received_at", BigInteger, nullable=False, index=True),
)

shared_position = Table(
    "journal_position",
    shared_metadata,
    Column("segment", String(255), primary_key=True),
    Column("position", BigInteger, nullable=False),
)

# The tables of one partition. A SQLite partition is a file that holds all of them; a MySQL
# partition is tables like the first four.
day_metadata = MetaData()

log = Table(
    "log",
    day_metadata,
    Column("id", _Id, primary_key=True),
    Column("app_id", Integer, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("message", LONG, nullable=False),
    Column("logger", String(128)),
    Column("environment", String(128)),
    Column("release", String(128)),
    Column("platform", String(128)),
    Column("device_id", String(128)),
    Column("session_id", String(128)),
    Column("user_id", String(128)),
    Column("trace_id", String(128)),
    Column("span_id", String(128)),
    Column("seq", BigInteger),
    Column("skew_ms", BigInteger),
    Column("truncated", Integer),
    Column("untrusted", Integer),
    Column("exception", LONG),
    Column("attributes", LONG),
    Index("ix_log_app_id_time", "app_id", "time"),
)

# Records by minute of `time`, severity and whether they are untrusted (0 or 1), of the apps that
# there are: always those that `log` holds, since both change in one transaction.
rollup = Table(
    "rollup",
    day_metadata,
    Column("app_id", Integer, primary_key=True, autoincrement=False),
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("severity", Integer, primary_key=True, autoincrement=False),
    Column("untrusted", Integer, primary_key=True, autoincrement=False),
    Column("records", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What indexes blocks of records, see `database.blocks`.
block = Table(
    "block",
    day_metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("low", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    Column("text", Integer, nullable=False),
)

block_part = Table(
    "block_part",
    day_metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("data", LargeBinary().with_variant(LargeBinary(2**32 - 1), *MYSQL), nullable=False),
)

log_batch = Table(
    "log_batch",
    day_metadata,
    Column("app_id", Integer, primary_key=True),
    Column("batch_key", String(128), primary_key=True),
    sqlite_with_rowid=False,
)

journal_position = Table(
    "journal_position",
    day_metadata,
    Column("segment", String(36), primary_key=True),
    Column("position", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

day_counter = Table(
    "day_counter",
    day_metadata,
    Column("app_id", Integer, primary_key=True),
    Column("minute", BigInteger, primary_key=True),
    Column("outcome", String(64), primary_key=True),
    Column("records", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
