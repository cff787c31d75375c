"""Passwords: hashed by Argon2id (RFC 9106), and refused when anybody would guess them."""

import secrets
from base64 import b64encode
from functools import lru_cache
from pathlib import Path
from threading import Semaphore
from typing import Any

from exceptions import Busy
from exceptions.accounts import WeakPassword
from utils.names import folded, normal
from utils.settings import AccountSettings
from utils.wording import say

MIN_BYTES, MAX_BYTES = 10, 1024
AT_ONCE, WAITING = 2, 4  # hashings in a process: each takes account.argon2_memory_kib
COMMONEST = Path(__file__).parent.parent / "resource" / "common_passwords.txt"


class Passwords:
    """Hashes and verifies passwords, a few at a time: each takes memory and a core."""

    def __init__(self, settings: AccountSettings) -> None:
        self._settings = settings
        self._turn = Semaphore(AT_ONCE)
        self._places = Semaphore(AT_ONCE + WAITING)
        self._made: Any = None

    def check(self, password: str, name: str) -> None:
        """Raises WeakPassword for one that is too short or too long, of the commonest, or little
        more than the account's name.
        """
        size = len(_bytes(password))
        if not MIN_BYTES <= size <= MAX_BYTES:
            allowed = "it has {size} bytes; {least} to {most} are allowed"
            raise WeakPassword(say(allowed, size=size, least=MIN_BYTES, most=MAX_BYTES))
        plain = folded(password)
        if plain in _commonest() or len(set(plain)) < 4:
            raise WeakPassword("it is one of the first that everybody would try")
        if len(name) > 2 and len(plain.replace(folded(name), "")) < MIN_BYTES // 2:
            raise WeakPassword("it is little more than the account's name")

    def hash(self, password: str) -> str:
        """A new hash with a salt of its own. Raises Busy."""
        return str(self._alone(self._hasher().hash, _bytes(password)))

    def verify(self, hashed: str | None, password: str) -> bool:
        """Whether the password is the one that was hashed. Without a hash the same work is done,
        in vain. Raises Busy.
        """
        from argon2.exceptions import VerificationError

        try:
            return bool(
                self._alone(self._hasher().verify, hashed or self._nobodys(), _bytes(password))
            )
        except VerificationError:
            return False

    def is_outdated(self, hashed: str) -> bool:
        """Whether a hash was made with other parameters than those of the settings."""
        return bool(self._hasher().check_needs_rehash(hashed))

    def _alone(self, work: Any, *arguments: Any) -> Any:
        """Do it when few others do; those who would wait for many are told to come again."""
        if not self._places.acquire(blocking=False):
            raise Busy("too many sign in at this moment", retry_after=1)
        try:
            with self._turn:
                return work(*arguments)
        finally:
            self._places.release()

    def _hasher(self) -> Any:
        if self._made is None:
            from argon2 import PasswordHasher  # only here: start-up and memory

            settings = self._settings
            self._made = PasswordHasher(
                settings.argon2_time, settings.argon2_memory_kib, settings.argon2_parallelism
            )
        return self._made

    def _nobodys(self) -> str:
        """A hash that no password has, in the form that `hash` gives."""
        settings = self._settings
        costs = f"m={settings.argon2_memory_kib},t={settings.argon2_time}"
        salt, end = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
        return f"$argon2id$v=19${costs},p={settings.argon2_parallelism}${salt}${end}"


def new_password() -> str:
    """A password that is given to somebody to be changed: 96 random bits."""
    return secrets.token_urlsafe(12)


@lru_cache(maxsize=1)
def _commonest() -> frozenset[str]:
    """Of the commonest passwords those that are long enough."""
    return frozenset(COMMONEST.read_text("utf-8").split())


def _bytes(password: str) -> bytes:
    return normal(password).encode()
