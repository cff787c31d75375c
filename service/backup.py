"""Backup of a node while it runs, and its restoring into an empty data directory.

A backup is a folder: the lasting tables and the day files as of one moment, the journal, the
secret, the quarantine, the attachments, and a manifest with each file's size and checksum, written
last.
"""

import hashlib
import os
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import make_url

from database.day_file import AWAY
from database.segments import list_segments
from database.snapshot import snapshot
from exceptions import StartError
from utils.clock import format_time, now_us
from utils.files import sync_directory
from utils.settings import Settings
from utils.startup import running_pid

MANIFEST = "manifest.json"
LASTING = "redlog.db"
FOLDERS = ("logs", "journal", "quarantine", "attachments")
FORMAT = 1
COPIED_BYTES = 1 << 20
_NAME = re.compile(r"redlog\.db|secret|(logs|journal|quarantine|attachments)/[\w-][\w.-]*")


class Entry(msgspec.Struct, frozen=True):
    """A file of a backup."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds."""

    redlog_backup: int
    made_at: str
    files: dict[str, Entry]


# Backup.


def back_up(settings: Settings, target: Path) -> dict[str, Any]:
    """Copy a node, running or not, to the new folder `target`; it appears when it is complete.

    Returns {path, files, bytes, damaged_days}, and for MySQL the command that copies the records:
    to be run afterwards. Raises StartError.
    """
    if target.exists():
        raise StartError(f"{target} exists already; a backup needs a new name")
    os.umask(0o077)  # what records and secrets are copied to is for nobody else
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        partial.mkdir()
        damaged = _copy_all(settings, partial)
        manifest = _write_manifest(partial)
        partial.rename(target)
        sync_directory(target.parent)
    except (*AWAY, sqlite3.Error) as error:
        raise StartError(f"the backup failed: {type(error).__name__}: {error}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    result = {
        "path": str(target),
        "files": len(manifest.files),
        "bytes": sum(entry.bytes for entry in manifest.files.values()),
        "damaged_days": damaged,
    }
    dump = dump_command(settings)
    return result if dump is None else {**result, "then_copy_the_records_with": dump}


def _copy_all(settings: Settings, target: Path) -> list[str]:
    """Copy everything; the days that are damaged and were copied as they are.

    The journal is copied before the moment of the databases: whatever was acknowledged by then is
    in the copied segments or already in the store, and where both have it, the positions, which
    stand with the rows, say so at the replay.
    """
    data, damaged = settings.data_path, []
    for folder in FOLDERS:
        (target / folder).mkdir()
    for segment in list_segments(data / "journal"):
        _copy_file(segment, target / "journal" / segment.name)
    lasting = lasting_file(settings)
    if lasting is not None:
        if not lasting.exists():
            raise StartError(f"there is nothing to back up: {lasting} is not there")
        with snapshot(data, lasting) as taken:
            # A segment that is gone is stored, and its position may be forgotten.
            for copy in list_segments(target / "journal"):
                if copy.stem not in taken.segments:
                    copy.unlink()
            taken.copy_days(target / "logs")
            taken.copy_lasting(target / LASTING, target / "logs")
        damaged = taken.damaged
    for path in (data / "secret", *data.glob("quarantine/*"), *data.glob("attachments/*")):
        _copy_file(path, target / path.relative_to(data))
    return damaged


def lasting_file(settings: Settings) -> Path | None:
    """The file of the lasting tables; None when a database server holds them and the records."""
    if not settings.database.url:
        return settings.data_path / LASTING
    url = make_url(settings.database.url)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def dump_command(settings: Settings) -> str | None:
    """What copies the database when it is MySQL or MariaDB; it asks for the password."""
    if lasting_file(settings) is not None:
        return None
    url = make_url(settings.database.url)
    return (
        f"mysqldump --single-transaction --no-tablespaces --host={url.host or 'localhost'} "
        f"--port={url.port or 3306} --user={url.username} --password {url.database}"
    )


def _copy_file(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError:
        target.unlink(missing_ok=True)  # stored and removed meanwhile


def _write_manifest(folder: Path) -> Manifest:
    files = {
        str(path.relative_to(folder)): Entry(path.stat().st_size, _checksum(path, sync=True))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = Manifest(FORMAT, format_time(now_us()), files)
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    _checksum(folder / MANIFEST, sync=True)
    for directory in (*(folder / name for name in FOLDERS), folder):
        sync_directory(directory)
    return manifest


def _checksum(path: Path, sync: bool = False) -> str:
    checksum = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(COPIED_BYTES):
            checksum.update(piece)
        if sync:
            os.fsync(file.fileno())
    return checksum.hexdigest()


# Restore.


def restore(settings: Settings, source: Path) -> dict[str, Any]:
    """Bring a backup into the empty data directory; nothing is left there when it fails.

    Returns {made_at, files}. Raises StartError.
    """
    data = settings.data_path
    pid = running_pid(data / "redlog.pid")
    if pid is not None:
        raise StartError(f"a server runs on {data} (pid {pid}); stop it first")
    if any(path.name != "lost+found" for path in data.iterdir()):
        raise StartError(f"{data} is not empty; REDLOG_DATA_DIR names another")
    lasting = lasting_file(settings)
    if lasting is not None and lasting.exists():
        raise StartError(f"{lasting} exists already")
    manifest = _read_manifest(source)
    os.umask(0o077)
    targets = {name: data / name for name in manifest.files}
    if lasting is not None and LASTING in targets:
        targets[LASTING] = lasting
    try:
        _copy_checked(source, manifest, targets)
    except BaseException:
        for target in targets.values():
            target.unlink(missing_ok=True)
        for folder in FOLDERS:
            shutil.rmtree(data / folder, ignore_errors=True)
        raise
    return {"made_at": manifest.made_at, "files": len(manifest.files)}


def _read_manifest(source: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        raise StartError(f"{source} is no backup of RedLog, or not a whole one") from None
    if manifest.redlog_backup != FORMAT:
        raise StartError(f"{source} was made by another version of RedLog")
    for name in manifest.files:
        if not _NAME.fullmatch(name):
            raise StartError(f"{source} is no backup of RedLog: it lists {name!r}")
    return manifest


def _copy_checked(source: Path, manifest: Manifest, targets: dict[str, Path]) -> None:
    for name, entry in manifest.files.items():
        targets[name].parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(source / name, targets[name])
        except OSError as error:
            raise StartError(f"{source / name} can't be copied: {error.strerror}") from None
        copied = Entry(targets[name].stat().st_size, _checksum(targets[name], sync=True))
        if copied != entry:
            raise StartError(f"the backup is damaged: {source / name} is not what it was")
