"""What Prometheus is told. The counts of all worker processes meet in small memory-mapped files."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """The counters. Make it once: prometheus_client is imported here, when its folder is named,
    because at its import it chooses between counting for one process and for many.
    """

    def __init__(self, data_dir: Path) -> None:
        folder = _folder(data_dir)
        folder.mkdir(parents=True, exist_ok=True)
        os.environ[FOLDER_VARIABLE] = str(folder)
        from prometheus_client import Counter

        self._requests = Counter("redlog_http_requests", "Answers.", ("route", "status"))
        self._records = Counter("redlog_records", "Records by outcome.", ("app", "outcome"))
        self._known: dict[tuple[str, int], Callable[[], None]] = {}

    def count_answer(self, route: str, status: int) -> None:
        """Count one answer."""
        count = self._known.get((route, status))
        if count is None:
            count = self._known[route, status] = self._requests.labels(route, str(status)).inc
        count()

    def count_records(self, counters: Mapping[tuple[int, int, str], int]) -> None:
        """Count records by (app id, minute, outcome)."""
        for (app_id, _, outcome), records in counters.items():
            self._records.labels(str(app_id), outcome).inc(records)

    def render(self, gauges: Mapping[str, tuple[str, float]]) -> str:
        """The counts of all workers, and `gauges` (name: help, value), as Prometheus reads them."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        text = generate_latest(registry).decode()
        for name, (what, value) in gauges.items():
            text += f"# HELP {name} {what}\n# TYPE {name} gauge\n{name} {value}\n"
        return text


def forget_metrics(data_dir: Path) -> None:
    """Begin to count anew: at the start of the server, before any worker runs."""
    shutil.rmtree(_folder(data_dir), ignore_errors=True)
    _folder(data_dir).mkdir(parents=True, exist_ok=True)


def _folder(data_dir: Path) -> Path:
    return data_dir / "run" / "metrics"
