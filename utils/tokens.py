"""What the server signs: access tokens, and what a page must show beside its cookie."""

import hashlib
import hmac
import secrets
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from msgspec import Struct, ValidationError, convert, to_builtins

from utils.principal import Scope
from utils.secret import Secret


class Access(Struct, frozen=True, omit_defaults=True):
    """What a token says. `until` is in Unix seconds.

    One of a session names it and its account, whose rights are looked up at each use. One without
    carries its rights: `apps` are app ids, null all of them. (Those were made by `token create` up
    to the schema 0003; machines have tokens of another kind now.)
    """

    until: int
    id: str
    scope: Scope = "read"
    apps: list[int] | None = []
    account: int | None = None
    session: str | None = None


class Tokens:
    """Issues and reads tokens: the id of a key, payload and HMAC-SHA256, by itsdangerous.

    The keys are those of the secret in `data_dir`, whose `installation` is told: see `Secret`.
    """

    def __init__(self, data_dir: Path) -> None:
        self._secret = Secret(data_dir)
        self.installation = self._secret.installation

    def issue(self, account: int, session: str, seconds: int) -> str:
        """A new token of a session."""
        until = int(time.time()) + seconds
        return self.sign(Access(until, secrets.token_hex(8), account=account, session=session))

    def sign(self, access: Access) -> str:
        """A token that says this, signed by the first key."""
        key = self._secret.lines()[0]
        signed: Any = _serializer(key).dumps(to_builtins(access))
        return f"{_key_id(key)}.{signed}"

    def read(self, token: str) -> Access | None:
        """What a token says; None when it is forged, mangled or expired."""
        key_id, _, signed = token.partition(".")
        keys = self._keys_of(key_id)
        if not keys:  # it is none of ours, or was made before keys had ids
            keys, signed = list(self._secret.lines()), token
        for key in keys:
            access = _verified(key, signed)
            if access is not None:
                return access if access.until > time.time() else None
        return None

    def _keys_of(self, key_id: str) -> list[str]:
        """The key with this id; one not known yet may have been added a moment ago."""
        for look in (False, True):
            keys = [key for key in self._secret.lines(look=look) if _key_id(key) == key_id]
            if keys:
                return keys
        return []

    def csrf(self, session: str) -> str:
        """What a page must send along when the browser sends the cookie of this session."""
        return _csrf(self._secret.lines()[0], session)

    def is_csrf(self, session: str, given: str) -> bool:
        """Whether `given` is what `csrf` said, by any of the keys."""
        sent = given.encode()
        lines = self._secret.lines()
        return any(hmac.compare_digest(_csrf(key, session).encode(), sent) for key in lines)


def _verified(key: str, signed: str) -> Access | None:
    """What was signed by this key. Signatures are compared as text: no two spellings of one."""
    serializer = _serializer(key)
    payload, _, signature = signed.encode().rpartition(b".")
    expected = serializer.make_signer(serializer.salt).get_signature(payload)
    if not hmac.compare_digest(expected, signature):
        return None
    try:
        return convert(serializer.load_payload(payload), Access)
    except (BadData, ValidationError):
        return None


@lru_cache(16)
def _serializer(key: str) -> URLSafeSerializer:
    return URLSafeSerializer(
        key,
        salt="redlog.access-token",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


@lru_cache(16)
def _key_id(key: str) -> str:
    """Tells which key signed, and nothing about it."""
    return hmac.new(key.encode(), b"redlog.key-id", hashlib.sha256).hexdigest()[:8]


def _csrf(key: str, session: str) -> str:
    return hmac.new(key.encode(), b"redlog.csrf:" + session.encode(), hashlib.sha256).hexdigest()
