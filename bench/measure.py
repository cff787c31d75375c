"""The measurements. Each function measures once and returns named figures; `run.py` repeats them.

A figure and its reference are measured one right after the other, and their ratio is taken there
and then: a machine that others share changes its speed by a factor of two between minutes.
"""

import json
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bodies import NEEDLE, USER, Bodies, write_bodies
from load import Load, Sending, press
from server import BENCH, PeakMemory, RedLog, count_rows, redlog, reference

Figures = dict[str, float]
PATH = "/api/v1/logs"
SIZES = (1, 100, 1000)
ROTATED = 200_000  # distinct records in a rotation
WARM_SECONDS = 1
POLL_SECONDS = 0.02
QUERY_RUNS = 20
ANCESTOR_REQUESTS = 200  # each starts a thread; thousands of them would never end
ANCESTOR_QUIET_SECONDS = 35  # longer than it waits for a lock
QUERIES = {
    "newest": f"{PATH}?limit=100",
    "level": f"{PATH}?limit=100&level=error",
    "user": f"{PATH}?limit=100&user_id={USER}",
    "substring": f"{PATH}?limit=100&q={quote(NEEDLE)}",
    "histogram": f"{PATH}/histogram?interval=1m&by=level",
}


@dataclass(frozen=True)
class Plan:
    """How much is measured, and with which prepared bodies."""

    seconds: int
    rotated: dict[int, Bodies]  # by records a request
    distinct: Bodies  # of 100 records, for what is sent exactly once
    query_records: int


