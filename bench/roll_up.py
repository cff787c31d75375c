"""What the roll-up by minute costs the drain: records stored with it and without, in turn.

python bench/roll_up.py [--store mysql]
"""

import statistics
import sys
import time
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from database import preparing
from filling import Filling
from growth import COLUMNS, place

ROUNDS, RECORDS = 10, 100_000


@click.command(help=__doc__)
@click.option("--store", type=click.Choice(list(COLUMNS)), default="sqlite", show_default=True)
def main(store: str) -> None:
    """Print the rates of each round, and the median of their ratios."""
    count, ratios = preparing._count_minutes, []
    total = RECORDS * (2 * ROUNDS + 1)
    with (
        place(store) as (data, url, _),
        Filling(data, url, time.time_ns() // 1000, total) as filling,
    ):
        filling.add(RECORDS)
        for _ in range(ROUNDS):
            preparing._count_minutes = count
            whole = RECORDS / filling.add(RECORDS)
            preparing._count_minutes = lambda *_: ()
            without = RECORDS / filling.add(RECORDS)
            print(f"with it {whole:10,.0f}/s   without {without:10,.0f}/s")
            ratios.append(whole / without)
    low, high = min(ratios), max(ratios)
    print(f"with it / without {statistics.median(ratios):.2f} ({low:.2f}–{high:.2f})")


if __name__ == "__main__":
    main()
