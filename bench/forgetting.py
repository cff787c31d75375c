"""Forgetting somebody while reports are drained: how long it takes, and what the drain loses by it.

    python bench/forgetting.py [--store mysql] [RECORDS]

A day of RECORDS (2 million) records, of which each user has 1 in 5,000. A server that has nothing
else to do forgets one user, and then another one while distinct records are sent at full speed and
come to lie in the same day.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bodies import USER, Bodies, write_bodies
from database.erasures import Erasure, Erasures
from filling import Filling
from load import Sending, require_wrk
from maria import MariaDB, RedLogOnMariaDB, mariadb, require_mariadb
from server import RedLog
from utils.clock import SECOND, now_us

SIZE, SLICES, SENT = 100, 2, 4_000_000
OTHER_USER = "u-04321"
WARM_SECONDS, BEFORE_SECONDS, POLL_SECONDS, PATIENCE_SECONDS = 2.0, 4.0, 0.02, 60.0


def measure(database: MariaDB | None, records: int, bodies: Bodies) -> None:
    """Print a row for each erasure, and for the drain before and during the second one."""
    with tempfile.TemporaryDirectory(prefix="redlog-bench-") as directory:
        url = "" if database is None else database.url(database.new_database())
        with Filling(Path(directory) / "data", url, now_us(), records) as filling:
            filling.add(records)
        with _redlog(Path(directory), url) as server:
            erasures = Erasures(filling.engine)
            time.sleep(WARM_SECONDS)
            print(f"forgotten by an idle server: {_told(_forget(erasures, USER))}")
            sending = Sending(server.report_url, bodies, server.report_headers)
            try:
                time.sleep(WARM_SECONDS)
                _, before = _while(server, lambda: time.sleep(BEFORE_SECONDS))
                done, during = _while(server, lambda: _forget(erasures, OTHER_USER))
                more = "" if sending.ended == 0 else "; the load ended before"
            finally:
                sending.stop()
            print(f"forgotten by a busy one:     {_told(done)}{more}")
            rates = f"{before:,.0f} before, {during:,.0f} during ({during / before:.2f})"
            print(f"stored a second: {rates}")


def _redlog(directory: Path, url: str) -> RedLog:
    return RedLogOnMariaDB(directory, "gthread", url) if url else RedLog(directory, "gthread")


def _forget(erasures: Erasures, user: str) -> Erasure:
    """Ask for it, and wait until it is done."""
    number = erasures.request("user_id", user, None, "bench").id
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = erasures.get(number)
        if found is not None and found.finished_at is not None:
            return found
        time.sleep(POLL_SECONDS)
    raise SystemExit(f"{user} is not forgotten after {PATIENCE_SECONDS:.0f} s")


def _while(server: RedLog, work: Callable[[], Erasure | None]) -> tuple[Erasure | None, float]:
    """What the work gives, and how many records were stored a second meanwhile."""
    stored, begun = server.stored(), time.monotonic()
    given = work()
    return given, (server.stored() - stored) / (time.monotonic() - begun)


def _told(erasure: Erasure | None) -> str:
    assert erasure is not None and erasure.finished_at is not None
    seconds = (erasure.finished_at - erasure.requested_at) / SECOND
    return f"{sum(erasure.records.values()):,} records in {seconds:.1f} s"


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--store", choices=["sqlite", "mysql"], default="sqlite")
    parser.add_argument("records", type=int, nargs="?", default=2_000_000)
    given = parser.parse_args()
    require_wrk()
    if given.store == "mysql":
        require_mariadb()
    with (
        tempfile.TemporaryDirectory(prefix="redlog-bench-") as directory,
        mariadb() if given.store == "mysql" else nullcontext() as database,
    ):
        bodies = write_bodies(Path(directory) / "bodies", SIZE, SENT // SIZE, SLICES)
        measure(database, given.records, bodies)


if __name__ == "__main__":
    main()
