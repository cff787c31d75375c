"""Changing the server under load: restart, HUP and USR2. No request fails, nothing is lost."""

import http.client
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import StartServer
from started import PATIENCE, ROOT, Server, free_port, wait_until

pytestmark = [pytest.mark.fault, pytest.mark.server]


class Keeper(threading.Thread):
    """A client on one connection that it keeps alive as long as the server does.

    A request that was sent and not answered is `cut` when the connection had been used before (a
    server may close an idle one at any time) and `lost` when it was fresh.
    """

    def __init__(self, server: Server, name: str, stop: threading.Event, pause: float) -> None:
        super().__init__(name=name, daemon=True)
        self.server, self.stop, self.pause = server, stop, pause
        self.told: Counter[str] = Counter()
        self.acknowledged: list[str] = []
        self.unsure: list[str] = []

    def run(self) -> None:
        connection, used = self._connect(), False
        for number in itertools.count():
            if self.stop.is_set():
                break
            message = f"{self.name}-{number}"
            try:
                answer = self._post(connection, message)
            except (http.client.HTTPException, OSError) as error:
                self.told["cut" if used else f"lost: {error!r}"] += 1
                self.unsure.append(message)
                connection.close()
                connection, used = self._connect(), False
                continue
            self.told[str(answer.status)] += 1
            self.acknowledged += [message] if answer.status == 202 else []
            used = answer.getheader("Connection", "").lower() != "close"
            if not used:
                self.told["closed politely"] += 1
                connection.close()
                connection = self._connect()
            time.sleep(self.pause)
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)

    def _post(
        self, connection: http.client.HTTPConnection, message: str
    ) -> http.client.HTTPResponse:
        body = json.dumps({"message": message})
        connection.request("POST", "/api/v1/logs", body, {"X-Redlog-Key": self.server.key})
        answer = connection.getresponse()
        answer.read()
        return answer


class Keepers:
    """Such clients, busy ones and slower ones, for the time of a `with`."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._stop = threading.Event()
        pauses = (0.005, 0.005, 0.02, 0.05, 0.3)
        self.threads = [
            Keeper(server, f"k{n}", self._stop, pause) for n, pause in enumerate(pauses)
        ]

    def __enter__(self) -> "Keepers":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self.threads:
            thread.join(PATIENCE)

    def wait_for(self, records: int) -> None:
        """Wait until as many more are acknowledged."""
        wanted = self.acknowledged() + records
        wait_until(lambda: self.acknowledged() >= wanted, f"{records} acknowledgements")

    def acknowledged(self) -> int:
        return sum(len(thread.acknowledged) for thread in self.threads)

    def told(self) -> Counter[str]:
        """What happened to the requests of all."""
        return sum((thread.told for thread in self.threads), Counter())

    def check(self, cuts: int = 0) -> None:
        """Every request was answered by 202, and each acknowledged record is stored once."""
        told = self.told()
        print(dict(told))
        assert set(told) <= {"202", "closed politely", "cut"}, told
        assert told["cut"] <= cuts, told
        self.server.wait_drained()
        found = Counter(log["message"] for log in self.server.walk())
        acknowledged = {m for thread in self.threads for m in thread.acknowledged}
        unsure = {m for thread in self.threads for m in thread.unsure}
        assert acknowledged <= set(found) <= acknowledged | unsure
        assert set(found.values()) == {1}


def worker_class(name: str) -> str:
    if name == "meinheld":
        pytest.importorskip("meinheld", reason="meinheld is not built here (no C compiler)")
    return name


both_classes = pytest.mark.parametrize("name", ["gthread", "meinheld"])


def master(server: Server) -> int:
    return int((server.data / "redlog.pid").read_text())


def children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


@pytest.fixture
def changing(make_server: StartServer) -> Any:
    """Makes servers whose successors, which are nobody's children, are ended too."""
    made: list[Server] = []

    def make(name: str, **settings: str) -> Server:
        # Old workers that drained as long as they may, while the load goes on, would never end.
        settings = {
            "REDLOG_WRITER__STOP_SECONDS": "600",
            "REDLOG_WRITER__PROCESS_BYTES": "1",
            **settings,
        }
        made.append(make_server(REDLOG_SERVER__WORKER_CLASS=worker_class(name), **settings))
        return made[-1].start()

    yield make
    for server in made:
        try:
            pid = master(server)
        except FileNotFoundError:
            continue
        if server.process is not None and pid != server.process.pid:
            end(pid)


def end(pid: int) -> None:
    """Stop a successor, and wait until it is gone."""
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), f"pid {pid} to end")


@pytest.mark.slow
@both_classes
def test_hup_brings_fresh_workers(changing: Any, name: str) -> None:
    server = changing(name)
    wait_until(lambda: len(server.workers()) == 2, "both workers")
    with Keepers(server) as load:
        for _ in range(2):
            load.wait_for(100)
            before = set(server.workers())
            server.process.send_signal(signal.SIGHUP)
            wait_until(
                lambda before=before: (
                    len(set(server.workers()) - before) == 2 and not set(server.workers()) & before
                ),
                "other workers",
            )
        load.wait_for(100)
    load.check()
    assert "SIGKILL" not in server.log_text() and "Traceback" not in server.log_text()


