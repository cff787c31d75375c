"""The reference for the store: the rows of a day file, loaded into a fresh file of its schema.

    python bench/bulk_load.py DAY_FILE [--json]

The clock runs only while the database works: rows are read and shaped outside it. The last WAL
checkpoint counts. Nothing else is done: no decoding, no second process, no requests beside it.
"""

import argparse
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import apsw

TABLE = "log"
MANY = 50  # rows in one statement
PRAGMAS = [  # the store's own, see database/day_file.py and checkpoints.py
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "cache_size = -32768",
    "wal_autocheckpoint = 8192",
]
Rows = list[tuple[Any, ...]]


class Loader:
    """A fresh file through one of the two libraries; both take a statement and rows alike."""

    def __init__(self, library: str, file: Path, schema: Sequence[str], page_size: int) -> None:
        if library == "apsw":
            flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_NOMUTEX
            self._database: Any = apsw.Connection(str(file), flags=flags)
        else:
            self._database = sqlite3.connect(file, isolation_level=None)
        pragmas = [f"PRAGMA {pragma}" for pragma in [f"page_size = {page_size}", *PRAGMAS]]
        for statement in [*pragmas, *schema]:
            self._database.execute(statement).fetchall()

    def insert(self, statement: str, rows: Rows) -> None:
        """Insert rows in one transaction."""
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany(statement, rows)
        self._database.execute("COMMIT")

    def checkpoint(self) -> None:
        """Bring the write-ahead log into the file."""
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file."""
        self._database.close()


@dataclass(frozen=True)
class Way:
    """A way to load: the library, rows in a transaction, rows in a statement."""

    library: str
    rows_a_transaction: int
    rows_a_statement: int = 1

    @property
    def name(self) -> str:
        """What it is called in the table."""
        many = f", {self.rows_a_statement} rows a statement" if self.rows_a_statement > 1 else ""
        return f"{self.library}, {self.rows_a_transaction:,} rows a transaction{many}"


WAYS = {
    "sqlite3": Way("sqlite3", 5_000),
    "apsw": Way("apsw", 5_000),
    "apsw_20000": Way("apsw", 20_000),
    "apsw_many": Way("apsw", 20_000, MANY),
}


def load(source: Path, way: Way) -> float:
    """Load the rows of `source` in this way; returns rows a second."""
    reader = sqlite3.connect(source)
    columns = [row[1] for row in reader.execute(f"PRAGMA table_info({TABLE})") if row[1] != "id"]
    rows = reader.execute(f"SELECT {', '.join(columns)} FROM {TABLE} ORDER BY id")
    [page_size] = reader.execute("PRAGMA page_size").fetchone()
    with tempfile.TemporaryDirectory(prefix="redlog-bench-") as directory:
        loader = Loader(way.library, Path(directory) / "day.db", _schema(reader), page_size)
        loaded, seconds = 0, 0.0
        for chunk in _chunks(rows, way.rows_a_transaction):
            for width, shaped in _shaped(chunk, way.rows_a_statement):
                statement = _insert(columns, width)
                seconds += _timed(partial(loader.insert, statement, shaped))
            loaded += len(chunk)
        seconds += _timed(loader.checkpoint)
        loader.close()
    reader.close()
    return loaded / seconds


def _schema(database: sqlite3.Connection) -> list[str]:
    statements = "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL"
    return [row[0] for row in database.execute(f"{statements} ORDER BY type DESC", (TABLE,))]


def _chunks(rows: sqlite3.Cursor, size: int) -> Iterator[Rows]:
    while chunk := rows.fetchmany(size):
        yield chunk


def _shaped(chunk: Rows, width: int) -> Iterator[tuple[int, Rows]]:
    """The chunk as parameters of statements that are `width` rows wide, and what is left over."""
    if width == 1:
        yield 1, chunk
        return
    whole = len(chunk) // width * width
    if whole:
        groups = (chunk[k : k + width] for k in range(0, whole, width))
        yield width, [tuple(chain.from_iterable(group)) for group in groups]
    if whole < len(chunk):
        yield 1, chunk[whole:]


def _insert(columns: list[str], width: int) -> str:
    values = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {TABLE} ({', '.join(columns)}) VALUES {', '.join([values] * width)}"


def _timed(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Load in every way and print rows a second."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", type=Path, help="a day file, logs/YYYYMMDD.db; no server on it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    rates = {key: load(options.source, way) for key, way in WAYS.items()}
    if options.json:
        print(json.dumps(rates))
        return
    for key, rate in rates.items():
        print(f"{WAYS[key].name:55} {rate:>10,.0f} rows/s")


if __name__ == "__main__":
    main()
