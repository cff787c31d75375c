"""Settings of accounts and of single sign-on."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class AccountSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Accounts: what hashing a password costs, and who may make an account."""

    argon2_memory_kib: Annotated[int, Meta(ge=64, le=4_194_304)]
    argon2_time: Annotated[int, Meta(ge=1, le=100)]
    argon2_parallelism: Annotated[int, Meta(ge=1, le=8)]
    registration: Literal["off", "viewer"]
    invitation_days: Annotated[int, Meta(ge=1, le=365)]


class Oidc(Struct, frozen=True, forbid_unknown_fields=True):
    """Single sign-on by OpenID Connect; an empty issuer is none."""

    issuer: Annotated[str, Meta(pattern="^(|https://.+|http://(localhost|127\\.0\\.0\\.1)\\b.*)$")]
    client_id: str
    client_secret: str
    scopes: str
    role: Literal["none", "viewer", "member"]
    name_claim: str
    apps_claim: str
