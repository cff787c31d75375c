"""The ingest keys as they were when the database was last there, so that reports are accepted
while it is away. The file holds hashes and app ids, nothing else.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from utils.files import replace_file

_decode = msgspec.json.Decoder(dict[str, int]).decode


class KnownKeys:
    """A small file that all processes of a node share."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_at = -1
        self._ids: dict[str, int] = {}

    def id_of(self, key: str) -> int | None:
        """The app that owned a key."""
        return self._content().get(_hash(key))

    def keep(self, keys: Iterable[tuple[str, int]]) -> None:
        """Remember these keys with their apps' ids, and no others."""
        ids = {_hash(key): app_id for key, app_id in keys}
        if ids != self._content():
            replace_file(self.path, msgspec.json.encode(ids), mode=0o600)

    def is_empty(self) -> bool:
        """Whether no key was ever known here."""
        return not self._content()

    def _content(self) -> dict[str, int]:
        try:
            written_at = self.path.stat().st_mtime_ns
            if written_at != self._read_at:
                self._ids, self._read_at = _decode(self.path.read_bytes()), written_at
        except (OSError, msgspec.DecodeError):
            self._ids, self._read_at = {}, -1
        return self._ids


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
