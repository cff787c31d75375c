"""Day files: one SQLite database per received UTC day, opened through apsw only.

A second SQLite library on the same file in one process would drop the first one's locks, so
everything that touches a day file goes through here.
"""

import fcntl
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path

import apsw
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from database.rollup import REBUILD, SCHEMA_SINCE
from database.tables import block, block_part, day_metadata, log, rollup
from utils.text import contains_folded

SCHEMA_VERSION = 4
BUSY_MS = 5000
MAX_IDLE_READERS = 32
LOOK_STEPS = 20_000  # of SQLite's machine, about 0.5 ms: as seldom a query looks at the clock
FREE_SECONDS = 10.0  # a query that takes longer frees the dropped file's disk itself
FREE_POLL_SECONDS = 0.05
SHARED_LOCK = (510, 0x40000002)  # bytes and offset (sqlite.org/fileformat2.html, "lock-byte page")
_dialect = sqlite.dialect()
_OF_RECORDS = (log, rollup, block, block_part)

DAMAGED = (apsw.CorruptError, apsw.NotADBError)

# What a store that is away, full or damaged raises: wait and try again, nothing is wrong with
# the rows. The lasting tables hold no rows, so whatever fails there is of this kind.
AWAY = (
    SQLAlchemyError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.FullError,
    apsw.IOError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.ReadOnlyError,
    apsw.NoMemError,
    apsw.PermissionsError,
    OSError,
)


def _schema() -> str:
    statements = []
    for table in day_metadata.sorted_tables:
        statements.append(str(CreateTable(table, if_not_exists=True).compile(dialect=_dialect)))
        for index in table.indexes:
            created = CreateIndex(index, if_not_exists=True)
            statements.append(str(created.compile(dialect=_dialect)))
    return ";".join(statements)


def _connect(path: Path, flags: int) -> apsw.Connection:
    # NOMUTEX: each connection is used by one thread at a time, and binding is a third faster.
    connection = apsw.Connection(str(path), flags=flags | apsw.SQLITE_OPEN_NOMUTEX)
    connection.set_busy_timeout(BUSY_MS)
    return connection


def open_for_writing(path: Path) -> apsw.Connection:
    """Open a day's file, making it when it is new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA cache_size = -32768")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    version = connection.pragma("user_version")
    if version < SCHEMA_VERSION:
        steps = [_schema(), *(_changes(connection, version) if version else ())]
        connection.execute(
            f"BEGIN IMMEDIATE; {';'.join(steps)}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT"
        )
    return connection


def _changes(connection: apsw.Connection, version: int) -> list[str]:
    """What gives an older version's file the columns that it lacks, which may be null, and its
    roll-up.
    """
    there = {row[1] for row in connection.execute("PRAGMA table_info(log)")}
    missing = [column for column in log.c if column.name not in there]
    added = (CreateColumn(column).compile(dialect=_dialect) for column in missing)
    columns = [f"ALTER TABLE log ADD COLUMN {column}" for column in added]
    return columns + [REBUILD] * (version < SCHEMA_SINCE)


def open_for_reading(path: Path) -> apsw.Connection:
    """Open a day's file to read. Raises apsw.CantOpenError when it is not there."""
    connection = _connect(path, apsw.SQLITE_OPEN_READWRITE)
    connection.execute("PRAGMA query_only = ON")
    connection.create_scalar_function("contains_folded", _contains_folded, 2, deterministic=True)
    return connection


@contextmanager
def until(connection: apsw.Connection, deadline: float | None) -> Iterator[None]:
    """Let no statement run beyond a deadline of `time.monotonic`.

    It then raises apsw.InterruptError.
    """
    if deadline is not None:
        connection.set_progress_handler(lambda: time.monotonic() >= deadline, LOOK_STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None)


