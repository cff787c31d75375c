"""Stopping: requests finish, the journal is drained or kept, and the exit code is 0."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter

import apsw
import pytest
from conftest import StartServer
from node import Node
from senders import Senders
from started import PATIENCE, ROOT, Server, wait_until

pytestmark = [pytest.mark.fault, pytest.mark.server]


def worker_class(name: str) -> str:
    if name == "meinheld":
        pytest.importorskip("meinheld", reason="meinheld is not built here (no C compiler)")
    return name


both_classes = pytest.mark.parametrize("name", ["gthread", "meinheld"])
both_signals = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


def ask_to_stop(server: Server, number: int, whole_group: bool = False) -> None:
    """A signal to the master; Ctrl-C in a terminal goes to its workers too."""
    assert server.process is not None
    workers = server.workers()
    server.process.send_signal(number)
    for pid in workers if whole_group else []:
        os.kill(pid, number)


def exit_code(server: Server) -> int:
    assert server.process is not None
    return server.process.wait(PATIENCE)


@both_classes
@both_signals
def test_a_request_that_has_begun_is_finished(
    make_server: StartServer, name: str, number: int
) -> None:
    """A slow phone is half way through its body when the server is told to stop."""
    server = make_server(REDLOG_SERVER__WORKER_CLASS=worker_class(name)).start()
    wait_until(lambda: len(server.workers()) == 2, "both workers")
    body = json.dumps({"message": "slow"}).encode()
    head = (
        f"POST /api/v1/logs HTTP/1.1\r\nHost: x\r\nX-Redlog-Key: {server.key}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as phone:
        phone.sendall(head.encode() + body[:4])
        time.sleep(0.3)
        ask_to_stop(server, number, whole_group=number == signal.SIGINT)
        wait_until(lambda: "Handling signal" in server.log_text(), "the signal to be heard")
        time.sleep(0.3)
        phone.sendall(body[4:])
        assert phone.recv(64).startswith(b"HTTP/1.1 202 ")
    assert exit_code(server) == 0
    server.start()
    wait_until(lambda: [log["message"] for log in server.query()] == ["slow"], "the record")


@pytest.mark.slow
@both_classes
@both_signals
def test_stopping_under_load_loses_and_doubles_nothing(
    make_server: StartServer, name: str, number: int
) -> None:
    server = make_server(REDLOG_SERVER__WORKER_CLASS=worker_class(name)).start()
    with Senders(server) as load:
        for _ in range(2):
            load.wait_for(200)
            ask_to_stop(server, number)
            assert exit_code(server) == 0
            server.start()
        load.wait_for(100)
    load.check()
    assert "Traceback" not in server.log_text()
    assert "SIGKILL" not in server.log_text()  # none had to be ended by force


def test_what_was_accepted_is_stored_before_the_exit(make_server: StartServer) -> None:
    server = make_server(REDLOG_WRITER__BATCH_BYTES="50000").start()
    batch = [{"message": f"m{n}"} for n in range(2000)]
    for _ in range(20):
        assert server.report(batch).status_code == 202
    assert server.stop() == 0
    assert server.manage("journal", "status", "--json")["waiting_bytes"] == 0
    assert server.totals() == {"received": 40_000, "stored": 40_000}


def report_many(server: Server, name: str) -> Counter[str]:
    """Report 5,000 records; their messages."""
    batches = [[{"message": f"{name}-{n}-{m}"} for m in range(500)] for n in range(10)]
    for batch in batches:
        assert server.report(batch).status_code == 202
    return Counter(record["message"] for batch in batches for record in batch)


def check_all(server: Server, sent: Counter[str]) -> None:
    """All that was sent is stored once."""
    server.wait_drained()
    assert Counter(log["message"] for log in server.walk()) == sent
    told = {"received": sent.total(), "stored": sent.total()}
    wait_until(lambda: server.totals() == told, "the counters")


def test_without_a_writer_all_stays_in_the_journal_for_the_next_start(
    make_server: StartServer,
) -> None:
    server = make_server(REDLOG_WRITER__ENABLED="false").start()
    sent = report_many(server, "a")
    assert server.stop() == 0
    left = server.manage("journal", "status", "--json")
    assert sum(left["waiting_records"].values()) == sent.total()
    assert server.totals() == {}
    server.environment["REDLOG_WRITER__ENABLED"] = "true"
    server.start()
    check_all(server, sent)


@pytest.mark.slow
def test_what_there_was_no_time_for_is_stored_by_the_next_start(make_server: StartServer) -> None:
    server = make_server(REDLOG_WRITER__BATCH_BYTES="20000", REDLOG_WRITER__STOP_SECONDS="0")
    server.start()
    sent = report_many(server, "stored")
    server.wait_drained()
    (day,) = (server.data / "logs").glob("*.db")
    other = apsw.Connection(str(day))
    other.set_busy_timeout(10_000)
    other.execute("BEGIN IMMEDIATE")  # the store is busy
    sent += report_many(server, "left")
    assert server.stop() == 0
    other.close()
    left = server.manage("journal", "status", "--json")
    assert sum(left["waiting_records"].values()) == 5_000
    assert server.totals()["stored"] == 5_000
    server.start()
    check_all(server, sent)


def test_a_second_start_on_the_same_data_is_refused_in_one_line(make_server: StartServer) -> None:
    server = make_server().start()
    command = [sys.executable, str(ROOT / "manage.py"), "gunicorn-server", "--port", "0"]
    second = subprocess.run(
        command, env=server.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 1
    assert second.stdout == ""
    (line,) = second.stderr.splitlines()
    assert server.process is not None
    assert line == f"redlog: already running on this data directory (pid {server.process.pid})"
    assert server.report({"message": "still here"}).status_code == 202


@pytest.mark.parametrize("who", ["another program", "the new server itself"])
def test_a_pid_file_left_by_a_killed_server_does_not_keep_it_from_starting(
    make_server: StartServer, who: str
) -> None:
    """In a container the pids of the next run are those of the last one."""
    server = make_server().start()
    server.kill()
    pid_file = server.data / "redlog.pid"
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        try:
            if who == "another program":
                pid_file.write_text(f"{sleeper.pid}\n")
                server.start()
            else:
                script = (
                    "import os, sys, pathlib; "
                    "pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); "
                    "os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
                )
                start = [str(ROOT / "manage.py"), "gunicorn-server"]
                server.start_as([sys.executable, "-c", script, str(pid_file), *start])
            assert server.report({"message": "here"}).status_code == 202
            assert server.process is not None
            assert int(pid_file.read_text()) == server.process.pid
        finally:
            sleeper.kill()


def test_what_a_worker_left_is_readable_by_any_other(make_server: StartServer) -> None:
    """The journal is the node's: a writer that was never its server drains it."""
    server = make_server(REDLOG_WRITER__ENABLED="false").start()
    assert server.report([{"message": "a"}, {"message": "b"}]).status_code == 202
    server.kill()
    node = Node(server.data)
    node.drain()
    assert sorted(node.stored()) == ["a", "b"]
    node.close()
