"""Live tails: from a report's acknowledgement to the event at its readers, and what readers cost
reporting (see README.md here).
"""

import http.client
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from bodies import LOGGERS, RELEASES, Bodies, records, write_bodies
from load import press, require_wrk
from maria import mariadb, redlog_on_mariadb, require_mariadb, version
from plan import Figures
from server import BENCH, ROOT, RedLog, redlog
from table import Row, Samples, circumstances, ratio, save, table

DOCS = ROOT / "docs" / "benchmarks.md"
READERS, RATE, SECONDS, REPEAT = 50, 10_000, 20, 3
SIZE = 100  # records a report
SENDERS = 4
WARM_SECONDS = 2
SQLITE, MARIADB = "SQLite", "MariaDB"

ROWS = [
    Row("Records/s reported · readers", "{:,.0f} · {:.0f}", ("rate", "readers")),
    Row("Share of the records that a reader wants", "{:.2%}", ("share",), "1 %"),
    Row(
        "Acknowledgement to event: p50 · **p99** ms", "{:,.0f} · {:,.0f}", ("p50", "p99"), "≤ 1,000"
    ),
    Row("… max ms", "{:,.0f}", ("max",)),
    Row("… events that came · are missing", "{:,.0f} · {:.0f}", ("events", "missing"), "0 missing"),
    Row(
        "Reporting as fast as it goes, records/s: without readers · with them",
        "{:,.0f} · {:,.0f}",
        ("alone", "beside"),
    ),
    ratio("Reporting with readers / without", "beside/alone", "≥ 0.9"),
    Row("… p99 ms: without · with them", "{:.1f} · {:.1f}", ("alone_p99", "beside_p99")),
    Row(
        "… events/s of all readers · records/s that each was told it missed",
        "{:,.0f} · {:,.0f}",
        ("beside_events", "beside_missed"),
    ),
]


