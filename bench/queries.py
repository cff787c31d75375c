"""How long queries take, over HTTP and in the store beside plain SQL."""

import statistics
import time
from urllib.parse import quote

from bodies import NEEDLE, USER
from plan import PATH, Figures, Plan
from server import RedLog, redlog, run_script
from sustained import send_all

RUNS = 20
QUERIES = {
    "newest": f"{PATH}?limit=100",
    "level": f"{PATH}?limit=100&level=error",
    "user": f"{PATH}?limit=100&user_id={USER}",
    "substring": f"{PATH}?limit=100&q={quote(NEEDLE)}",
    "histogram": f"{PATH}/histogram?interval=1m&by=level",
}


def queries(worker_class: str, plan: Plan) -> Figures:
    """Median milliseconds of each query, over HTTP and without it."""
    with redlog(worker_class) as server:
        send_all(server, plan.distinct[100], plan.query_records)
        time.sleep(2)  # let the writer finish what it does after the last record
        figures = _over_http(server)
        server.stop()
        compared = run_script("query.py", str(server.data), "--app", str(server.app), "--json")
    for name, (_, ours, by_hand) in compared.items():
        figures[f"store_{name}"] = ours
        figures[f"sql_{name}"] = by_hand
        figures[f"store/sql_{name}"] = ours / by_hand
    return figures


def _over_http(server: RedLog) -> Figures:
    figures = {}
    connection = server.connection()
    for name, path in QUERIES.items():
        times = []
        for _ in range(RUNS):
            begun = time.perf_counter()
            connection.request("GET", path, headers=server.reader_headers)
            reply = connection.getresponse()
            body = reply.read()
            times.append((time.perf_counter() - begun) * 1000)
            if reply.status != 200:
                raise RuntimeError(f"{path}: {reply.status} {body[:500]!r}")
        figures[f"http_{name}"] = statistics.median(times)
    connection.close()
    return figures
