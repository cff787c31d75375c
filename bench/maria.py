"""MariaDB under test: a server of its own on a free port, and RedLog on it.

It keeps MariaDB's own defaults, among them a buffer pool of 128 MB, a log of 96 MB and a write to
the disk at each commit: small enough that at a million records it already works as a full one does.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.append(str(Path(__file__).resolve().parent.parent / "test_case"))

from mariadb import MISSING, MariaDB, is_here

from database.catalogue import Catalogue
from database.engine import open_engine
from server import RedLog
from utils.settings import Database

POOL = "128M"


def require_mariadb() -> None:
    """Leave with a line that helps when MariaDB is not installed."""
    if not is_here():
        raise SystemExit(MISSING)


@contextmanager
def mariadb(pool: str = POOL) -> Iterator[MariaDB]:
    """A started MariaDB, which is killed, and its files removed, afterwards. `pool` is the size of
    its buffer pool.
    """
    options = (f"--innodb-buffer-pool-size={pool}", "--innodb-log-file-size=96M")
    with tempfile.TemporaryDirectory(prefix="redlog-bench-") as directory:
        server = MariaDB(Path(directory), *options)
        try:
            yield server.start()
        finally:
            server.kill()


def version(server: MariaDB) -> str:
    """Its name and version, as in "MariaDB 10.11.6"."""
    number = str(server.run("SELECT VERSION()")[0][0])
    return f"MariaDB {number.partition('-')[0]}"


class RedLogOnMariaDB(RedLog):
    """RedLog with its records in a database."""

    def __init__(self, directory: Path, worker_class: str, url: str) -> None:
        super().__init__(directory, worker_class, DATABASE__URL=url)
        self.database = url
        self._catalogue = Catalogue(open_engine(Database(url), self.data))

    def stored(self) -> int:
        """How many records are committed: each transaction counts its rows in the catalogue."""
        return sum(partition.records for partition in self._catalogue.partitions())

    def largest_day(self) -> str:
        """The day of most records: around midnight there are two."""
        return max(self._catalogue.partitions(), key=lambda partition: partition.records).name


@contextmanager
def redlog_on_mariadb(database: MariaDB, worker_class: str) -> Iterator[RedLogOnMariaDB]:
    """A RedLog with a fresh database, in a directory that is removed afterwards."""
    url = database.url(database.new_database())
    with (
        tempfile.TemporaryDirectory(prefix="redlog-bench-") as directory,
        RedLogOnMariaDB(Path(directory), worker_class, url) as server,
    ):
        yield server
