"""Checkpoints of a day's write-ahead log, beside a writer that would wait for the disk in them."""

import threading
from contextlib import closing, suppress
from pathlib import Path

import apsw

BEGIN_PAGES = 3072  # a log of so many pages is worth a checkpoint beside the writer
RESTART_PAGES = 8192  # so many, and the writer brings in the rest: then the log begins anew


class Checkpoints:
    """One at a time, each in a thread and through a connection of its own."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def follow(self, connection: apsw.Connection, path: Path) -> None:
        """Take care of the log that grows with the commits of `connection`, a day's writer."""

        def committed(writer: apsw.Connection, _: str, pages: int) -> int:
            # What is raised here would make a commit look as if it had failed. That the thread is
            # at it (BusyError) or could not begin (RuntimeError) is left to the next commit.
            with suppress(apsw.Error, RuntimeError):
                if pages >= RESTART_PAGES:
                    writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                elif pages >= BEGIN_PAGES:
                    self._begin(path)
            return apsw.SQLITE_OK

        connection.set_wal_hook(committed)

    def finish(self, connection: apsw.Connection) -> bool:
        """Bring in all of a day's log; False when a reader holds some of it back."""
        self.wait()
        in_wal, done = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        return in_wal == done

    def wait(self) -> None:
        """Wait for the end of the one that runs."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _begin(self, path: Path) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=_checkpoint, args=(path,), name="checkpoint", daemon=True
            )
            self._thread.start()


def _checkpoint(path: Path) -> None:
    """Whatever fails here the writer meets too, and tells of it."""
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOMUTEX
    with suppress(apsw.Error), closing(apsw.Connection(str(path), flags=flags)) as connection:
        connection.pragma("user_version")  # what has read nothing knows of no log
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
