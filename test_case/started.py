"""A real server for tests: it has its own data directory and port, and is stopped by pid."""

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import requests

from database.segments import backlog

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 30.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(holds: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Ask again and again until the answer is true; that answer."""
    deadline = time.monotonic() + seconds
    while True:
        answer = holds()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for: {what}"
        time.sleep(0.05)


class Server:
    """A started RedLog with one app, its ingest key and a token that reads all apps."""

    def __init__(
        self, data: Path, log: Path, settings: dict[str, str], app: dict[str, Any] | None = None
    ) -> None:
        self.data = data
        self.log = log
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("REDLOG_")},
            "REDLOG_DATA_DIR": str(data),
            "REDLOG_SERVER__PORT": str(self.port),
            "REDLOG_SERVER__WORKERS": "2",
            "PYTHONWARNINGS": "default",
            **settings,
        }
        self.http = requests.Session()
        self.process: subprocess.Popen[bytes] | None = None
        if app is None and "REDLOG_DATABASE__URL" not in settings and not data.exists():
            self.app, self.token = _copy_new(data)
        else:
            self.app, self.token = app or self._create_app(), self._create_token()
        self.key = str(self.app["ingest_key"])

    # Its life.

    def _create_app(self) -> dict[str, Any]:
        return dict(self.manage("app", "create", "test", "--json"))

    def _create_token(self) -> str:
        return str(self.manage("token", "create", "--scope", "read", "--json")["token"])

    def manage(self, *arguments: str) -> Any:
        """Run a manage.py command that prints JSON."""
        return json.loads(self.run(*arguments))

    def run(self, *arguments: str) -> str:
        """Run a manage.py command; what it prints."""
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> "Server":
        """Start it and wait until it answers."""
        return self.start_as([sys.executable, str(ROOT / "manage.py"), "gunicorn-server"])

    def start_as(self, command: list[str]) -> "Server":
        """Start it by another command."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers, f"the server to start; its log:\n{self.log_text()}")
        return self

    def _answers(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log_text()
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def stop(self) -> int:
        """Stop it as an operator would (SIGTERM); its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """kill -9 the master and all workers, and wait until they are gone."""
        workers = self.workers()
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)
        for pid in workers:
            _kill(pid)
        for pid in workers:
            wait_until(lambda pid=pid: not _is_alive(pid), f"worker {pid} to die")

    def workers(self) -> list[int]:
        """The pids of the worker processes."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()] if children.exists() else []

    def hired(self) -> list[int]:
        """The pids of the process that drains, and of the one that decodes for it."""
        return [child for worker in self.workers() for child in _descendants(worker)]

    def log_text(self) -> str:
        """What the server wrote so far."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    # Its use.

    def report(
        self,
        body: Any,
        *,
        key: str | None = None,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> requests.Response:
        """Report a body: bytes as they are, anything else as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {
            "X-Redlog-Key": key or self.key,
            "Content-Type": "application/json",
            **(headers or {}),
        }
        return self.http.post(
            f"{self.url}/api/v1/logs", data=data, headers=sent, timeout=60, **options
        )

    def get(self, path: str, token: str | None = None, **parameters: Any) -> requests.Response:
        """Ask a reader's route."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return self.http.get(f"{self.url}{path}", params=parameters, headers=headers, timeout=60)

    def query(self, **parameters: Any) -> list[dict[str, Any]]:
        """One page of records."""
        answer = self.get("/api/v1/logs", **parameters)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["logs"])

    def found(self, number: int, **filters: Any) -> list[dict[str, Any]]:
        """What a query finds, oldest first: so many records, and no more once all is stored."""
        wait_until(
            lambda: len(self.query(order="oldest", **filters)) >= number, f"{number} records"
        )
        self.wait_drained()
        records = self.query(order="oldest", **filters)
        assert len(records) == number, records
        return records

    def walk(self, **parameters: Any) -> list[dict[str, Any]]:
        """All records, page by page along the cursor."""
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            answer = self.get("/api/v1/logs", **{"limit": 1000, **parameters, **cursor})
            assert answer.status_code == 200, answer.text
            found += answer.json()["logs"]
            if answer.json()["next_cursor"] is None:
                return found
            cursor = {"cursor": answer.json()["next_cursor"]}

    def wait_drained(self) -> None:
        """Wait until the journal is stored."""
        wait_until(lambda: backlog(self.data / "journal") == 0, "the drain")

    def totals(self, app: str = "test") -> dict[str, int]:
        """An app's records by outcome (a second behind the truth at most)."""
        return dict(
            next(a for a in self.manage("app", "list", "--json") if a["name"] == app)["records"]
        )


def _copy_new(data: Path) -> tuple[dict[str, Any], str]:
    """A data directory with an app and a token of its own, as one that was made: starting
    Python twice for each server takes longer than to start it.
    """
    made = _made_once()
    shutil.copytree(made.data, data)
    return dict(made.app), made.token


@cache
def _made_once() -> Server:
    folder = Path(tempfile.mkdtemp(prefix="redlog-"))
    atexit.register(shutil.rmtree, folder)
    (folder / "data").mkdir()
    return Server(folder / "data", folder / "log", {})


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    with suppress(OSError):
        lists = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children")]
        born = [int(child) for text in lists for child in text.split()]
        return born + [each for child in born for each in _descendants(child)]
    return []


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
