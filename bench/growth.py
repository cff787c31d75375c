"""Does a day stay fast as it grows? Insert rate and newest-100 latency, step by step, in one store.

No HTTP: the real writer drains prepared reports, and the store's own search is asked while nothing
else runs. Each figure is the median of three steps, of a fortieth of the records each: the first
three against the last three.
"""

import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from database.log_query import LogFilter
from filling import APP, SIZE, Filling
from maria import POOL, mariadb, require_mariadb, version
from plan import Figures
from server import ROOT
from table import Row, Samples, circumstances, ratio, save, table

DOCS = ROOT / "docs" / "benchmarks.md"
WHOLE = 20_000_000
STEPS = 40
COMPARED = 3
RUNS = 51
WARM_RECORDS = 20_000
COLUMNS = {"sqlite": "SQLite", "mysql": "MariaDB"}
ROWS = [
    Row("Records in the day, start · end", "{:,.0f} · {:,.0f}", ("few", "many")),
    Row("Inserted records/s, start · end", "{:,.0f} · {:,.0f}", ("rate", "rate_end")),
    ratio("Insert rate, end / start", "rate_end/rate", "≥ 0.8"),
    Row(
        "Newest 100, p50 ms, at the start · at the end", "{:.2f} · {:.2f}", ("newest", "newest_end")
    ),
    ratio("Newest 100, end / start", "newest_end/newest", "≤ 2"),
    Row("Disk, bytes a record", "{:.0f}", ("bytes_a_record",)),
]


@click.command(help=__doc__)
@click.option("--store", type=click.Choice(list(COLUMNS)), default="sqlite", show_default=True)
@click.option("--records", default=WHOLE, show_default=True, help="Less: prints only.")
def main(store: str, records: int) -> None:
    """Fill a store and show the table."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leave nothing behind
    step = max(SIZE, records // STEPS // SIZE * SIZE)
    total = WARM_RECORDS + step * STEPS
    with (
        place(store) as (data, url, others),
        Filling(data, url, time.time_ns() // 1000, total) as filling,
    ):
        figures = _grow(filling, step)
    samples: Samples = {COLUMNS[store]: {name: [value] for name, value in figures.items()}}
    command = f"python bench/growth.py --store {store} --records {records}"
    text = f"{circumstances(command, *others)}\n\n{table(samples, ROWS)}"
    print(text)
    if records >= WHOLE:
        save(DOCS, text, f"growth-{store}")


@contextmanager
def place(store: str, pool: str = POOL) -> Iterator[tuple[Path, str, list[str]]]:
    """A data directory, the database's URL, and versions to tell. `pool` is MariaDB's."""
    with tempfile.TemporaryDirectory(prefix="redlog-bench-") as directory:
        data = Path(directory) / "data"
        if store == "sqlite":
            yield data, "", []
            return
        require_mariadb()
        with mariadb(pool) as server:
            told = f"{version(server)} with a buffer pool of {pool}"
            yield data, server.url(server.new_database()), [told]


def _grow(filling: Filling, step: int) -> Figures:
    filling.add(WARM_RECORDS)
    total, rates, newest = WARM_RECORDS, [], []
    for _ in range(STEPS):
        rates.append(step / filling.add(step))
        newest.append(_newest_ms(filling))
        total += step
        print(
            f"{total:12,} records  {rates[-1]:9,.0f}/s  newest 100 {newest[-1]:6.2f} ms",
            file=sys.stderr,
            flush=True,
        )
    rate, rate_end = _ends(rates)
    few, many = _ends(newest)
    return {
        "few": WARM_RECORDS + step * (COMPARED + 1) / 2,
        "many": total - step * (COMPARED - 1) / 2,
        "rate": rate,
        "rate_end": rate_end,
        "rate_end/rate": rate_end / rate,
        "newest": few,
        "newest_end": many,
        "newest_end/newest": many / few,
        "bytes_a_record": sum(p.bytes for p in filling.store.catalogue.partitions()) / total,
    }


def _ends(values: list[float]) -> tuple[float, float]:
    return statistics.median(values[:COMPARED]), statistics.median(values[-COMPARED:])


def _newest_ms(filling: Filling) -> float:
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        page = filling.store.search(LogFilter(apps=(APP,)), 100)
        times.append((time.perf_counter() - begun) * 1000)
        if len(page.rows) != 100:
            raise RuntimeError(f"of the newest 100 records {len(page.rows)} were found")
    return statistics.median(times)


if __name__ == "__main__":
    main()
