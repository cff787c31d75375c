"""The server's secret, `<data>/secret`: keys that sign, a line each, of which the first one signs.

All of them verify, so that a key can be replaced while what the ones before it signed stays good.
"""

import hashlib
import hmac
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from exceptions import StartError
from utils.files import replace_file
from utils.log import log

MIN_SECRET = 32
LOOK_SECONDS = 1.0
# Written at the first rotation, so that the name outlives the key that it was made of.
_NAME_LINE = "# installation: "


class Secret:
    """The lines of the secret as they are now: a change of the file is seen within LOOK_SECONDS.

    Made there (0600) at the first start. `installation` is a name for all nodes that share the
    secret; it stays when keys are rotated. Raises StartError when a line is too short to keep a
    forger away.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "secret"
        if not self._path.exists():
            _make_secret(self._path)
        self._lines, self.installation = _parse(self._path)
        self._stamp = _stamp(self._path)
        self._next_look = time.monotonic() + LOOK_SECONDS

    def lines(self, *, look: bool = False) -> tuple[str, ...]:
        """The keys, the one that signs first. `look`: at the file, now and not within a second."""
        now = time.monotonic()
        if look or now >= self._next_look:
            self._next_look = now + LOOK_SECONDS
            self._look()
        return self._lines

    def _look(self) -> None:
        """Read the file again if it has changed; one that is no good leaves what was known."""
        try:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._stamp = stamp
                self._lines, _ = _parse(self._path)
        except (OSError, StartError) as error:
            log.warning("going on with the keys that were known: %s", error)


def rotate(data_dir: Path, keep: int) -> int:
    """Put a fresh key first, and keep so many of the earlier ones; how many there are now."""
    path = data_dir / "secret"
    lines, name = _parse(path)
    kept = [secrets.token_hex(32), *lines[:keep]]
    replace_file(path, "\n".join([*kept, _NAME_LINE + name, ""]).encode(), 0o600)
    return len(kept)


def _parse(path: Path) -> tuple[tuple[str, ...], str]:
    """The keys, and the name of the installation: as it stands there, or of the oldest key."""
    text = [line.strip() for line in path.read_text("utf-8").splitlines()]
    lines = tuple(line for line in text if line and not line.startswith("#"))
    if not lines or min(map(len, lines)) < MIN_SECRET:
        raise StartError(f"the secret in {path} is shorter than {MIN_SECRET} characters")
    names = [line.removeprefix(_NAME_LINE) for line in text if line.startswith(_NAME_LINE)]
    derived = hmac.new(lines[-1].encode(), b"redlog.redis", hashlib.sha256).hexdigest()[:16]
    return lines, names[0] if names else derived


def _stamp(path: Path) -> tuple[int, int, int]:
    """What changes when the file does."""
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_ino, stat.st_size


def _make_secret(path: Path) -> None:
    """Written aside and then named, so that no start beside this one reads half of it."""
    fresh = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    with suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()
