"""Records of SDKs (Sentry, Faro) acknowledged a second, beside our own with as many a request.

    python bench/sdks.py [--seconds 3] [--worker-class gthread]

The drain is paused: it is the acknowledging path that the protocols differ in. The first and the
last turn of a protocol are seconds apart, with the others between, so that all meet the same
machine; the median of the turns counts.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from bodies import Bodies
from load import press, require_wrk
from sdk_bodies import PROTOCOLS, Protocol, write_bodies_of
from server import RedLog, redlog

TURNS, THREADS, BODIES = 3, 2, 200


def rate(server: RedLog, protocol: Protocol, bodies: Bodies, seconds: int) -> float:
    """Records a second that were acknowledged."""
    load = press(server.url + protocol.path, bodies, seconds, server.report_headers)
    if load.failed:
        raise RuntimeError(f"{protocol.name}: {load.failed} of {load.requests} requests failed")
    return load.rate * protocol.size


def measure(worker_class: str, seconds: int) -> dict[str, float]:
    """The median rate by protocol."""
    turns: dict[str, list[float]] = {protocol.name: [] for protocol in PROTOCOLS}
    with (
        tempfile.TemporaryDirectory(prefix="redlog-bench-") as folder,
        redlog(worker_class, WRITER__ENABLED="false") as server,
    ):
        bodies = {
            protocol.name: write_bodies_of(protocol, Path(folder) / str(number), BODIES, THREADS)
            for number, protocol in enumerate(PROTOCOLS)
        }
        for protocol in PROTOCOLS:
            rate(server, protocol, bodies[protocol.name], 1)  # loads the module
        for _ in range(TURNS):
            for protocol in PROTOCOLS:
                turns[protocol.name].append(rate(server, protocol, bodies[protocol.name], seconds))
    return {name: statistics.median(rates) for name, rates in turns.items()}


def main() -> None:
    """Print a row for each protocol."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3, help="of each turn")
    parser.add_argument("--worker-class", default="gthread", choices=("gthread", "meinheld"))
    options = parser.parse_args()
    require_wrk()
    rates = measure(options.worker_class, options.seconds)
    ours = {each.size: rates[each.name] for each in PROTOCOLS if each.name.startswith("native")}
    print("| protocol | records a request | acknowledged records/s | native |")
    print("|---|---|---|---|")
    for each in PROTOCOLS:
        beside = rates[each.name] / ours[each.size]
        print(f"| {each.name} | {each.size} | {rates[each.name]:,.0f} | {beside:.2f} |")


if __name__ == "__main__":
    main()