def prepare(directory: Path, seconds: int, records: int, query_records: int, slices: int) -> Plan:
    """Write all bodies that the measurements need."""
    rotated = {
        size: write_bodies(directory / f"rotated-{size}", size, ROTATED // size, slices)
        for size in SIZES
    }
    distinct = write_bodies(directory / "distinct", 100, max(records, query_records) // 100, slices)
    return Plan(seconds, rotated, distinct, query_records)


def acknowledge(worker_class: str, plan: Plan) -> Figures:
    """Acknowledged requests a second, draining and with the drain paused, and the references."""
    figures = _acknowledged(worker_class, plan, 1, draining=True)
    figures["empty"] = _empty_route(worker_class, plan)
    figures |= _acknowledged(worker_class, plan, 1, draining=False)
    figures["ack_1/empty"] = figures["ack_1"] / figures["empty"]
    figures["paused_1/empty"] = figures["paused_1"] / figures["empty"]
    figures |= _acknowledged(worker_class, plan, 100, draining=True)
    figures |= _ancestor(plan)
    figures["ack_100/ancestor"] = figures["ack_100_records"] / figures["ancestor"]
    figures |= _acknowledged(worker_class, plan, 100, draining=False)
    figures |= _acknowledged(worker_class, plan, 1000, draining=True)
    figures |= _acknowledged(worker_class, plan, 1000, draining=False)
    figures["failed"] = sum(figures[name] for name in figures if name.endswith("_failed"))
    return figures


def _acknowledged(worker_class: str, plan: Plan, size: int, draining: bool) -> Figures:
    bodies = plan.rotated[size]
    name = f"{'ack' if draining else 'paused'}_{size}"
    with redlog(worker_class, WRITER__ENABLED=str(draining).lower()) as server:
        accepted = server.report(bodies.first()).get("accepted")
        if accepted != size:
            raise RuntimeError(f"of {size} records the server accepted {accepted}")
        with PeakMemory(server) as peak:
            load = _pressed(server.report_url, bodies, plan.seconds, server.report_headers)
    return {
        name: load.rate,
        f"{name}_records": load.rate * size,
        f"{name}_p50": load.p50_ms,
        f"{name}_p99": load.p99_ms,
        f"{name}_failed": load.failed,
        f"{name}_peak": peak.value,
    }


def _empty_route(worker_class: str, plan: Plan) -> float:
    with reference("empty_flask:app", worker_class) as server:
        return _pressed(f"{server.url}{PATH}", plan.rotated[1], plan.seconds, {}).rate


def _pressed(url: str, bodies: Bodies, seconds: int, headers: dict[str, str]) -> Load:
    press(url, bodies, WARM_SECONDS, headers)
    return press(url, bodies, seconds, headers)


def _ancestor(plan: Plan) -> Figures:
    """What the ancestor's way has stored once its threads are done, and what it lost."""
    sent = ANCESTOR_REQUESTS * 100
    with reference("ancestor:app", "gthread") as server:
        sending = Sending(f"{server.url}{PATH}", plan.distinct, limit=ANCESTOR_REQUESTS)
        sending.wait(timeout=60)
        file = server.directory / "ancestor.db"
        at_last_answer = count_rows(file)
        stored, at = _wait_for_rows(lambda: count_rows(file), sent, ANCESTOR_QUIET_SECONDS)
    return {
        "ancestor": stored / (at - sending.started),
        "ancestor_unsafe": 1 - at_last_answer / sent,
        "ancestor_lost": 1 - stored / sent,
    }


def sustained(worker_class: str, plan: Plan) -> Figures:
    """Distinct records at full speed until the last one is stored; memory; disk; bulk loads."""
    with redlog(worker_class) as server:
        for _ in range(50):  # both workers have answered something
            server.get("/logs?limit=1")
        idle = server.memory()
        with PeakMemory(server) as peak:
            times = _send_all(server, plan.distinct, plan.distinct.records)
        total = _records_found(server)
        if total != plan.distinct.records:
            raise RuntimeError(f"{plan.distinct.records} records were sent, {total} are found")
        after = server.memory()
        server.stop()
        figures = {
            **times,
            "idle": idle,
            "peak": peak.value,
            "after": after,
            "bytes_a_record": _bytes_on_disk(server.day_files()) / total,
        }
        bulk = _run_json("bulk_load.py", str(max(server.day_files(), key=_size)), "--json")
    for way, rate in bulk.items():
        figures[f"bulk_{way}"] = rate
        figures[f"queryable/bulk_{way}"] = figures["queryable"] / rate
    return figures


def _send_all(server: RedLog, bodies: Bodies, records: int) -> Figures:
    """Send so many records once, wait until they are stored, and return rates of records."""
    limit = records // bodies.size if records < bodies.records else 0
    sending = Sending(server.report_url, bodies, server.report_headers, limit)
    try:
        stored, found_at, at_end, end = 0, 0.0, 0, 0.0
        deadline = time.monotonic() + 60 + records / 10_000
        while stored < records and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            over = sending.ended > 0
            stored, found_at = server.stored(), time.monotonic()
            if over and not end:
                at_end, end = stored, found_at
    finally:
        sending.wait(timeout=60)
    if stored < records:
        raise RuntimeError(f"only {stored} of {records} records were stored")
    figures = {
        "acknowledged": records / (sending.ended - sending.started),
        "queryable": records / (found_at - sending.started),
    }
    if end and records - at_end > 50_000:
        figures["drained_only"] = (records - at_end) / (found_at - end)
    return figures


def queries(worker_class: str, plan: Plan) -> Figures:
    """Median milliseconds of queries over HTTP, and of the store's search beside plain SQL."""
    with redlog(worker_class) as server:
        _send_all(server, plan.distinct, plan.query_records)
        time.sleep(2)  # let the writer finish what it does after the last record
        connection = server.connection()
        figures = {}
        for name, path in QUERIES.items():
            times = []
            for _ in range(QUERY_RUNS):
                begun = time.perf_counter()
                connection.request("GET", path, headers=server.reader_headers)
                reply = connection.getresponse()
                body = reply.read()
                times.append((time.perf_counter() - begun) * 1000)
                if reply.status != 200:
                    raise RuntimeError(f"{path}: {reply.status} {body[:500]!r}")
            figures[f"http_{name}"] = statistics.median(times)
        connection.close()
        server.stop()
        compared = _run_json("query.py", str(server.data), "--app", str(server.app), "--json")
    for name, times in compared.items():
        ours, by_hand = times
        figures[f"store_{name}"] = ours
        figures[f"sql_{name}"] = by_hand
        figures[f"store/sql_{name}"] = ours / by_hand
    return figures


SUITES: dict[str, Callable[[str, Plan], Figures]] = {
    "acknowledge": acknowledge,
    "sustained": sustained,
    "queries": queries,
}


def _records_found(server: RedLog) -> int:
    """How many records a reader finds over HTTP."""
    buckets = server.get("/logs/histogram?interval=1h")["buckets"]
    return sum(bucket["total"] for bucket in buckets)


def _wait_for_rows(count: Callable[[], int], wanted: int, quiet: float) -> tuple[int, float]:
    """Wait for so many rows, or until no more come; returns the rows and when the last came."""
    rows, at = count(), time.monotonic()
    while rows < wanted and time.monotonic() - at < quiet:
        time.sleep(POLL_SECONDS)
        now = count()
        if now > rows:
            rows, at = now, time.monotonic()
    return rows, at


def _bytes_on_disk(files: list[Path]) -> int:
    for file in files:
        database = sqlite3.connect(file)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
    return sum(_size(file) for file in files)


def _size(file: Path) -> int:
    return file.stat().st_size


def _run_json(script: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(BENCH / script), *arguments], capture_output=True, text=True
    )
    if done.returncode != 0:
        raise RuntimeError(f"{script}: {done.stderr}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures
