"""How fast reports in the protocols of others are acknowledged, beside our own.

    python bench/adapters.py [--sizes 1 100 1000] [--rounds 2] [--only bulk]

The same records in each, 16 connections, the drain paused. Right before each turn of a protocol
there is one of our own, and their ratio is taken there and then.
"""

import argparse
import json
import statistics
import tempfile
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from bodies import Bodies, records
from foreign_bodies import NATIVE, Protocol, Records
from foreign_bodies import PROTOCOLS as OF_LOGS
from load import press, require_wrk
from sdk_bodies import PROTOCOLS as OF_SDKS
from server import ROOT, RedLog, redlog
from table import Row, Samples, circumstances, ratio, save, table

BODIES, SLICES, SECONDS = 100, 2, 2
SIZES = (1, 100, 1000)
Figures = dict[str, list[float]]
PROTOCOLS = OF_LOGS + OF_SDKS
RATIOS = {"otlp_protobuf": "≥ 0.3", "loki_json": "≥ 0.3", "bulk": "≥ 0.3"}
RATES = {"sentry_events": "≥ 2,000"}


def write(prefix: Path, protocol: Protocol, size: int) -> Bodies:
    """Some bodies of `size` records in a protocol."""
    with ExitStack() as stack:
        files = [stack.enter_context(Path(f"{prefix}.{k}").open("w")) for k in range(SLICES)]
        for number, batch in enumerate(_batches(size)):
            files[number % SLICES].write(protocol.body(batch).hex() + "\n")
    return Bodies(prefix, size, BODIES, SLICES, packed=True)


def _batches(size: int) -> Iterator[Records]:
    made = map(json.loads, records(size * BODIES))
    return (list(islice(made, size)) for _ in range(BODIES))


def try_once(server: RedLog, protocol: Protocol, bodies: Bodies) -> None:
    """Send one body. Raises urllib's HTTPError, or RuntimeError when not all of it was taken."""
    headers = {**server.report_headers, "Content-Type": protocol.media}
    request = urllib.request.Request(
        f"{server.url}{protocol.path}", bytes.fromhex(bodies.first().decode()), headers
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        told = reply.read()
    if b'"errors":true' in told or b'"index":0' in told:
        raise RuntimeError(f"{protocol.text}: {told[:300]!r}")


def column(protocols: list[Protocol], size: int, rounds: int, folder: Path) -> Figures:
    """Records acknowledged a second by our own protocol and by these, and their ratios."""
    figures: Figures = defaultdict(list)
    with redlog("gthread", WRITER__ENABLED="false") as server:
        ours = write(folder / NATIVE.name, NATIVE, size)
        _rate(server, NATIVE, ours, 1)
        for each in protocols:
            theirs = write(folder / each.name, each, size)
            try_once(server, each, theirs)
            _rate(server, each, theirs, 1)
            for _ in range(rounds):
                native = _rate(server, NATIVE, ours, SECONDS)
                foreign = _rate(server, each, theirs, SECONDS)
                figures["native"].append(native)
                figures[each.name].append(foreign)
                figures[f"{each.name}/n"].append(foreign / native)
            print(
                size, each.text, f"{statistics.median(figures[f'{each.name}/n']):.2f}", flush=True
            )
    return figures


def _rate(server: RedLog, protocol: Protocol, bodies: Bodies, seconds: int) -> float:
    headers = {**server.report_headers, "Content-Type": protocol.media}
    load = press(f"{server.url}{protocol.path}", bodies, seconds, headers)
    if load.failed:
        raise RuntimeError(f"{protocol.text}: {load.failed} requests failed")
    return load.rate * bodies.size


def rows(protocols: list[Protocol]) -> list[Row]:
    """The table's lines."""
    made = [Row("Native, records/s (median of all turns)", "{:,.0f}", ("native",))]
    for each in protocols:
        goal = RATES.get(each.name, "")
        made.append(Row(f"{each.text}, records/s", "{:,.0f}", (each.name,), goal))
        made.append(ratio(f"{each.text} / native", f"{each.name}/n", RATIOS.get(each.name, "")))
    return made


def main() -> None:
    """Measure, print and, after a whole run, save."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", nargs="+", default=[each.name for each in PROTOCOLS])
    asked = parser.parse_args()
    require_wrk()
    protocols = [each for each in PROTOCOLS if each.name in asked.only]
    samples: Samples = {}
    for size in asked.sizes:
        measured = [each for each in protocols if size in each.sizes]
        with tempfile.TemporaryDirectory(prefix="redlog-bench-") as folder:
            samples[f"{size:,} a request"] = column(measured, size, asked.rounds, Path(folder))
    text = f"{circumstances('bench/adapters.py')}\n\n{table(samples, rows(protocols))}"
    print(text)
    if len(protocols) == len(PROTOCOLS) and set(asked.sizes) == set(SIZES):
        save(ROOT / "docs" / "benchmarks.md", text, "adapters")


if __name__ == "__main__":
    main()
