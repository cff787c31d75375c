"""Files that came with records, in a folder of the node that received them, for as long as these.

A file's name, which is its id, tells what retention and erasing need to know:

    <day>-<app id>-<hash of the user id>-<hash of the device id>-<hash of what it is>

with `_` in the place of an unknown one. The same file of the same report has the same name.
"""

import os
import re
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2s
from pathlib import Path

from database.log_store import Target
from utils.files import free_bytes, ordered_name, sync_directory
from utils.log import log
from utils.settings import Retention

NAME = re.compile(r"(?P<day>\d{8})-(?P<app>\d+)-(?P<user_id>\w+)-(?P<device_id>\w+)-[0-9a-f]{32}")
COMING = ".coming"  # what nobody sees yet
COMING_SECONDS = 3600.0  # then whoever wrote it is gone
MEASURED_SECONDS = 60.0
FULL = 0.9  # of the bytes that may be kept: above this the oldest days go
UNKNOWN = "_"


def name_of(day: str, app_id: int, user_id: object, device_id: object, content: bytes) -> str:
    """The name of a file: of the same content for another person or app it is another."""
    whose = f"{day}-{app_id}-{_hash_of(user_id)}-{_hash_of(device_id)}"
    digest = blake2s(content, digest_size=16, key=blake2s(whose.encode()).digest())
    return f"{whose}-{digest.hexdigest()}"


def _hash_of(value: object) -> str:
    if value is None:
        return UNKNOWN
    return blake2s(str(value).encode("utf-8", "replace"), digest_size=8).hexdigest()


class Attachments:
    """The folder. At most about `retention.attachment_bytes` are kept, while `min_free_bytes` of
    the disk stay free: each process measures now and then, and knows its own since.
    """

    def __init__(self, data_dir: Path, retention: Retention, min_free_bytes: int = 0) -> None:
        self.folder = data_dir / "attachments"
        self.most = retention.attachment_bytes
        self.min_free_bytes = min_free_bytes
        self._used = 0
        self._measured_at = -MEASURED_SECONDS

    # For who reports.

    @contextmanager
    def coming(self) -> Iterator["Coming"]:
        """Files on their way: what is not shown by the end never was."""
        coming = Coming(self)
        try:
            yield coming
        finally:
            coming.clear()

    def write(self, path: Path, content: bytes) -> bool:
        """Write a file durably; False when there is no room for it."""
        try:
            if not self._has_room(len(content)):
                return False
            self.folder.mkdir(mode=0o700, exist_ok=True)
            with path.open("xb") as file:
                file.write(content)
                file.flush()
                os.fdatasync(file.fileno())
        except OSError as error:
            log.warning("an attachment can't be kept: %s", error.strerror)
            return False
        self._used += len(content)
        return True

    def _has_room(self, size: int) -> bool:
        now = time.monotonic()
        if now - self._measured_at > MEASURED_SECONDS:
            self._measured_at = now
            self._used = sum(map(_size_of, self._files()))
        has_disk = free_bytes(self.folder.parent) - size >= self.min_free_bytes
        return self._used + size <= self.most and has_disk

    # For who reads.

    def path_of(self, name: str, app_id: int) -> Path | None:
        """Where an app's file is; None if it is not here."""
        found = NAME.fullmatch(name)
        path = self.folder / name
        return path if found and int(found["app"]) == app_id and path.exists() else None

    # For the writer.

    def erase(self, target: Target, day: str = "") -> None:
        """Delete what belongs to a target, on one day or on all."""
        for file in self._files():
            if file.name.startswith(day) and _is_meant(file.name, target):
                file.unlink(missing_ok=True)

    def sweep(self, days: Collection[str], since: str) -> None:
        """Delete what came before the day `since` and on none of these days, and the oldest days'
        where all come near to what may be kept.
        """
        by_day: dict[str, list[Path]] = defaultdict(list)
        for file in self._files():
            by_day[file.name[:8]].append(file)
        sizes = {day: sum(map(_size_of, files)) for day, files in by_day.items()}
        total = sum(sizes.values())
        for day in sorted(by_day):
            too_much = total > self.most * FULL and day != max(by_day)
            if too_much or (day < since and day not in days):
                total -= sizes[day]
                for file in by_day[day]:
                    file.unlink(missing_ok=True)
        self._sweep_coming()

    def drop(self, day: str) -> None:
        """Delete what came on a day."""
        for file in self._files():
            if file.name.startswith(f"{day}-"):
                file.unlink(missing_ok=True)

    def _sweep_coming(self) -> None:
        for file in self.folder.glob(f"*{COMING}"):
            if time.time() - _written_at(file) > COMING_SECONDS:
                file.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return [path for path in self.folder.glob("*") if NAME.fullmatch(path.name)]


class Coming:
    """Files that are written and not yet seen."""

    def __init__(self, attachments: Attachments) -> None:
        self._attachments = attachments
        self._written: list[tuple[Path, str]] = []

    def write(self, name: str, content: bytes) -> bool:
        """Write one; False when there is no room for it."""
        path = self._attachments.folder / f"{ordered_name()}{COMING}"
        is_written = self._attachments.write(path, content)
        self._written.append((path, name if is_written else ""))
        return is_written

    def show(self) -> None:
        """Let all be seen from now on."""
        try:
            shown = [path.rename(path.with_name(name)) for path, name in self._written if name]
            if shown:
                sync_directory(self._attachments.folder)
        except OSError as error:
            log.error("an attachment is lost: %s", error.strerror)

    def clear(self) -> None:
        """Leave nothing of what was not shown."""
        for path, _ in self._written:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _is_meant(name: str, target: Target) -> bool:
    found = NAME.fullmatch(name)
    assert found is not None
    if target.field == "app":
        return found["app"] == target.value
    return target.covers(int(found["app"])) and found[target.field] == _hash_of(target.value)


def _size_of(file: Path) -> int:
    with suppress(FileNotFoundError):
        return file.stat().st_size
    return 0


def _written_at(file: Path) -> float:
    with suppress(FileNotFoundError):
        return file.stat().st_mtime
    return time.time()
