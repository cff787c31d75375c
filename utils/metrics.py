"""What Prometheus is told. The counts of all worker processes meet in small memory-mapped files.

prometheus_client chooses at import whether it counts for one process or for many, so nothing may
import it before `prepare_metrics` named the folder; here it is imported when first needed.
"""

import os
import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def prepare_metrics(data_dir: Path) -> None:
    """Name the folder of the counts, and make it."""
    folder = data_dir / "run" / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[FOLDER_VARIABLE] = str(folder)


def forget_metrics(data_dir: Path) -> None:
    """Begin to count anew: at the start of the server, before any worker runs."""
    folder = data_dir / "run" / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)


@lru_cache(maxsize=1)
def _requests() -> Any:
    from prometheus_client import Counter

    return Counter("redlog_http_requests", "Answers by route and status.", ("route", "status"))


@lru_cache(maxsize=1)
def _records() -> Any:
    from prometheus_client import Counter

    return Counter("redlog_records", "Records by app and outcome.", ("app", "outcome"))


@lru_cache(maxsize=4096)
def request_counter(route: str, status: int) -> Callable[[], None]:
    """The function that counts one answer."""
    return _requests().labels(route, str(status)).inc  # type: ignore[no-any-return]


def count_records(counters: dict[tuple[int, int, str], int]) -> None:
    """Count records by (app id, minute, outcome)."""
    for (app_id, _, outcome), records in counters.items():
        _records().labels(str(app_id), outcome).inc(records)


def render_metrics(gauges: dict[str, tuple[str, float]]) -> str:
    """The counts of all workers, and `gauges` (name: help, value), in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    text = generate_latest(registry).decode()
    for name, (what, value) in gauges.items():
        text += f"# HELP {name} {what}\n# TYPE {name} gauge\n{name} {value}\n"
    return text.replace("Multiprocess metric", "Counted over all workers")
