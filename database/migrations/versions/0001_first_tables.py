"""The first tables: apps, their counters, and the catalogue of day partitions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "app",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("ingest_key", sa.String(64), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_app"),
        sa.UniqueConstraint("name", name="uq_app_name"),
        sa.UniqueConstraint("ingest_key", name="uq_app_ingest_key"),
    )
    op.create_table(
        "app_counter",
        sa.Column("app_id", sa.Integer, nullable=False),
        sa.Column("minute", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.String(64), nullable=False),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("app_id", "minute", "outcome", name="pk_app_counter"),
    )
    op.create_table(
        "log_partition",
        sa.Column("name", sa.String(8), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("min_time", sa.BigInteger, nullable=False),
        sa.Column("max_time", sa.BigInteger, nullable=False),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("drop_requested", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_log_partition"),
    )
