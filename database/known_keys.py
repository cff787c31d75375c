"""What is known of the apps and their ingest keys, and the small file that a node's processes
share: by it reports are accepted while the database is away, and each sees at once what another
changed.

Of keys there are only hashes, but the apps' secrets are plain, as signatures need them: 0600.
"""

import hashlib
import os
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct

from utils.app_settings import AppSettings, Source
from utils.clock import now_us
from utils.files import replace_file
from utils.log import log

Stamp = tuple[int, int, int]
NO_FILE: Stamp = (0, 0, 0)


class KnownApp(Struct, frozen=True):
    """What a report needs of its app."""

    secret: str
    settings: AppSettings


class KnownKey(Struct, frozen=True, array_like=True):
    """Whose a key is, its id, and when it ends (µs since 1970; None: it does not)."""

    app_id: int
    id: int
    expires_at: int | None


class Known(Struct, frozen=True):
    """All apps by their id, and all keys by their hash."""

    apps: dict[int, KnownApp] = {}
    keys: dict[str, KnownKey] = {}

    def source_of(self, key: str) -> Source | None:
        """Who reports with a key; None when it is unknown or has ended."""
        found = self.keys.get(hash_of(key))
        if found is None or (found.expires_at is not None and found.expires_at <= now_us()):
            return None
        app = self.apps[found.app_id]
        return Source(found.app_id, found.id, app.settings, app.secret)


_decode = msgspec.json.Decoder(Known).decode


class KnownKeys:
    """The file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = str(path)  # asked for with every report, and faster so

    def stamp(self) -> Stamp:
        """What changes whenever the file is written."""
        try:
            found = os.stat(self._name)
        except OSError:
            return NO_FILE
        return found.st_mtime_ns, found.st_ino, found.st_size

    def read(self) -> Known:
        """What it holds; nothing when it is missing or damaged."""
        try:
            return _decode(self.path.read_bytes())
        except (OSError, msgspec.MsgspecError):
            return Known()

    def keep(self, known: Known) -> None:
        """Write it. When it can't be written, what is known holds for this process alone."""
        try:
            replace_file(self.path, msgspec.json.encode(known), mode=0o600)
        except OSError as error:
            log.warning("%s can't be written: %s", self.path.name, error.strerror)


@lru_cache(1024)
def hash_of(key: str) -> str:
    """What stands for a key wherever it is kept."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
