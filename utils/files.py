"""Files: exclusive locks that die with their owner, durable small files, names in order of time,
free disk.
"""

import fcntl
import os
import time
from pathlib import Path


def try_lock(path: Path | str) -> int | None:
    """Take a file's lock and return its descriptor, or None when another holds it.

    The lock goes when the descriptor is closed, so also when its process is killed.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def is_locked(path: Path) -> bool:
    """Whether some process holds the file's lock."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def ordered_name() -> str:
    """A UUID of version 7 (RFC 9562): names made later sort later."""
    bits = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    bits = bits & ~(0xF << 76) & ~(0x3 << 62) | (0x7 << 76) | (0x2 << 62)
    text = f"{bits:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def replace_file(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a small file so that a reader finds the old or the new one, never half of it."""
    fresh = path.with_suffix(f".{os.getpid()}.new")
    fresh.touch(mode=mode)
    fresh.write_bytes(data)
    fresh.replace(path)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def ordered_name_time(name: str) -> int:
    """When an `ordered_name` was made, in microseconds."""
    return int(name.replace("-", "")[:12], 16) * 1000


def free_bytes(folder: Path) -> int:
    """What an ordinary user may still write to the folder's disk."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize
