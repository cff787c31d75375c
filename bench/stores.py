"""MariaDB's figures, and what dropping a large day costs on both stores (see README.md here)."""

import signal
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import click

from bodies import Bodies, write_bodies
from dropping import dropping
from load import require_wrk
from maria import mariadb, redlog_on_mariadb, require_mariadb, version
from outage import outage
from plan import Figures
from server import ROOT, WORKER_CLASSES, run_script
from sustained import require_found, send_all
from table import Row, Samples, circumstances, ratio, save, table

DOCS = ROOT / "docs" / "benchmarks.md"
RECORDS, SECONDS, REPEAT, DAY_RECORDS = 2_000_000, 4, 2, 5_000_000
ROTATED = 200_000
SENT_SIZES = (100, 1000)  # records a request while they are counted until they are stored
SIZES = (1, 100)  # records a request while the database is away
SLICES = 2  # threads of the load generator
SQLITE, MARIADB = "SQLite", "MariaDB"


def _outage_rows(size: int) -> list[Row]:
    text = f"{size} record{'s' * (size > 1)} a request"
    states = ("running", "stalled", "dead")
    return [
        Row(
            f"{text}, requests/s: database running · stalled · dead",
            "{:,.0f} · {:,.0f} · {:,.0f}",
            tuple(f"{state}_{size}" for state in states),
        ),
        Row("… p99 ms", "{:.1f} · {:.1f} · {:.1f}", tuple(f"{s}_p99_{size}" for s in states)),
        ratio(f"{text}, stalled / running", f"stalled/running_{size}", "≥ 0.9"),
        ratio(f"{text}, dead / running", f"dead/running_{size}", "≥ 0.9"),
        Row("… requests failed", "{:.0f}", (f"failed_{size}",), "0"),
    ]


def _drop_rows(what: str, text: str) -> list[Row]:
    return [
        Row(
            f"{text} {when} the drop: p50 · p99 · max ms",
            "{:.1f} · {:.1f} · {:.1f}",
            tuple(f"{what}_{measure}_{key}" for measure in ("p50", "p99", "max")),
            goal,
        )
        for key, when, goal in (("before", "before", ""), ("during", "during", "as before"))
    ]


def _sent_rows(size: int) -> list[Row]:
    text = f"Distinct records sent once, {size:,} a request: acknowledged/s"
    return [
        Row(text, "{:,.0f}", (f"acknowledged_{size}",)),
        Row("… **queryable/s**, first request to last record", "{:,.0f}", (f"queryable_{size}",)),
        Row("… drained/s once nothing is sent", "{:,.0f}", (f"drained_only_{size}",)),
        Row("… bulk load of them, LOAD DATA LOCAL, rows/s", "{:,.0f}", (f"bulk_{size}",)),
        ratio(f"Queryable / bulk load, {size:,} a request", f"queryable/bulk_{size}", "≥ 0.8"),
    ]


ROWS = [
    *(row for size in SENT_SIZES for row in _sent_rows(size)),
    *(row for size in SIZES for row in _outage_rows(size)),
    Row("A day dropped: records · MB", "{:,.0f} · {:,.0f}", ("drop_records", "drop_mb")),
    Row("… seconds until its disk is free", "{:.2f}", ("drop_seconds",), "at once"),
    *_drop_rows("report", "Reports"),
    *_drop_rows("query", "Queries"),
]


@click.command(help=__doc__)
@click.option("--worker-class", default="gthread", type=click.Choice(list(WORKER_CLASSES)))
@click.option("--records", default=RECORDS, show_default=True, help="Distinct records to send.")
@click.option("--seconds", default=SECONDS, show_default=True, help="Length of a throughput run.")
@click.option("--repeat", default=REPEAT, show_default=True, help="Rounds of outages.")
@click.option("--day-records", default=DAY_RECORDS, show_default=True, help="In the dropped day.")
@click.option("--quick", is_flag=True, help="A tenth of it all, one round; prints only.")
def main(
    worker_class: str, records: int, seconds: int, repeat: int, day_records: int, quick: bool
) -> None:
    """Measure and show the table."""
    require_wrk()
    require_mariadb()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leave nothing behind
    whole = (records, seconds, repeat, day_records) == (RECORDS, SECONDS, REPEAT, DAY_RECORDS)
    if quick:
        records, seconds, repeat, day_records = records // 10, 2, 1, day_records // 10
    samples: Samples = {SQLITE: defaultdict(list), MARIADB: defaultdict(list)}

    def note(column: str, figures: Figures) -> None:
        _say("  " + "  ".join(f"{name} {value:,.4g}" for name, value in figures.items()))
        for name, value in figures.items():
            samples[column][name].append(value)

    with tempfile.TemporaryDirectory(prefix="redlog-bench-") as directory:
        _say("preparing bodies")
        distinct = {
            size: write_bodies(Path(directory) / f"distinct-{size}", size, records // size, SLICES)
            for size in SENT_SIZES
        }
        rotated = {
            size: write_bodies(Path(directory) / f"rotated-{size}", size, ROTATED // size, SLICES)
            for size in SIZES
        }
        for size in SENT_SIZES:
            _say(f"queryable, {size} a request, and the bulk load")
            note(MARIADB, _sustained(worker_class, distinct[size]))
        for number in range(repeat):
            for size in SIZES:
                _say(f"round {number + 1} of {repeat}: outage, {size} a request")
                note(MARIADB, outage(worker_class, rotated[size], seconds))
        with mariadb() as database:
            for column, place in ((SQLITE, None), (MARIADB, database)):
                _say(f"dropping a day of {day_records:,} records, {column}")
                figures = dropping(worker_class, place, day_records, rotated[100])
                note(column, {"drop_records": day_records, **figures})
            text = f"{circumstances(_command(), version(database))}\n\n{table(samples, ROWS)}"
    print(text)
    if whole and not quick:
        save(DOCS, text, "stores")


def _sustained(worker_class: str, bodies: Bodies) -> Figures:
    """Distinct records at full speed until the last one is stored, and a bulk load of them."""
    with mariadb() as database, redlog_on_mariadb(database, worker_class) as server:
        figures = send_all(server, bodies, bodies.records)
        require_found(server, bodies.records)
        server.stop()
        day = server.largest_day()
        bulk = run_script("mysql_bulk_load.py", "--url", server.database, "--day", day, "--json")
    figures |= {**bulk, "queryable/bulk": figures["queryable"] / bulk["bulk"]}
    return {f"{name}_{bodies.size}": figure for name, figure in figures.items()}


def _command() -> str:
    return " ".join(["python bench/stores.py", *sys.argv[1:]])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
