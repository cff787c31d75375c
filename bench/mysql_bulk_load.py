"""The reference for the store on MariaDB: the rows of a day, loaded into a fresh table like it.

    python bench/mysql_bulk_load.py --url mysql+pymysql://… --day YYYYMMDD [--json]

The same LOAD DATA LOCAL as the store's, as many rows a transaction as the writer takes at once,
and nothing beside it: no decoding, no batch keys, counters or position, no requests. The clock
runs while rows are escaped, sent and committed; they are read outside it.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from sqlalchemy import Engine

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from database.engine import open_engine
from database.mysql_bulk import load, pack
from database.mysql_engine import patient
from database.mysql_tables import table_of
from database.rows import COLUMNS, WIDTH, Values
from utils.settings import Database

ROWS = 16_000  # in a transaction: about 4 MiB of the journal
PIECE = 100  # rows at a time, as reports bring them
FRESH = "bulk_load"


def bulk_load(engine: Engine, table: str) -> float:
    """Rows a second from `table` into a fresh one, which is dropped again."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {FRESH}")
        connection.exec_driver_sql(f"CREATE TABLE {FRESH} LIKE {table}")
    rows, seconds = 0, 0.0
    for batch in _batches(engine, table):
        begun = time.perf_counter()
        with engine.begin() as connection:
            records = sum(map(len, batch)) // WIDTH
            load(connection, FRESH, map(pack, batch), records)
            rows += records
        seconds += time.perf_counter() - begun
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE {FRESH}")
    return rows / seconds


def _batches(engine: Engine, table: str) -> Iterator[list[Values]]:
    names = ", ".join(f"`{name}`" for name in COLUMNS)
    sql = f"SELECT id, {names} FROM {table} WHERE id > %s ORDER BY id LIMIT {ROWS}"
    last = 0
    with engine.connect() as connection:
        while rows := connection.exec_driver_sql(sql, (last,)).fetchall():
            last = rows[-1][0]
            pieces = (rows[at : at + PIECE] for at in range(0, len(rows), PIECE))
            yield [list(chain.from_iterable(row[1:] for row in piece)) for piece in pieces]


def main() -> None:
    """Load once and print rows a second."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--url", required=True, help="mysql+pymysql://… of a database with records")
    parser.add_argument("--day", required=True, help="the partition; no server may write to it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    engine = patient(open_engine(Database(options.url), Path()))
    rate = bulk_load(engine, table_of(options.day))
    print(json.dumps({"bulk": rate}) if options.json else f"{rate:,.0f} rows/s")


if __name__ == "__main__":
    main()
