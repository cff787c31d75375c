"""Servers under test: each in a process tree, a data directory and a port of its own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from day_files import count_rows

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
WORKERS = 2
THREADS = 8
START_SECONDS = 30
STOP_SECONDS = 20
WORKER_CLASSES = {"gthread": "gthread", "meinheld": "meinheld.gmeinheld.MeinheldWorker"}
Own = TypeVar("Own", bound="Server")


class Server:
    """A running process tree that answers HTTP on `url`; `stop()` ends it."""

    def __init__(
        self, command: list[str], environment: dict[str, str], port: int, directory: Path
    ) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.directory = directory
        self._log = directory / "server.log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=output, stderr=output
            )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=5):
                    time.sleep(1)  # one worker answers: the other is not far behind
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"the server did not start:\n{self._log.read_text()[-2000:]}")

    def pids(self) -> list[int]:
        """The master and all that descend from it."""
        found = [self._process.pid]
        for pid in found:
            found += _children(pid)
        return found

    def memory(self) -> float:
        """Resident memory of the whole tree in MB (pages that processes share count for each)."""
        return sum(_resident_bytes(pid) for pid in self.pids()) / 1e6

    def stop(self) -> None:
        """Ask the master to end; kill the tree when it does not."""
        pids = self.pids()
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()

    def __enter__(self: Own) -> Own:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class RedLog(Server):
    """The real server with an app and a reader's token, started by its own command line."""

    def __init__(self, directory: Path, worker_class: str, **settings: str) -> None:
        self.data = directory / "data"
        port = free_port()
        environment = _environment(self.data, worker_class, settings)
        _manage(environment, "migrate")
        app = json.loads(_manage(environment, "app", "create", "bench", "--json"))
        token = json.loads(_manage(environment, "token", "create", "--scope", "read", "--json"))
        command = [sys.executable, "manage.py", "gunicorn-server", "--port", str(port)]
        super().__init__(command, environment, port, directory)
        self.report_url = f"{self.url}/api/v1/logs"
        self.report_headers = {"X-Redlog-Key": app["ingest_key"]}
        self.reader_headers = {"Authorization": f"Bearer {token['token']}"}
        self.app = app["id"]

    def report(self, body: bytes) -> dict[str, Any]:
        """Report one body and return its receipt."""
        headers = {**self.report_headers, "Content-Type": "application/json"}
        request = urllib.request.Request(self.report_url, body, headers)
        with urllib.request.urlopen(request, timeout=30) as reply:
            receipt: dict[str, Any] = json.load(reply)
            return receipt

    def get(self, path: str) -> Any:
        """GET a path under /api/v1 as a reader; returns the decoded reply."""
        request = urllib.request.Request(f"{self.url}/api/v1{path}", headers=self.reader_headers)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def connection(self) -> http.client.HTTPConnection:
        """A connection that stays open, for measuring queries."""
        return http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=60)

    def day_files(self) -> list[Path]:
        """The store's day files, oldest first."""
        return sorted((self.data / "logs").glob("*.db"))

    def stored(self) -> int:
        """How many records the day files hold: committed, so any query would find them."""
        return sum(count_rows(file) for file in self.day_files())


@contextmanager
def redlog(worker_class: str, **settings: str) -> Iterator[RedLog]:
    """A RedLog in a directory that is removed afterwards.

    `settings` are environment variables without REDLOG_, as in `WRITER__ENABLED="false"`.
    """
    with (
        tempfile.TemporaryDirectory(prefix="redlog-bench-") as directory,
        RedLog(Path(directory), worker_class, **settings) as server,
    ):
        yield server


@contextmanager
def reference(app: str, worker_class: str) -> Iterator[Server]:
    """One of the small apps beside this file on gunicorn, with as many workers and threads.

    It may keep files in the server's directory, which it finds in BENCH_DIRECTORY.
    """
    port = free_port()
    command = [
        *[sys.executable, "-m", "gunicorn", app, "--chdir", str(BENCH), "--no-control-socket"],
        *["--worker-class", WORKER_CLASSES[worker_class], "--bind", f"127.0.0.1:{port}"],
        *["--workers", str(WORKERS), "--threads", str(THREADS), "--log-level", "warning"],
        *["--keep-alive", "75"],
    ]
    with tempfile.TemporaryDirectory(prefix="redlog-bench-") as directory:
        environment = {**os.environ, "BENCH_DIRECTORY": directory}
        with Server(command, environment, port, Path(directory)) as server:
            yield server


class PeakMemory:
    """Samples a server's memory in the background; `value` is the most that was seen, in MB."""

    def __init__(self, server: Server, every_seconds: float = 0.2) -> None:
        self.value = server.memory()
        self._server = server
        self._every = every_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(self._every):
            self.value = max(self.value, self._server.memory())


def run_script(name: str, *arguments: str) -> dict[str, Any]:
    """Run a script beside this file in a process of its own; returns the JSON that it prints."""
    command = [sys.executable, str(BENCH / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{name}: {done.stderr}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment(data: Path, worker_class: str, settings: dict[str, str]) -> dict[str, str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("REDLOG_")}
    return {
        **outside,
        "REDLOG_DATA_DIR": str(data),
        "REDLOG_SERVER__WORKER_CLASS": worker_class,
        "REDLOG_SERVER__WORKERS": str(WORKERS),
        "REDLOG_SERVER__THREADS": str(THREADS),
        # A backlog beyond the default gigabyte would be refused, as it should, and end the run.
        "REDLOG_JOURNAL__MAX_BYTES": str(64 * 2**30),
        "REDLOG_WRITER__STOP_SECONDS": "0",
        **{f"REDLOG_{name}": value for name, value in settings.items()},
    }


def _manage(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"manage.py {' '.join(arguments)}: {done.stderr or done.stdout}")
    return done.stdout


def _children(pid: int) -> list[int]:
    try:
        lists = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [int(child) for children in lists for child in children.split()]


def _resident_bytes(pid: int) -> int:
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
