"""A small disk of its own for a test, and what fills it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from utils.files import free_bytes

MIB = 1 << 20


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[str]:
    """Mount a small disk at a new folder; yields why not, if it can't be done (root only)."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        yield "mount is not installed"
        return
    if mounted.returncode:
        yield f"a small disk can be mounted by root only: {mounted.stderr.strip()}"
        return
    try:
        yield ""
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(ballast: Path, leave: int) -> None:
    """Write a file until only `leave` bytes are free."""
    with ballast.open("ab", buffering=0) as file:
        while (free := free_bytes(ballast.parent)) > leave:
            try:
                file.write(bytes(min(free - leave, MIB)))
            except OSError:  # the server was faster
                assert leave == 0
                return
