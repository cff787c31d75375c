"""HMAC access tokens, and the server's secret that signs them."""

import hashlib
import os
import secrets
import time
from pathlib import Path
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer
from msgspec import Struct, ValidationError, convert, to_builtins

SCOPES = ("read", "admin")


class Access(Struct, frozen=True):
    """What a token allows. `apps` are app ids, None all of them; `until` is in Unix seconds."""

    scope: str
    apps: list[int] | None
    until: int
    id: str

    def allows(self, scope: str) -> bool:
        """Whether this token is good for what needs `scope`; admin may do all."""
        return self.scope in (scope, "admin")


class Tokens:
    """Issues and reads tokens: payload and HMAC-SHA256, by itsdangerous."""

    def __init__(self, secret: str) -> None:
        self._serializer = URLSafeSerializer(
            secret,
            salt="redlog.access-token",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def issue(self, scope: str, apps: list[int] | None, seconds: int) -> str:
        """A new token."""
        access = Access(scope, apps, int(time.time()) + seconds, secrets.token_hex(8))
        signed: Any = self._serializer.dumps(to_builtins(access))
        return str(signed)

    def read(self, token: str) -> Access | None:
        """What a token allows; None when it is forged, mangled or expired."""
        try:
            access = convert(self._serializer.loads(token), Access)
        except (BadSignature, ValidationError):
            return None
        return access if access.until > time.time() else None


def load_secret(data_dir: Path) -> str:
    """The server's secret from `<data>/secret`, made there (0600) at the first start."""
    path = data_dir / "secret"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("ascii").strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    return path.read_text("ascii").strip()
