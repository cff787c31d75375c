"""Measure RedLog beside its references and print one table (see README.md in this folder)."""

import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import click

from acknowledge import acknowledge
from load import require_wrk
from plan import Figures, Plan, prepare
from queries import queries
from server import ROOT, WORKER_CLASSES
from sustained import sustained
from table import Samples, circumstances, save, table

SUITES = {"acknowledge": acknowledge, "sustained": sustained, "queries": queries}
QUERY_RECORDS = 1_000_000
DOCS = ROOT / "docs" / "benchmarks.md"


@click.command(help=__doc__)
@click.option("--only", multiple=True, type=click.Choice(list(SUITES)), help="Only these.")
@click.option("--worker-class", multiple=True, type=click.Choice(list(WORKER_CLASSES)))
@click.option("--records", default=2_000_000, show_default=True, help="Distinct records to send.")
@click.option("--seconds", default=5, show_default=True, help="Length of a throughput run.")
@click.option("--repeat", default=3, show_default=True, help="Rounds; the table has the medians.")
@click.option("--wrk-threads", default=2, show_default=True, help="Threads of the load generator.")
@click.option("--quick", is_flag=True, help="A tenth of the records, 2 seconds, one round.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save here, between the markers. Default: docs/benchmarks.md, but only a whole run.",
)
def main(
    only: tuple[str, ...],
    worker_class: tuple[str, ...],
    records: int,
    seconds: int,
    repeat: int,
    wrk_threads: int,
    quick: bool,
    output: Path | None,
) -> None:
    """Run the suites and show the table."""
    require_wrk()
    query_records = QUERY_RECORDS
    if quick:
        records, query_records, seconds, repeat = records // 10, query_records // 10, 2, 1
    with tempfile.TemporaryDirectory(prefix="redlog-bench-") as directory:
        _say("preparing bodies")
        plan = prepare(Path(directory), seconds, records, query_records, wrk_threads)
        suites, classes = only or tuple(SUITES), worker_class or tuple(WORKER_CLASSES)
        samples = _measure(suites, classes, repeat, plan)
    shown = [word for word in sys.argv[1:] if word not in ("--output", str(output))]
    command = " ".join(["python bench/run.py", *shown])
    text = f"{circumstances(command)}\n\n{table(samples)}"
    print(text)
    if output or not (only or worker_class or quick):
        save(output or DOCS, text)


def _measure(suites: tuple[str, ...], classes: tuple[str, ...], rounds: int, plan: Plan) -> Samples:
    samples: Samples = {name: defaultdict(list) for name in classes}
    for number in range(rounds):
        for suite in suites:
            for worker_class in classes:
                _say(f"round {number + 1} of {rounds}: {suite}, {worker_class}")
                figures = SUITES[suite](worker_class, plan)
                _say(_line(figures))
                for name, value in figures.items():
                    samples[worker_class][name].append(value)
    return samples


def _line(figures: Figures) -> str:
    return "  " + "  ".join(f"{name} {value:,.4g}" for name, value in figures.items())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
