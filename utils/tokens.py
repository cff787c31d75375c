"""HMAC access tokens, and the server's secret that signs them."""

import hashlib
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer
from msgspec import Struct, ValidationError, convert, to_builtins

from exceptions import StartError
from utils.principal import Scope

MIN_SECRET = 32


class Access(Struct, frozen=True):
    """What a token allows. `apps` are app ids, None all of them; `until` is in Unix seconds."""

    scope: Scope
    apps: list[int] | None
    until: int
    id: str


class Tokens:
    """Issues and reads tokens: payload and HMAC-SHA256, by itsdangerous."""

    def __init__(self, secret: str) -> None:
        self._serializer = URLSafeSerializer(
            secret,
            salt="redlog.access-token",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def issue(self, scope: Scope, apps: list[int] | None, seconds: int) -> str:
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
    """The server's secret from `<data>/secret`, made there (0600) at the first start.

    Raises StartError when it is too short to keep a forger away.
    """
    path = data_dir / "secret"
    if not path.exists():
        _make_secret(path)
    secret = path.read_text("utf-8").strip()
    if len(secret) < MIN_SECRET:
        raise StartError(f"the secret in {path} is shorter than {MIN_SECRET} characters")
    return secret


def _make_secret(path: Path) -> None:
    """Written aside and then named, so that no start beside this one reads half of it."""
    fresh = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    with suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()
