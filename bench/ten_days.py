"""Twenty million records over ten days: every kind of query beside the best hand-written SQL on the
same days, and what the index of blocks and the roll-up cost (see README.md here).
"""

import signal
import sys
import time
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import query
from by_hand import hand_for
from database import mysql_index
from database.blocks import ROWS as BLOCK
from filling import APP, Filling
from growth import COLUMNS, DOCS, place
from table import Row, Samples, circumstances, ratio, save, table

WHOLE, DAYS = 20_000_000, 10
POOL = "2G"  # a third of the days, as an operator gives it; not the 128 MB of MariaDB's default
AT_ONCE = 500_000  # records in the journal
MOST = "≤ 1.5"
QUESTIONS = {
    "newest": ("Newest 100", "≤ 5"),
    "level": ("Newest 100 errors", "≤ 5"),
    "rare_level": ("A level that no record has, over 24 hours", ""),
    "user": ("Newest 100 of one user in 5,000", "≤ 50"),
    "device": ("Newest 100 of one device in 5,000", "≤ 50"),
    "session": ("One session of a few records", "≤ 50"),
    "trace": ("One trace of 8 records", "≤ 50"),
    "substring": ("A text in 1 of 100,000 messages, first page", "≤ 500"),
    "never": ("A text in no message, over 24 hours", "≤ 700"),
    "histogram_day": ("Histogram by level, 24 hours", ""),
    "histogram": ("Histogram by level, 10 days", "≤ 50"),
    "facets": ("Facets by user, 1 hour", "≤ 200"),
}


def _asked(name: str, text: str, goal: str) -> list[Row]:
    beside = (f"first_{name}", f"store_{name}", f"sql_{name}")
    shown = "{:,.1f} · {:,.1f} · {:,.1f}"
    return [
        Row(f"{text}: the first time · store p50 · SQL p50, ms", shown, beside, goal),
        ratio(f"{text}: store / SQL", f"store/sql_{name}", MOST),
    ]


ROWS = [
    *(row for name, (text, goal) in QUESTIONS.items() for row in _asked(name, text, goal)),
    Row("The index of blocks: made in µs a record", "{:.2f}", ("index_us",)),
    Row(
        "Disk, bytes a record: records · index of blocks · roll-up",
        "{:.0f} · {:.1f} · {:.2f}",
        ("log_bytes", "block_part_bytes", "rollup_bytes"),
    ),
]


@click.command(help=__doc__)
@click.option("--store", type=click.Choice(list(COLUMNS)), default="sqlite", show_default=True)
@click.option("--records", default=WHOLE, show_default=True, help="Less: prints only.")
@click.option("--pool", default=POOL, show_default=True, help="MariaDB's buffer pool.")
def main(store: str, records: int, pool: str) -> None:
    """Fill ten days, ask, and show the table."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leave nothing behind
    with place(store, pool) as (data, url, others):
        with Filling(data, url, time.time_ns() // 1000, records, DAYS) as filling:
            for first in range(0, records, AT_ONCE):
                filling.add(min(AT_ONCE, records - first))
                print(f"{first + AT_ONCE:12,} records", file=sys.stderr, flush=True)
            figures = {"index_us": _index_us(filling)}
        with hand_for(data, url) as hand:
            for name, size in hand.sizes().items():
                figures[f"{name}_bytes"] = size / records
        for name, (first, ours, best) in query.compare(data, url, APP).items():
            figures |= {
                f"first_{name}": first,
                f"store_{name}": ours,
                f"sql_{name}": best,
                f"store/sql_{name}": ours / best,
            }
    samples: Samples = {COLUMNS[store]: {name: [value] for name, value in figures.items()}}
    command = f"python bench/ten_days.py --store {store} --records {records}"
    command += f" --pool {pool}" if store == "mysql" else ""
    text = f"{circumstances(command, *others)}\n\n{table(samples, ROWS)}"
    print(text)
    if records >= WHOLE:
        save(DOCS, text, f"ten-days-{store}")


def _index_us(filling: Filling) -> float:
    """Have the index made of what has none yet, as the writer does when nothing waits."""
    mysql_index.SETTLE_SECONDS = 0.0  # nobody else stores
    made, begun = 0, time.perf_counter()
    for partition in filling.store.catalogue.partitions():
        while filling.store.index(partition.name, True):
            made += 1
    return (time.perf_counter() - begun) * 1e6 / (made * BLOCK)


if __name__ == "__main__":
    main()
