"""How fast reports are acknowledged: beside an empty Flask route, and beside the ancestor's way.

A figure and its reference are measured one right after the other, and their ratio is taken there
and then: a machine that others share changes its speed by a factor of two between minutes.
"""

import statistics
import time

from bodies import Bodies
from day_files import count_rows
from load import Load, Sending, press
from plan import PATH, Figures, Plan
from server import PeakMemory, RedLog, Server, redlog, reference

WARM_SECONDS = 1
TURN_SECONDS = 2
ANCESTOR_REQUESTS = 200  # each starts a thread; thousands of them would never end
ANCESTOR_QUIET_SECONDS = 35  # longer than it waits for a lock
POLL_SECONDS = 0.05


def acknowledge(worker_class: str, plan: Plan) -> Figures:
    """Acknowledged requests a second, draining and with the drain paused, and the references."""
    figures = _beside_empty_route(worker_class, plan, draining=False)
    figures |= _beside_empty_route(worker_class, plan, draining=True)
    figures |= _acknowledged(worker_class, plan, 100, draining=True)
    figures |= _ancestor(plan)
    figures["ack_100/ancestor"] = figures["ack_100_records"] / figures["ancestor"]
    figures |= _acknowledged(worker_class, plan, 100, draining=False)
    figures |= _acknowledged(worker_class, plan, 1000, draining=True)
    figures |= _acknowledged(worker_class, plan, 1000, draining=False)
    figures["failed"] = sum(figures[name] for name in figures if name.endswith("_failed"))
    return figures


def _beside_empty_route(worker_class: str, plan: Plan, draining: bool) -> Figures:
    """One record a request, in turns of two seconds with an empty route."""
    bodies = plan.rotated[1]
    ours: list[Load] = []
    empty: list[Load] = []
    with (
        redlog(worker_class, WRITER__ENABLED=str(draining).lower()) as server,
        reference("empty_flask:app", worker_class) as bare,
    ):
        _warm_up(server, bodies)
        press(f"{bare.url}{PATH}", bodies, WARM_SECONDS)
        with PeakMemory(server) as peak:
            for _ in range(max(1, plan.seconds // TURN_SECONDS)):
                ours.append(press(server.report_url, bodies, TURN_SECONDS, server.report_headers))
                empty.append(press(f"{bare.url}{PATH}", bodies, TURN_SECONDS))
    name = _name(1, draining)
    figures = _figures(name, ours, peak.value, size=1)
    figures["empty"] = statistics.median(load.rate for load in empty)
    pairs = zip(ours, empty, strict=True)
    figures[f"{name}/empty"] = statistics.median(our.rate / its.rate for our, its in pairs)
    return figures


def _acknowledged(worker_class: str, plan: Plan, size: int, draining: bool) -> Figures:
    bodies = plan.rotated[size]
    with redlog(worker_class, WRITER__ENABLED=str(draining).lower()) as server:
        _warm_up(server, bodies)
        with PeakMemory(server) as peak:
            load = press(server.report_url, bodies, plan.seconds, server.report_headers)
    return _figures(_name(size, draining), [load], peak.value, size)


def _warm_up(server: RedLog, bodies: Bodies) -> None:
    accepted = server.report(bodies.first()).get("accepted")
    if accepted != bodies.size:
        raise RuntimeError(f"of {bodies.size} records the server accepted {accepted}")
    press(server.report_url, bodies, WARM_SECONDS, server.report_headers)


def _name(size: int, draining: bool) -> str:
    return f"{'ack' if draining else 'paused'}_{size}"


def _figures(name: str, loads: list[Load], peak: float, size: int) -> Figures:
    rate = statistics.median(load.rate for load in loads)
    return {
        name: rate,
        f"{name}_records": rate * size,
        f"{name}_p50": statistics.median(load.p50_ms for load in loads),
        f"{name}_p99": statistics.median(load.p99_ms for load in loads),
        f"{name}_failed": sum(load.failed for load in loads),
        f"{name}_peak": peak,
    }


def _ancestor(plan: Plan) -> Figures:
    """What the ancestor's way has stored once its threads are done, and what it lost."""
    sent = ANCESTOR_REQUESTS * 100
    with reference("ancestor:app", "gthread") as server:
        sending = Sending(f"{server.url}{PATH}", plan.distinct[100], limit=ANCESTOR_REQUESTS)
        sending.wait(timeout=60)
        at_last_answer = count_rows(server.directory / "ancestor.db")
        stored, at = _wait_for_rows(server, sent)
    return {
        "ancestor": stored / (at - sending.started),
        "ancestor_unsafe": 1 - at_last_answer / sent,
        "ancestor_lost": 1 - stored / sent,
    }


def _wait_for_rows(server: Server, wanted: int) -> tuple[int, float]:
    """Wait for so many rows, or until no more come; returns the rows and when the last came."""
    rows, at = 0, time.monotonic()
    while rows < wanted and time.monotonic() - at < ANCESTOR_QUIET_SECONDS:
        now = count_rows(server.directory / "ancestor.db")
        if now > rows:
            rows, at = now, time.monotonic()
        time.sleep(POLL_SECONDS)
    return rows, at