@pytest.mark.slow
@both_classes
def test_usr2_by_hand(changing: Any, name: str) -> None:
    server = changing(name)
    old = master(server)
    with Keepers(server) as load:
        load.wait_for(100)
        os.kill(old, signal.SIGUSR2)
        second = server.data / "redlog.pid.2"
        new = int(wait_until(lambda: second.exists() and second.read_text(), "the second master"))
        wait_until(lambda: (server.data / f"run/master-{new}.ready").exists(), "its workers")
        load.wait_for(100)
        os.kill(old, signal.SIGQUIT)
        assert server.process.wait(PATIENCE) == 0
        promoted = server.data / "redlog.pid"  # for a moment there is neither of the two files
        wait_until(lambda: not second.exists() and promoted.exists(), "the promotion")
        assert master(server) == new
        load.wait_for(100)
    load.check()
    assert "SIGKILL" not in server.log_text() and "Traceback" not in server.log_text()
    assert not (server.data / f"run/master-{old}.ready").exists()


def replace(server: Server, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """What ./start.sh restart does, with settings that have changed."""
    command = [sys.executable, str(ROOT / "manage.py"), "gunicorn-server", "--replace", *options]
    return subprocess.run(
        command,
        env={**server.environment, **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.mark.slow
@both_classes
def test_restart_under_load(changing: Any, name: str) -> None:
    server = changing(name)
    masters = [master(server)]
    with Keepers(server) as load:
        for number in range(2):
            load.wait_for(100)
            done = replace(server, "--workers", str(1 + number))
            assert done.returncode == 0, done.stderr
            masters.append(master(server))
            assert str(masters[-1]) in done.stdout
            assert len(children(masters[-1])) >= 1 + number
        load.wait_for(100)
    load.check()
    assert len(set(masters)) == 3
    assert server.process.wait(PATIENCE) == 0
    assert "SIGKILL" not in server.log_text() and "Traceback" not in server.log_text()
    assert not (server.data / "run" / "order.json").exists()


def test_a_restart_brings_changed_settings(changing: Any) -> None:
    server = changing("gthread")
    assert server.report([{"message": "a"}, {"message": "b"}]).status_code == 202
    server.http.close()
    assert replace(server, REDLOG_INGEST__MAX_RECORDS="1").returncode == 0
    assert server.report([{"message": "a"}, {"message": "b"}]).status_code == 413
    server.http.close()
    pid = master(server)
    os.kill(pid, signal.SIGUSR2)  # by hand: as it was started
    wait_until(lambda: (server.data / "redlog.pid.2").exists(), "the second master")
    new = int((server.data / "redlog.pid.2").read_text())
    wait_until(lambda: (server.data / f"run/master-{new}.ready").exists(), "its workers")
    end(pid)
    wait_until(lambda: not (server.data / "redlog.pid.2").exists(), "the promotion")
    assert server.report([{"message": "a"}, {"message": "b"}]).status_code == 413


def test_a_restart_with_wrong_settings_harms_nobody(changing: Any) -> None:
    server = changing("gthread")
    pid = master(server)
    refused = replace(server, REDLOG_INGEST__MAX_RECORDS="many")
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert line.startswith("redlog: setting ingest.max_records")

    refused = replace(server, "--", "--no-such-option")  # only the successor can see this
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert "the old one goes on" in line

    elsewhere = replace(server, "--port", str(free_port()))
    assert (elsewhere.returncode, elsewhere.stdout) == (3, "")

    assert master(server) == pid
    assert server.report({"message": "still here"}).status_code == 202
    assert replace(server).returncode == 0  # and it can still be done


def test_a_restart_of_nothing_is_refused(make_server: StartServer) -> None:
    refused = replace(make_server())
    assert refused.returncode == 1
    assert refused.stderr.startswith("redlog: no server runs on ")


def test_a_server_of_systemd_is_not_taken_from_it(make_server: StartServer) -> None:
    script = (
        "import os, sys; os.environ['SYSTEMD_EXEC_PID'] = str(os.getpid()); "
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    server = make_server()
    server.start_as([sys.executable, "-c", script, str(ROOT / "manage.py"), "gunicorn-server"])
    refused = replace(server)
    assert refused.returncode == 1
    assert "systemctl restart" in refused.stderr
    assert server.report({"message": "still here"}).status_code == 202


def test_a_hup_with_a_broken_file_harms_nobody(changing: Any, tmp_path: Path) -> None:
    secret = tmp_path / "workers"
    secret.write_text("1")
    server = changing("gthread", REDLOG_SERVER__WORKERS_FILE=str(secret))
    secret.write_text("many")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the old ones stay" in server.log_text(), "the refusal")
    wait_until(lambda: len(server.workers()) == 1, "the new worker")
    assert server.report({"message": "a"}).status_code == 202
    secret.write_text("3")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(server.workers()) == 3, "more workers")
    assert requests.get(f"{server.url}/healthz", timeout=5).status_code == 200


def test_the_counts_go_on_after_a_restart(changing: Any) -> None:
    server = changing("gthread")
    for _ in range(5):
        server.report({"message": "a"})
    server.http.close()
    assert replace(server).returncode == 0
    server.report({"message": "a"})
    line = 'redlog_http_requests_total{route="/api/v1/logs",status="202"} 6.0'
    assert line in server.get("/metrics").text