def read_positions(path: Path) -> dict[str, int]:
    """How far each segment is stored in a day's file, which is opened for no more than that."""
    with closing(_connect(path, apsw.SQLITE_OPEN_READWRITE)) as connection:
        if not connection.pragma("user_version"):  # its maker was killed
            return {}
        return dict(connection.execute("SELECT segment, position FROM journal_position"))


def _contains_folded(*values: "apsw.SQLiteValue") -> bool:
    text, needle = values
    return contains_folded(str(text), str(needle))


class Readers:
    """Reading connections that wait between requests, so that a query need not open files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._idle: OrderedDict[apsw.Connection, tuple[str, int]] = OrderedDict()

    @contextmanager
    def reading(self, day: str) -> Iterator[apsw.Connection]:
        """A connection to a day's file, for one thread at a time."""
        file = (day, self._inode(day))
        connection = self._take(file) or open_for_reading(path_of(self.folder, day))
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._give_back(file, connection)

    def _inode(self, day: str) -> int:
        """What tells a day's file from one that was dropped before it; 0 when there is none."""
        try:
            return os.stat(path_of(self.folder, day)).st_ino
        except OSError:
            return 0

    def _take(self, file: tuple[str, int]) -> apsw.Connection | None:
        with self._lock:
            for connection, its_file in self._idle.items():
                if its_file == file:
                    del self._idle[connection]
                    return connection
        return None

    def _give_back(self, file: tuple[str, int], connection: apsw.Connection) -> None:
        with self._lock:
            self._idle[connection] = file
            oldest = (
                self._idle.popitem(last=False)[0] if len(self._idle) > MAX_IDLE_READERS else None
            )
        if oldest is not None:
            oldest.close()

    def release_dropped(self) -> None:
        """Close the files of dropped days: an open file keeps its disk."""
        with self._lock:
            idle = self._idle.items()
            gone = [connection for connection, (day, inode) in idle if self._inode(day) != inode]
            for connection in gone:
                del self._idle[connection]
        for connection in gone:
            connection.close()


@lru_cache(maxsize=1000)
def path_of(folder: Path, day: str) -> Path:
    """Where a day's file lies."""
    return folder / f"{day}.db"


def delete_day(folder: Path, day: str) -> None:
    """Unlink a day's file and what SQLite keeps beside it; `_free` gives the disk back."""
    path = path_of(folder, day)
    held = os.open(path, os.O_RDWR | os.O_CLOEXEC) if path.exists() else None
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    if held is not None:
        threading.Thread(target=_free, args=(held,), name="free-disk", daemon=True).start()


def _free(descriptor: int) -> None:
    """Be the last to let go of a deleted file.

    That frees its disk and takes 0.3 s for a gigabyte: `os.close` lets the process's other threads
    run meanwhile, and apsw's `close` does not.
    """
    deadline = time.monotonic() + FREE_SECONDS
    while _is_open_elsewhere(descriptor) and time.monotonic() < deadline:
        time.sleep(FREE_POLL_SECONDS)
    os.close(descriptor)


def _is_open_elsewhere(descriptor: int) -> bool:
    """Whether another process has the file open: in WAL mode it holds SQLite's shared lock then."""
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, *SHARED_LOCK)
    except OSError:
        return True
    return False


def empty(connection: apsw.Connection) -> bool:
    """Delete a day's records and give their disk back; batch keys and positions stay.

    False when there was none.
    """
    if connection.execute("SELECT 1 FROM log LIMIT 1").fetchone() is None:
        return False
    deletes = "; ".join(f"DELETE FROM {table.name}" for table in _OF_RECORDS)  # nosec B608
    connection.execute(f"BEGIN IMMEDIATE; {deletes}; COMMIT")
    connection.execute("VACUUM")
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    return True


def size_of(folder: Path, day: str) -> int:
    """The bytes that a day takes on the disk."""
    sizes = 0
    for suffix in ("", "-wal"):
        try:
            sizes += Path(f"{path_of(folder, day)}{suffix}").stat().st_size
        except FileNotFoundError:
            continue
    return sizes
