"""How fast rows go into MySQL or MariaDB: three ways to load them, and the store beside them.

    python bench/mysql_load.py --url mysql+pymysql://root@127.0.0.1/redlog_bench [--rows 400000]

Use a database of its own: the tables are dropped afterwards. Each way loads the same rows, 5,000 in
a transaction, and its clock includes what it makes of them (escaping, statements). "The store"
decodes reports of 100 records and stores them as the writer does, batch keys, counters and journal
position included; its ratio is taken to the same way in the same round.
"""

import argparse
import json
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from sqlalchemy import Connection, Engine

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from database import mysql_days
from database.day_append import Prepared
from database.engine import migrate, open_engine
from database.frame import Frame
from database.mysql_bulk import insert, load, pack
from database.mysql_store import MySQLStore
from database.mysql_tables import table_of
from database.preparing import packed
from database.rows import COLUMNS, WIDTH, Values, decode, make_rows, time_range
from utils.clock import day_of, now_us
from utils.record import Form
from utils.settings import Database

RECORDS = 100  # in a report
REPORTS = 50  # in a transaction of a way to load
STORED = 160  # and in one of the store: about 4 MiB of the journal
NOW = now_us()
DAY = day_of(NOW)
Way = Callable[[Connection, str, list[Values]], object]


def payloads(rows: int) -> Iterator[bytes]:
    """Distinct reports of 100 records."""
    for first in range(0, rows, RECORDS):
        yield json.dumps(
            [
                {
                    "message": f"payment {n} failed for order {uuid.uuid4().hex[:12]} 支付失败",
                    "time": NOW + n,
                    "level": "error",
                    "logger": "checkout.cart",
                    "environment": "production",
                    "release": "2.1.0",
                    "platform": "android",
                    "device_id": f"d-{n % 5000}",
                    "session_id": f"s-{n % 9999}",
                    "user_id": f"u-{n % 5000}",
                    "seq": n,
                    "attributes": {"screen": "home", "ms": n % 1000},
                }
                for n in range(first, first + RECORDS)
            ],
            ensure_ascii=False,
        ).encode()


def insert_many(connection: Connection, table: str, batch: list[Values]) -> None:
    """One INSERT of 1,000 rows at a time, bound by PyMySQL."""
    flat = [value for values in batch for value in values]
    row = f"({', '.join(['%s'] * WIDTH)})"
    names = ", ".join(f"`{name}`" for name in COLUMNS)
    for at in range(0, len(flat), 1000 * WIDTH):
        part = tuple(flat[at : at + 1000 * WIDTH])
        rows = ", ".join([row] * (len(part) // WIDTH))
        connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES {rows}", part)


def load_packed(connection: Connection, table: str, batch: list[Values]) -> None:
    """As the store does, packing included."""
    load(connection, table, map(pack, batch), sum(map(len, batch)) // WIDTH)


WAYS: dict[str, Way] = {
    "INSERT of 1,000 rows": insert_many,
    "executemany": lambda connection, table, batch: insert(connection, table, map(pack, batch)),
    "LOAD DATA LOCAL from memory": load_packed,
}


def rate_of(engine: Engine, way: Way, batches: list[list[Values]]) -> float:
    """Rows a second into an empty day table."""
    mysql_days.drop(engine, DAY)
    mysql_days.widen(engine, DAY, NOW, NOW)
    begun = time.perf_counter()
    for batch in batches:
        with engine.begin() as connection:
            way(connection, table_of(DAY), batch)
    rows = sum(len(values) for batch in batches for values in batch) // WIDTH
    return rows / (time.perf_counter() - begun)


def rate_of_store(store: MySQLStore, reports: list[bytes], round_number: int) -> float:
    """Rows a second from the journal's bytes to the last commit."""
    store.drop(DAY, ())
    begun = time.perf_counter()
    for first in range(0, len(reports), STORED):
        batch = (
            prepared(payload, f"{round_number}-{first + n}", first + n + 1)
            for n, payload in enumerate(reports[first : first + STORED])
        )
        for _ in store.append(f"bench-{round_number}", batch):
            pass
    return len(reports) * RECORDS / (time.perf_counter() - begun)


def prepared(payload: bytes, key: str, end: int) -> Prepared:
    """A report as the writer prepares it."""
    frame = Frame(1, NOW, RECORDS, Form.ARRAY, key, payload, end - 1, end)
    values = make_rows(1, NOW, decode(frame.form, payload))
    return packed(Prepared(frame, RECORDS, values, {}, time_range(values)), pack)


def main() -> None:
    """Measure every way and the store, round after round, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--url", required=True, help="mysql+pymysql://… of an empty database")
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    migrate(open_engine(Database(options.url), Path()))
    store = MySQLStore(open_engine(Database(options.url), Path()))
    reports = list(payloads(options.rows))
    values = [make_rows(1, NOW, decode(Form.ARRAY, payload)) for payload in reports]
    batches = [values[at : at + REPORTS] for at in range(0, len(values), REPORTS)]
    rates: dict[str, list[float]] = {name: [] for name in [*WAYS, "the store", "its ratio"]}
    for number in range(options.rounds):
        for name, way in WAYS.items():
            rates[name].append(rate_of(store.engine, way, batches))
        rates["the store"].append(rate_of_store(store, reports, number))
        rates["its ratio"].append(rates["the store"][-1] / rates[list(WAYS)[-1]][-1])
    mysql_days.drop(store.engine, DAY)
    for name, found in rates.items():
        print(f"{name:30} {median(found):>12,.2f}   ({min(found):,.2f}–{max(found):,.2f})")


if __name__ == "__main__":
    main()
