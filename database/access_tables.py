"""The lasting tables of who may report and who may look. Times are in µs since 1970, but where a
column is `until`: Unix seconds. Of passwords, keys of machines and refresh tokens there are only
hashes.
"""

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text, UniqueConstraint

from database.tables import LONG
from database.tables import metadata as metadata

# Ingest keys are public: they stand in apps that everybody can take apart, and can only report.
ingest_key = Table(
    "ingest_key",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("app_id", Integer, nullable=False, index=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("label", String(128), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("expires_at", BigInteger),  # revoked or rotated: from then on it is refused
)

# `role`: admin, member or viewer. Members and viewers see the apps of their memberships.
account = Table(
    "account",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False),
    Column("name_key", String(64), nullable=False, unique=True),  # `utils.names.folded`
    Column("role", String(16), nullable=False),
    Column("password_hash", String(255)),  # null: signs in elsewhere (OpenID Connect)
    Column("must_change", Integer, nullable=False),
    Column("disabled", Integer, nullable=False),
    Column("totp_secret", String(64)),
    Column("totp_enabled", Integer, nullable=False),
    Column("totp_used", BigInteger),  # the last time step whose code was used: no code twice
    Column("oidc_subject", String(64), unique=True),  # a hash of issuer and subject
    Column("created_at", BigInteger, nullable=False),
    Column("last_login_at", BigInteger),
    sqlite_autoincrement=True,  # no id twice: tokens of one that was deleted may be about
)

membership = Table(
    "membership",
    metadata,
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("app_id", Integer, primary_key=True, autoincrement=False),
)

invitation = Table(
    "invitation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("apps", Text, nullable=False),  # a JSON array of app ids
    Column("created_by", String(128), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

# Failed logins in a row, by a hash of the account's name and of the client's address; `last_at` in
# Unix seconds.
login_failure = Table(
    "login_failure",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False, index=True),
)

# Single sign-ons that were begun at the issuer, by a hash of their state; `until` in Unix seconds.
oidc_login = Table(
    "oidc_login",
    metadata,
    Column("state_hash", String(64), primary_key=True),
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("until", BigInteger, nullable=False, index=True),
)

# A login on one device; its id is in the access tokens and refresh tokens that it was given. Only
# the newest refresh token is good: the use of another one means that somebody has stolen one.
session = Table(
    "session",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", Integer, nullable=False, index=True),
    Column("refresh_hash", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("address", String(64)),
    Column("user_agent", String(255)),
)

# Tokens of machines. `apps` is a JSON array of app ids, null all of them.
api_token = Table(
    "api_token",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("token_hash", String(64), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("apps", Text),
    Column("account_id", Integer),  # who made it; null: the operator at the command line
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
)

# Searches that the members of an app have kept for all who may read it. `query` is a JSON object of
# the list's parameters as they were written, `columns` a JSON array of fields, null the usual ones.
saved_search = Table(
    "saved_search",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("app_id", Integer, nullable=False),
    Column("name", String(128), nullable=False),
    Column("query", Text, nullable=False),
    Column("columns", Text),
    Column("created_by", String(255), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("app_id", "name"),
)

# Administrative acts; rows are only ever added.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("address", String(64)),
    Column("act", String(64), nullable=False),
    Column("target", String(255), nullable=False),
    Column("details", LONG),
)

# Records to be deleted: of a person (`field` is user_id or device_id), or all of an app (`field` is
# app). `apps` is a JSON array of app ids, null all of them; `value` goes when all nodes have done
# it; `records` is a JSON object of how many were removed by app id.
erasure = Table(
    "erasure",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("field", String(16), nullable=False),
    Column("value", String(512)),
    Column("apps", Text),
    Column("requested_by", String(255), nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("records", LONG, nullable=False),
    Column("quarantined", Integer, nullable=False),
    Column("unreadable_days", Text, nullable=False),  # a JSON array
)

# The nodes that share this database, each with a journal of its own: the last erasure that it has
# carried out, and how far it is with the one after it.
node = Table(
    "node",
    metadata,
    Column("name", String(36), primary_key=True),
    Column("seen_at", BigInteger, nullable=False),
    Column("erased", Integer, nullable=False),
    Column("day", String(8)),
    Column("row", BigInteger, nullable=False),
)

# Signatures of reports that were seen, as long as they would be valid: none is good twice.
used_signature = Table(
    "used_signature",
    metadata,
    Column("signature", String(64), primary_key=True),
    Column("until", BigInteger, nullable=False, index=True),
)
