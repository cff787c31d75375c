"""Batches that wait for their receipt: in a folder, where they outlive the process, or in memory.

    <folder>/<owner>.lock          held by the process that looks after the owner's batches
    <folder>/<owner>.<number>.json a batch, as it is sent

A file appears whole, by its renaming. Whoever finds a lock that nobody holds takes it, and so the
batches of a process that died; they keep their ids, so the server stores them once.
"""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Spool:
    """The batches, the oldest first. Not for several threads at once.

    Without a folder one batch is held, and what follows waits in the queue; so too while the folder
    can't be written.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, max_bytes: int) -> None:
        self._folder = Path(folder) if folder else None
        self._max_bytes = max_bytes
        self._names: deque[str] = deque()
        self._held: dict[str, bytes] = {}
        self._sizes: dict[str, int] = {}  # of the files
        self._bytes = 0
        self._locks: dict[str, int] = {}  # by owner
        self._owner = ""
        self._number = 0

    @property
    def is_full(self) -> bool:
        """Whether no batch may be added."""
        return self.is_held or self._bytes >= self._max_bytes

    @property
    def is_held(self) -> bool:
        """Whether a batch is in memory only."""
        return bool(self._held)

    def __bool__(self) -> bool:
        """Whether a batch waits."""
        return bool(self._names)

    def put(self, body: bytes) -> None:
        """Add a batch, behind all others."""
        self._number += 1
        self._names.append(self._write(f"{self._own()}.{self._number:012}", body))

    def first(self) -> tuple[str, bytes] | None:
        """The batch that is next, by its name; one that has vanished is passed over."""
        while self._names:
            name = self._names[0]
            try:
                return name, self._held.get(name) or self._path(name).read_bytes()
            except OSError:
                self.remove(name)
        return None

    def remove(self, name: str) -> None:
        """Forget a batch: there is a receipt for it, or it is of no use."""
        self._names.remove(name)
        self._bytes -= self._sizes.pop(name, 0)
        if self._held.pop(name, None) is None:
            _unlink(self._path(name))

    def split(self, name: str, body: bytes) -> bool:
        """Put its halves in a batch's place. The names and ids of these follow from its own, so
        that this may be done twice. False: it is a single record.
        """
        batch = json.loads(body)
        logs = batch.get("logs", [])
        if len(logs) < 2:
            return False
        halves = []
        for mark, half in (("a", logs[: len(logs) // 2]), ("b", logs[len(logs) // 2 :])):
            part = {**batch, "batch_id": batch["batch_id"] + mark, "logs": half}
            halves.append(self._write(name + mark, json.dumps(part).encode()))
        self.remove(name)
        for half in reversed(halves):
            if half not in self._names:  # it is, when this was interrupted
                self._names.appendleft(half)
        return True

    def adopt(self) -> None:
        """Take over the batches of processes that are gone."""
        if self._folder is None or not self._folder.is_dir():
            return
        with suppress(OSError):
            for owner in {name.partition(".")[0] for name in os.listdir(self._folder)}:
                if owner not in self._locks and self._claim(owner):
                    self._take_over(self._folder, owner)

    def _take_over(self, folder: Path, owner: str) -> None:
        found = sorted(folder.glob(f"{owner}.*.json"))
        for path in found:
            self._count(path.stem, path.stat().st_size)
        self._names.extendleft(path.stem for path in reversed(found))
        for torn in folder.glob(f"{owner}.*.tmp"):
            _unlink(torn)

    def tidy(self) -> None:
        """Let go of owners whose batches are gone, but for this process."""
        waiting = {name.partition(".")[0] for name in self._names}
        for owner in self._locks.keys() - waiting - {self._owner}:
            self._release(owner)

    def close(self) -> None:
        """Let go of all: what still waits is for whoever comes next."""
        waiting = {name.partition(".")[0] for name in self._names}
        for owner in list(self._locks):
            self._release(owner, keep=owner in waiting)

    def forget(self) -> None:
        """Let go as a child that was forked must: the locks are its parent's."""
        for file in self._locks.values():
            os.close(file)
        self._locks.clear()

    def _write(self, name: str, body: bytes) -> str:
        """Keep a batch under a name, in the folder if it can be written."""
        if self._folder is not None and name.partition(".")[0] in self._locks:
            path = self._path(name)
            try:
                path.with_suffix(".tmp").write_bytes(body)
                path.with_suffix(".tmp").replace(path)
                self._count(name, len(body))
                return name
            except OSError:
                _unlink(path.with_suffix(".tmp"))
        self._held[name] = body
        return name

    def _count(self, name: str, size: int) -> None:
        self._bytes += size - self._sizes.get(name, 0)
        self._sizes[name] = size

    def _own(self) -> str:
        """This process as an owner."""
        if self._owner not in self._locks:
            self._owner = uuid4().hex
            try:
                if self._folder is not None:
                    self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                    self._claim(self._owner)
            except OSError:
                pass  # held in memory until it works
        return self._owner

    def _claim(self, owner: str) -> bool:
        """Take an owner's lock, if nobody has it."""
        path = self._lock_path(owner)
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return False
        try:
            _lock(file)
            if os.fstat(file).st_ino != os.stat(path).st_ino:
                raise OSError("its owner has removed it meanwhile")
        except OSError:
            os.close(file)
            return False
        self._locks[owner] = file
        return True

    def _release(self, owner: str, keep: bool = False) -> None:
        if not keep:
            _unlink(self._lock_path(owner))
        os.close(self._locks.pop(owner))

    def _lock_path(self, owner: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{owner}.lock"

    def _path(self, name: str) -> Path:
        return (self._folder or Path()) / f"{name}.json"


def _unlink(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