def filters(readers: int) -> list[str]:
    """Of all kinds; each finds about a hundredth of the records of `bodies`."""
    kinds: tuple[Callable[[int], dict[str, str]], ...] = (
        lambda n: {"q": f"user_id:*{n % 100:02}"},
        lambda n: {"q": f'"{n % 10}{n // 10 % 10} ms"'},
        lambda n: {"attr.battery": str(n % 100)},
        lambda n: {"level": "error", "logger": LOGGERS[n // 5 % 5]},
        lambda n: {"q": f"level:warning AND attr.network:lte AND release:{RELEASES[n // 5 % 4]}"},
    )
    return [urlencode(kinds[n % len(kinds)](n)) for n in range(readers)]


class Readers:
    """Such readers, in a process of their own, for the time of a `with`."""

    def __init__(self, server: RedLog, readers: int) -> None:
        self.filters = filters(readers)
        self.heard: dict[str, Any] = {}
        port = server.url.rpartition(":")[2]
        token = server.reader_headers["Authorization"].removeprefix("Bearer ")
        command = [sys.executable, str(BENCH / "tail_readers.py"), port]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._say(json.dumps({"token": token, "filters": self.filters}))
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("the readers were refused")

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def end(self) -> None:
        """Ask what they heard, and let them go."""
        self._say("stop")
        output, _ = self._process.communicate(timeout=60)
        self.heard = json.loads(output)


@contextmanager
def reading(server: RedLog, readers: int) -> Iterator[Readers]:
    """Readers beside what is measured."""
    beside = Readers(server, readers)
    try:
        yield beside
    finally:
        beside.end()


def latency(server: RedLog, readers: int, rate: int, seconds: int) -> Figures:
    """From the acknowledgement of each batch to its events, at a steady rate of records."""
    made = records(rate * seconds)
    batches = [[next(made) for _ in range(SIZE)] for _ in range(rate * seconds // SIZE)]
    bodies = [
        f'{{"context":{{"trace_id":"b{n}"}},"logs":[{",".join(batch)}]}}'.encode()
        for n, batch in enumerate(batches)
    ]
    with reading(server, readers) as beside:
        begun = time.time()
        acknowledged = _send(server, bodies, SIZE / rate)
        took = time.time() - begun
        time.sleep(3)
    events = [event for each in beside.heard["events"] for event in each if event[0] >= 0]
    waits = sorted((at - acknowledged[batch]) * 1000 for batch, at in events)
    counts = [_count(server, query) for query in beside.filters]
    return {
        "rate": rate * seconds / took,
        "readers": readers,
        "share": statistics.mean(counts) / (rate * seconds),
        "p50": waits[len(waits) // 2],
        "p99": waits[len(waits) * 99 // 100],
        "max": waits[-1],
        "events": len(events),
        "missing": sum(counts) - len(events),
    }


def _send(server: RedLog, bodies: list[bytes], every: float) -> list[float]:
    """Send the bodies at a steady pace; when each was acknowledged."""
    acknowledged = [0.0] * len(bodies)
    start = time.time() + 0.1

    def send(first: int) -> None:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
        for number in range(first, len(bodies), SENDERS):
            time.sleep(max(0.0, start + number * every - time.time()))
            connection.request("POST", "/api/v1/logs", bodies[number], server.report_headers)
            answer = connection.getresponse()
            answer.read()
            acknowledged[number] = time.time()
            if answer.status != 202:
                raise RuntimeError(f"a report was answered {answer.status}")

    threads = [threading.Thread(target=send, args=(first,)) for first in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return acknowledged


def _count(server: RedLog, query: str) -> int:
    found = server.get(f"/logs/histogram?interval=1d&from=-2d&{query}")
    return sum(bucket["total"] for bucket in found["buckets"])


def throughput(server: RedLog, readers: int, bodies: Bodies, seconds: int) -> Figures:
    """Reporting as fast as it goes, without and with readers, in an order that is fair to both:
    a database slows down for a while when it begins to write back what it has in memory.
    """
    press(server.report_url, bodies, WARM_SECONDS, server.report_headers)
    turns = [_turn(server, number, bodies, seconds) for number in (0, readers, readers, 0)]
    alone, beside = (turns[0], turns[3]), (turns[1], turns[2])
    rates = [statistics.mean(turn["rate"] for turn in turns) for turns in (alone, beside)]
    return {
        "alone": rates[0],
        "beside": rates[1],
        "beside/alone": rates[1] / rates[0],
        "alone_p99": statistics.mean(turn["p99"] for turn in alone),
        "beside_p99": statistics.mean(turn["p99"] for turn in beside),
        "beside_events": statistics.mean(turn["events"] for turn in beside),
        "beside_missed": statistics.mean(turn["missed"] for turn in beside),
    }


def _turn(server: RedLog, readers: int, bodies: Bodies, seconds: int) -> Figures:
    with reading(server, readers) as beside:
        press(server.report_url, bodies, WARM_SECONDS, server.report_headers)
        pressed = press(server.report_url, bodies, seconds, server.report_headers)
    if pressed.failed:
        raise RuntimeError("requests failed")
    return {
        "rate": pressed.rate * bodies.size,
        "p99": pressed.p99_ms,
        "events": sum(map(len, beside.heard["events"])) / (seconds + WARM_SECONDS),
        "missed": beside.heard["missed"] / (seconds + WARM_SECONDS) / max(readers, 1),
    }


@click.command(help=__doc__)
@click.option("--readers", default=READERS, show_default=True, help="Live tails.")
@click.option("--rate", default=RATE, show_default=True, help="Records a second, for the latency.")
@click.option("--seconds", default=SECONDS, show_default=True, help="Length of that.")
@click.option("--repeat", default=REPEAT, show_default=True, help="Rounds.")
@click.option("--store", multiple=True, type=click.Choice([SQLITE, MARIADB]), help="Only this.")
def main(readers: int, rate: int, seconds: int, repeat: int, store: tuple[str, ...]) -> None:
    """Measure and show the table."""
    require_wrk()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leave nothing behind
    stores = store or (SQLITE, MARIADB)
    samples: Samples = {column: defaultdict(list) for column in stores}
    versions: list[str] = []
    with tempfile.TemporaryDirectory(prefix="redlog-bench-") as directory:
        bodies = write_bodies(Path(directory) / "rotated", SIZE, 2000, 2)
        for number in range(repeat):
            for column in stores:
                print(f"round {number + 1} of {repeat}: {column}", file=sys.stderr, flush=True)
                with _server(column, versions) as server:
                    figures = latency(server, readers, rate, seconds)
                with _server(column, versions) as server:
                    figures |= throughput(server, readers, bodies, max(2, seconds // 4))
                shown = (f"{name} {value:,.4g}" for name, value in figures.items())
                print("  " + "  ".join(shown), file=sys.stderr, flush=True)
                for name, value in figures.items():
                    samples[column][name].append(value)
    command = " ".join(["python bench/tail.py", *sys.argv[1:]])
    text = f"{circumstances(command, *sorted(set(versions)))}\n\n{table(samples, ROWS)}"
    print(text)
    if len(sys.argv) == 1:
        save(DOCS, text, "tail")


@contextmanager
def _server(store: str, versions: list[str]) -> Iterator[RedLog]:
    if store == SQLITE:
        with redlog("gthread") as server:
            yield server
        return
    require_mariadb()
    with mariadb() as database, redlog_on_mariadb(database, "gthread") as server:
        versions.append(version(database))
        yield server


if __name__ == "__main__":
    main()
