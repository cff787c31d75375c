"""Dropping a large day under a light load: does its disk come back at once, and who has to wait?

A report of 100 records every 10 ms and a query every 10 ms: the newest 100 records, and in turn the
newest 100 of the day that is dropped. Five seconds before, and five from the request to drop on.
"""

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bodies import Bodies
from database.catalogue import Catalogue
from filling import Filling
from maria import MariaDB, RedLogOnMariaDB
from plan import PATH, Figures
from server import RedLog
from utils.clock import DAY, SECOND, day_of, format_time, now_us

WINDOW_SECONDS = 5.0
WARM_SECONDS = 2.0
PAUSE_SECONDS = 0.01
POLL_SECONDS = 0.005
PATIENCE_SECONDS = 60.0
HOUR = 3600 * SECOND
GIVEN_BACK = 0.9  # of the day's bytes: others write to the disk meanwhile
BLOCK = 512  # bytes, the unit of st_blocks

Request = tuple[str, str, bytes | None, dict[str, str]]


class Pacing:
    """Does some work again and again in a thread of its own, and keeps how long it took, in ms."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._times: list[float] = []
        self._error: Exception | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._over.wait(PAUSE_SECONDS):
                begun = time.perf_counter()
                self._work()
                self._times.append((time.perf_counter() - begun) * 1000)
        except Exception as error:
            self._error = error

    def take(self) -> list[float]:
        """The times since the last call."""
        if self._error is not None:
            raise self._error
        times, self._times = self._times, []
        return times

    def stop(self) -> None:
        """End, after the work under way."""
        self._over.set()
        self._thread.join()


def dropping(worker_class: str, database: MariaDB | None, records: int, bodies: Bodies) -> Figures:
    """Latencies before and during the drop of yesterday's records, and seconds until the disk."""
    with tempfile.TemporaryDirectory(prefix="redlog-bench-") as directory:
        data, url = Path(directory) / "data", ""
        folder = data / "logs"
        if database is not None:
            name = database.new_database()
            folder, url = database.folder / "data" / name, database.url(name)
        yesterday = now_us() - DAY
        with Filling(data, url, yesterday, records) as filling:
            filling.add(records)
        os.sync()  # else writing it out would disturb what comes
        catalogue = Catalogue(filling.engine)
        with (
            _redlog(Path(directory), worker_class, url) as server,
            _load(server, bodies, yesterday) as (reports, queries),
        ):
            time.sleep(WARM_SECONDS)
            _take(reports, queries, "")
            time.sleep(WINDOW_SECONDS)
            figures = _take(reports, queries, "_before")
            begun = time.monotonic()
            figures |= _drop(catalogue, day_of(yesterday), folder)
            time.sleep(max(0.0, begun + WINDOW_SECONDS - time.monotonic()))
            figures |= _take(reports, queries, "_during")
    return figures


def _redlog(directory: Path, worker_class: str, url: str) -> RedLog:
    if url:
        return RedLogOnMariaDB(directory, worker_class, url)
    return RedLog(directory, worker_class)


@contextmanager
def _load(server: RedLog, bodies: Bodies, yesterday: int) -> Iterator[tuple[Pacing, Pacing]]:
    """Reports and queries, each over a connection of its own."""
    lines = Path(f"{bodies.prefix}.0").read_bytes().splitlines()
    hour = {"from": format_time(yesterday - HOUR), "to": format_time(yesterday)}
    paths = [f"{PATH}?limit=100", f"{PATH}?limit=100&{urlencode(hour)}"]
    headers = {**server.report_headers, "Content-Type": "application/json"}
    asked = cycle(("GET", path, None, server.reader_headers) for path in paths)
    told = cycle(("POST", PATH, line, headers) for line in lines)
    both = Pacing(_asking(server, told, 202)), Pacing(_asking(server, asked, 200))
    try:
        yield both
    finally:
        for pacing in both:
            pacing.stop()


def _asking(server: RedLog, requests: Iterator[Request], wanted: int) -> Callable[[], None]:
    """Work that sends the next request, over one connection, and reads its reply."""
    connection = server.connection()

    def ask() -> None:
        connection.request(*next(requests))
        reply = connection.getresponse()
        body = reply.read()
        if reply.status != wanted:
            raise RuntimeError(f"{reply.status} {body[:500]!r}")

    return ask


def _take(reports: Pacing, queries: Pacing, when: str) -> Figures:
    figures = {}
    for what, pacing in (("report", reports), ("query", queries)):
        times = sorted(pacing.take())
        figures[f"{what}_p50{when}"] = statistics.median(times)
        figures[f"{what}_p99{when}"] = times[len(times) * 99 // 100]
        figures[f"{what}_max{when}"] = times[-1]
    return figures


def _drop(catalogue: Catalogue, day: str, folder: Path) -> Figures:
    """Ask for the drop, and wait for the disk."""
    size = sum(file.stat().st_blocks * BLOCK for file in folder.glob(f"*{day}*"))
    wanted = _free_bytes(folder) + GIVEN_BACK * size
    begun = time.monotonic()
    if not catalogue.request_drop(day):
        raise RuntimeError(f"there is no partition {day}")
    while _free_bytes(folder) < wanted:
        if time.monotonic() - begun > PATIENCE_SECONDS:
            raise RuntimeError(f"the disk of {day} did not come back")
        time.sleep(POLL_SECONDS)
    return {"drop_mb": size / 1e6, "drop_seconds": time.monotonic() - begun}


def _free_bytes(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bfree * disk.f_frsize
