"""Hand-written SQL on the days of a store: SQLite by apsw, MariaDB by PyMySQL."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import apsw
import pymysql
from sqlalchemy import make_url

from utils.clock import day_of


class Hand(Protocol):
    """Statements on `log` and `rollup`, day by day, with `?` for each value."""

    days: list[str]
    divided_by: str

    def ask(self, day: str, sql: str, values: tuple[Any, ...]) -> list[Any]:
        """The rows that are found in a day."""

    def sizes(self) -> Counter[str]:
        """The bytes on the disk of each kind of table, with its index."""

    def days_from(self, start: int | None) -> list[str]:
        """Those that can hold what was reported since, the newest first."""
        return [day for day in self.days if start is None or day >= day_of(start)]

    def count(self, start: int | None, sql: str, values: tuple[Any, ...]) -> Counter[Any]:
        """Sums of the last column by the others."""
        counts: Counter[Any] = Counter()
        for day in self.days_from(start):
            for *kind, records in self.ask(day, sql, values):
                counts[tuple(kind)] += records
        return counts


class OnSQLite(Hand):
    """The day files of a data directory."""

    divided_by = "/"

    def __init__(self, data: Path, stack: ExitStack) -> None:
        files = sorted((data / "logs").glob("*.db"), reverse=True)
        self.days = [file.stem for file in files]
        self._files = {
            file.stem: stack.enter_context(
                closing(apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE))
            )
            for file in files
        }

    def ask(self, day: str, sql: str, values: tuple[Any, ...]) -> list[Any]:
        """The rows that are found in a day."""
        return self._files[day].execute(sql, values).fetchall()

    def sizes(self) -> Counter[str]:
        """The bytes on the disk of each kind of table, with its index."""
        sql = (
            "SELECT tbl_name, sum(pgsize) FROM dbstat('main', 1) "
            "JOIN sqlite_schema USING (name) GROUP BY tbl_name"
        )
        sizes: Counter[str] = Counter()
        for day in self.days:
            sizes.update(dict(self.ask(day, sql, ())))
        return sizes


class OnMySQL(Hand):
    """The day tables of a database."""

    divided_by = "DIV"

    def __init__(self, url: str, stack: ExitStack) -> None:
        parts = make_url(url)
        self._connection = stack.enter_context(
            closing(
                pymysql.connect(
                    host=parts.host,
                    port=parts.port or 3306,
                    user=parts.username,
                    password=parts.password or "",
                    database=parts.database,
                )
            )
        )
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT name FROM log_partition ORDER BY name DESC")
            self.days = [name for (name,) in cursor.fetchall()]

    def ask(self, day: str, sql: str, values: tuple[Any, ...]) -> list[Any]:
        """The rows that are found in a day."""
        for table in ("log", "rollup"):
            sql = sql.replace(f"FROM {table} ", f"FROM {table}_{day} ")
        sql = sql.replace(" NOT INDEXED", "").replace("?", "%s")
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    def sizes(self) -> Counter[str]:
        """The bytes on the disk of each kind of table, with its index."""
        sizes: Counter[str] = Counter()
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT name, file_size FROM information_schema.innodb_sys_tablespaces "
                "WHERE name LIKE CONCAT(DATABASE(), '/%')"
            )
            for name, size in cursor.fetchall():
                sizes[name.partition("/")[2].rpartition("_")[0]] += size
        return sizes


@contextmanager
def hand_for(data: Path, url: str) -> Iterator[Hand]:
    """A hand for the store in a data directory, or at a URL."""
    with ExitStack() as stack:
        yield OnMySQL(url, stack) if url else OnSQLite(data, stack)
