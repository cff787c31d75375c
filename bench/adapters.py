"""How fast reports in the protocols of others are acknowledged, beside our own.

    python bench/adapters.py [--sizes 100 1000] [--rounds 2] [--only bulk]

The same records in each, 16 connections, the drain paused. Right before each turn of a protocol
there is one of our own, and their ratio is taken there and then.
"""

import argparse
import json
import statistics
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from bodies import Bodies, records
from foreign_bodies import NATIVE, PROTOCOLS, Protocol, Records
from load import press, require_wrk
from server import ROOT, RedLog, redlog
from table import Row, Samples, circumstances, ratio, save, table

BODIES, SLICES, SECONDS = 100, 2, 2
GOALS = {"otlp_protobuf": "≥ 0.3", "loki_json": "≥ 0.3", "bulk": "≥ 0.3"}


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


def turns(protocol: Protocol, size: int, rounds: int, folder: Path) -> dict[str, list[float]]:
    """Records acknowledged a second by our own protocol and by this one, and their ratio."""
    ours, theirs = (write(folder / each.name, each, size) for each in (NATIVE, protocol))
    figures: dict[str, list[float]] = {"native": [], protocol.name: [], f"{protocol.name}/n": []}
    with redlog("gthread", WRITER__ENABLED="false") as server:
        for each, bodies in ((NATIVE, ours), (protocol, theirs)):
            try_once(server, each, bodies)
            _rate(server, each, bodies, 1)
        for _ in range(rounds):
            native, foreign = (
                _rate(server, each, bodies, SECONDS)
                for each, bodies in ((NATIVE, ours), (protocol, theirs))
            )
            figures["native"].append(native)
            figures[protocol.name].append(foreign)
            figures[f"{protocol.name}/n"].append(foreign / native)
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
        made.append(Row(f"{each.text}, records/s", "{:,.0f}", (each.name,)))
        made.append(ratio(f"{each.text} / native", f"{each.name}/n", GOALS.get(each.name, "")))
    return made


def main() -> None:
    """Measure, print and, after a whole run, save."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", nargs="+", default=[each.name for each in PROTOCOLS])
    asked = parser.parse_args()
    require_wrk()
    protocols = [each for each in PROTOCOLS if each.name in asked.only]
    samples: Samples = {}
    for size in asked.sizes:
        column = samples.setdefault(f"{size:,} records a request", {})
        for each in protocols:
            with tempfile.TemporaryDirectory(prefix="redlog-bench-") as folder:
                for name, values in turns(each, size, asked.rounds, Path(folder)).items():
                    column.setdefault(name, []).extend(values)
            print(each.text, f"{statistics.median(column[f'{each.name}/n']):.2f}", flush=True)
    text = f"{circumstances('bench/adapters.py')}\n\n{table(samples, rows(protocols))}"
    print(text)
    if len(protocols) == len(PROTOCOLS) and set(asked.sizes) == {100, 1000}:
        save(ROOT / "docs" / "benchmarks.md", text, "adapters")


if __name__ == "__main__":
    main()
