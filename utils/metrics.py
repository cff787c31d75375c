"""What Prometheus is told. The counts of all worker processes meet in small memory-mapped files."""

import os
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
FILE_BYTES = 1 << 20  # some 5,000 combinations of labels; the file would grow by itself


class Metrics:
    """The counters. Make it once: prometheus_client is imported here, when its folder is named,
    because at its import it chooses between counting for one process and for many.
    """

    def __init__(self, data_dir: Path) -> None:
        self._folder = _folder(data_dir)
        self._folder.mkdir(parents=True, exist_ok=True)
        os.environ[FOLDER_VARIABLE] = str(self._folder)
        from prometheus_client import Counter

        self._requests = Counter("redlog_http_requests", "Answers.", ("route", "status"))
        self._records = Counter("redlog_records", "Records by outcome.", ("app", "outcome"))
        self._known: dict[tuple[str, int], Callable[[], None]] = {}
        self._making = threading.Lock()
        self._pid = 0  # of the process whose file is made

    def count_answer(self, route: str, status: int) -> None:
        """Count one answer; not on a disk that has been full since the process began."""
        if not self._has_file():
            return
        count = self._known.get((route, status))
        if count is None:
            count = self._known[route, status] = self._requests.labels(route, str(status)).inc
        count()

    def count_records(self, counters: Mapping[tuple[int, int, str], int]) -> None:
        """Count records by (app id, minute, outcome); not on such a disk either."""
        if not self._has_file():
            return
        for (app_id, _, outcome), records in counters.items():
            self._records.labels(str(app_id), outcome).inc(records)

    def _has_file(self) -> bool:
        """Whether the file of this process is there and has its place on the disk.

        The library would make it with holes, and a hole that is written to while the disk is full
        ends the process (SIGBUS). So it is made here, before the library looks for it.
        """
        if self._pid != os.getpid():
            with self._making:
                if self._pid != os.getpid() and self._make_file(f"counter_{os.getpid()}"):
                    self._pid = os.getpid()
        return self._pid == os.getpid()

    def _make_file(self, name: str) -> bool:
        fresh = self._folder / f"{name}.new"
        try:
            with fresh.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, FILE_BYTES)
            fresh.rename(self._folder / f"{name}.db")
        except OSError:
            fresh.unlink(missing_ok=True)
            return False
        return True

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
