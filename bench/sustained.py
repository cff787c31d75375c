"""How fast distinct records become queryable, beside bulk loads of the same rows."""

import time

from bodies import Bodies
from bulk_load import WAYS
from day_files import bytes_on_disk
from load import Sending
from plan import Figures, Plan
from server import PeakMemory, RedLog, redlog, run_script

POLL_SECONDS = 0.05


def sustained(worker_class: str, plan: Plan) -> Figures:
    """Distinct records at full speed until the last one is stored; memory; disk; bulk loads."""
    figures = _sent(worker_class, plan.distinct[1000])
    large = {f"{name}_1000": figures[name] for name in ("acknowledged", "queryable")}
    figures = _sent(worker_class, plan.distinct[100]) | large
    for way in WAYS:
        rate = figures[f"bulk_{way}"]
        figures[f"queryable/bulk_{way}"] = figures["queryable"] / rate
        figures[f"queryable_1000/bulk_{way}"] = figures["queryable_1000"] / rate
    return figures


def _sent(worker_class: str, bodies: Bodies) -> Figures:
    with redlog(worker_class) as server:
        for _ in range(50):  # both workers have answered something
            server.get("/logs?limit=1")
        idle = server.memory()
        with PeakMemory(server) as peak:
            times = send_all(server, bodies, bodies.records)
        total = bodies.records
        require_found(server, total)
        after = server.memory()
        server.stop()
        largest = max(server.day_files(), key=lambda file: file.stat().st_size)
        bulk = run_script("bulk_load.py", str(largest), "--json")
        return {
            **times,
            **{f"bulk_{way}": rate for way, rate in bulk.items()},
            "idle": idle,
            "peak": peak.value,
            "after": after,
            "bytes_a_record": bytes_on_disk(server.day_files()) / total,
        }


def send_all(server: RedLog, bodies: Bodies, records: int) -> Figures:
    """Send so many records once, wait until they are stored, and return rates of records."""
    limit = records // bodies.size if records < bodies.records else 0
    sending = Sending(server.report_url, bodies, server.report_headers, limit)
    try:
        stored, found_at, at_end, end = 0, 0.0, 0, 0.0
        deadline = time.monotonic() + 60 + records / 10_000
        while stored < records and not sending.failed and time.monotonic() < deadline:
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


def require_found(server: RedLog, sent: int) -> None:
    """Raise RuntimeError unless a reader finds all records over HTTP."""
    buckets = server.get("/logs/histogram?interval=1h")["buckets"]
    found = sum(bucket["total"] for bucket in buckets)
    if found != sent:
        raise RuntimeError(f"{sent} records were sent, {found} are found")
