"""Day files as another process sees them: Python's own SQLite, while the server has apsw."""

import sqlite3
from pathlib import Path


def count_rows(file: Path) -> int:
    """Committed rows; none was ever deleted, so the last id tells."""
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)
    try:
        return database.execute("SELECT max(id) FROM log").fetchone()[0] or 0
    except sqlite3.OperationalError:  # just being made
        return 0
    finally:
        database.close()


def bytes_on_disk(files: list[Path]) -> int:
    """The files' size with their write-ahead logs brought in; no server may run on them."""
    for file in files:
        database = sqlite3.connect(file)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
    return sum(file.stat().st_size for file in files)
