"""The process that drains under load: hired, killed, orphaned, asked to end."""

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import StartServer
from redis_server import RedisServer
from senders import Senders
from started import Server, wait_until

from database.progress import read_progress

pytestmark = [pytest.mark.fault, pytest.mark.server, pytest.mark.slow]
ROUNDS = 12


def both(server: Server) -> list[int]:
    """Wait until there are both."""
    wait_until(lambda: len(server.hired()) == 2, "the process that drains")
    return server.hired()


def talks_to(pid: int, port: int) -> bool:
    """Whether a process holds a connection to a local port."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            sockets.add(os.readlink(descriptor))
    table = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    peers = {f"socket:[{row.split()[9]}]": row.split()[2] for row in table}
    return any(peers[each].endswith(f":{port:04X}") for each in sockets & peers.keys())


@pytest.mark.parametrize("worker_class", ["gthread", "meinheld"])
def test_nothing_is_lost_or_doubled_whoever_of_them_is_killed(
    make_server: StartServer, worker_class: str
) -> None:
    if worker_class == "meinheld":
        pytest.importorskip("meinheld", reason="meinheld is not built here (no C compiler)")
    seed = int(os.environ.get("SEED") or time.time_ns())
    print(f"SEED={seed}")
    chance = random.Random(seed)
    server = make_server(
        REDLOG_SERVER__WORKER_CLASS=worker_class,
        REDLOG_WRITER__PROCESS_BYTES="1",
        REDLOG_JOURNAL__SEGMENT_BYTES="65536",
    ).start()
    with Senders(server, seed=seed) as load:
        for _ in range(ROUNDS):
            both(server)
            time.sleep(chance.uniform(0, 0.3))
            victim = chance.choice([*server.hired(), *server.workers()])
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
            wait_until(lambda: len(server.workers()) == 2, "the workers")
            load.wait_for(30)
    assert server.stop() == 0
    server.start()
    load.check()
    assert "Traceback" not in server.log_text()


def test_it_stores_all_before_the_server_stops_and_leaves_no_process(
    make_server: StartServer,
) -> None:
    server = make_server(REDLOG_WRITER__PROCESS_BYTES="1").start()
    with Senders(server) as load:
        processes = both(server)
        load.wait_for(200)
    assert server.stop() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in processes)
    assert server.manage("journal", "status", "--json")["waiting_bytes"] == 0
    server.start()
    load.check()


def test_it_goes_when_its_worker_is_gone(make_server: StartServer) -> None:
    server = make_server(REDLOG_WRITER__PROCESS_BYTES="1").start()
    with Senders(server):
        processes = both(server)
        server.kill()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes), "its end")
        server.start()  # for the clients, which would try for long


def test_it_ends_when_little_waits(make_server: StartServer) -> None:
    server = make_server(REDLOG_WRITER__PROCESS_BYTES="1").start()
    with Senders(server) as load:
        both(server)
    wait_until(lambda: not server.hired(), "its end")
    assert "ended with code" not in server.log_text()
    load.check()
    assert server.report([{"message": "afterwards"}]).status_code == 202
    wait_until(lambda: server.query(q="afterwards"), "the thread to go on")


@pytest.mark.redis
def test_they_leave_redis_to_their_worker(
    make_server: StartServer, redis_server: RedisServer
) -> None:
    server = make_server(
        REDLOG_REDIS__URL=redis_server.url, REDLOG_WRITER__PROCESS_BYTES="1"
    ).start()
    with Senders(server) as load, redis_server.client.pubsub() as listener:
        processes = both(server)
        wait_until(lambda: read_progress(server.data / "journal").pid in processes, "its work")
        listener.psubscribe("redlog:*:stored")
        wait_until(
            lambda: (listener.get_message(timeout=0.1) or {}).get("type") == "pmessage",
            "its worker to tell others what is stored",
        )
        assert [talks_to(pid, redis_server.port) for pid in processes] == [False, False]
        assert any(talks_to(pid, redis_server.port) for pid in server.workers())
    load.check()
