"""Acknowledged requests a second while MariaDB runs, stalls (SIGSTOP) and is dead (kill -9).

All three right after one another, on one server, in this order: what was not stored meanwhile
would be drained later, and take the processors from whatever is measured then.
"""

import signal

from bodies import Bodies
from load import Load, press
from maria import RedLogOnMariaDB, mariadb, redlog_on_mariadb
from plan import Figures

WARM_SECONDS = 2


def outage(worker_class: str, bodies: Bodies, seconds: int) -> Figures:
    """Requests a second with bodies of one size, and the ratios to the running database."""
    with mariadb() as database, redlog_on_mariadb(database, worker_class) as server:
        server.report(bodies.first())
        _press(server, bodies, WARM_SECONDS)
        running = _press(server, bodies, seconds)
        database.signal(signal.SIGSTOP)
        stalled = _press(server, bodies, seconds)
        database.kill()
        dead = _press(server, bodies, seconds)
    size = bodies.size
    return {
        f"running_{size}": running.rate,
        f"stalled_{size}": stalled.rate,
        f"dead_{size}": dead.rate,
        f"stalled/running_{size}": stalled.rate / running.rate,
        f"dead/running_{size}": dead.rate / running.rate,
        f"failed_{size}": running.failed + stalled.failed + dead.failed,
        f"running_p99_{size}": running.p99_ms,
        f"stalled_p99_{size}": stalled.p99_ms,
        f"dead_p99_{size}": dead.p99_ms,
    }


def _press(server: RedLogOnMariaDB, bodies: Bodies, seconds: int) -> Load:
    return press(server.report_url, bodies, seconds, server.report_headers)
