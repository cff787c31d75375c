"""Who may report and who may look: app settings, ingest keys, accounts, tokens, audit; searches."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMTEXT

revision = "0004"
down_revision = "0003"

_LONG = sa.Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    """Make the tables; every app's key moves into one of them."""
    _change_apps()
    _make_accounts()
    _make_ways_in()
    _make_tokens()
    _make_searches()
    _make_records_of_acts()
    _make_erasures()


def _change_apps() -> None:
    keys = op.create_table(
        "ingest_key",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("app_id", sa.Integer, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("label", sa.String(128), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger, nullable=True),
        sa.Column("expires_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ingest_key"),
        sa.UniqueConstraint("key", name="uq_ingest_key_key"),
    )
    op.create_index("ix_ingest_key_app_id", "ingest_key", ["app_id"])
    app = sa.table("app", *(sa.column(name) for name in ("id", "ingest_key", "created_at")))
    moved = sa.select(app.c.id, app.c.ingest_key, sa.literal("default"), app.c.created_at)
    op.execute(keys.insert().from_select(["app_id", "key", "label", "created_at"], moved))
    # The id of a deleted app is never given again: tokens and journals may still name it.
    with op.batch_alter_table("app", table_kwargs={"sqlite_autoincrement": True}) as change:
        change.drop_constraint("uq_app_ingest_key", type_="unique")
        change.drop_column("ingest_key")
        change.alter_column("name", existing_type=sa.String(128), nullable=True)
        change.add_column(sa.Column("settings", _LONG, nullable=True))
        change.add_column(sa.Column("deleted_at", sa.BigInteger, nullable=True))


def _make_accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("name_key", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=True),
        sa.Column("must_change", sa.Integer, nullable=False),
        sa.Column("disabled", sa.Integer, nullable=False),
        sa.Column("totp_secret", sa.String(64), nullable=True),
        sa.Column("totp_enabled", sa.Integer, nullable=False),
        sa.Column("totp_used", sa.BigInteger, nullable=True),
        sa.Column("oidc_subject", sa.String(64), nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_login_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("name_key", name="uq_account_name_key"),
        sa.UniqueConstraint("oidc_subject", name="uq_account_oidc_subject"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "membership",
        sa.Column("account_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("app_id", sa.Integer, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "app_id", name="pk_membership"),
    )


def _make_ways_in() -> None:
    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("apps", sa.Text, nullable=False),
        sa.Column("created_by", sa.String(128), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
        sa.UniqueConstraint("token_hash", name="uq_invitation_token_hash"),
    )
    op.create_table(
        "login_failure",
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_login_failure"),
    )
    op.create_index("ix_login_failure_last_at", "login_failure", ["last_at"])
    op.create_table(
        "oidc_login",
        sa.Column("state_hash", sa.String(64), nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("verifier", sa.String(128), nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name="pk_oidc_login"),
    )
    op.create_index("ix_oidc_login_until", "oidc_login", ["until"])


def _make_tokens() -> None:
    op.create_table(
        "session",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("refresh_hash", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("address", sa.String(64), nullable=True),
        sa.Column("user_agent", sa.String(255), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
    )
    op.create_index("ix_session_account_id", "session", ["account_id"])
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("apps", sa.Text, nullable=True),
        sa.Column("account_id", sa.Integer, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
    )


def _make_searches() -> None:
    op.create_table(
        "saved_search",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("app_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("columns", sa.Text, nullable=True),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_search"),
        sa.UniqueConstraint("app_id", "name", name="uq_saved_search_app_id_name"),
    )


def _make_records_of_acts() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("address", sa.String(64), nullable=True),
        sa.Column("act", sa.String(64), nullable=False),
        sa.Column("target", sa.String(255), nullable=False),
        sa.Column("details", _LONG, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit"
                " BEGIN SELECT RAISE(ABORT, 'the audit log is appended only'); END"
            )


def _make_erasures() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("field", sa.String(16), nullable=False),
        sa.Column("value", sa.String(512), nullable=True),
        sa.Column("apps", sa.Text, nullable=True),
        sa.Column("requested_by", sa.String(255), nullable=False),
        sa.Column("requested_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger, nullable=True),
        sa.Column("records", _LONG, nullable=False),
        sa.Column("quarantined", sa.Integer, nullable=False),
        sa.Column("unreadable_days", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erasure"),
    )
    op.create_table(
        "node",
        sa.Column("name", sa.String(36), nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("erased", sa.Integer, nullable=False),
        sa.Column("day", sa.String(8), nullable=True),
        sa.Column("row", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_node"),
    )
    op.create_table(
        "used_signature",
        sa.Column("signature", sa.String(64), nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("signature", name="pk_used_signature"),
    )
    op.create_index("ix_used_signature_until", "used_signature", ["until"])
