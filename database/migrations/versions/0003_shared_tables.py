"""On MySQL: batch keys and journal positions, shared by all days and nodes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0001"


def upgrade() -> None:
    """Make them; on SQLite each day's file has its own."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.create_table(
        "log_batch",
        sa.Column("app_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("batch_key", sa.VARBINARY(512), nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("app_id", "batch_key", name="pk_log_batch"),
    )
    op.create_index("ix_log_batch_received_at", "log_batch", ["received_at"])
    op.create_table(
        "journal_position",
        sa.Column("segment", sa.String(255), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("segment", name="pk_journal_position"),
    )
