"""Live tails while workers die, servers stop, nodes are several and readers are slow."""

import json
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from conftest import StartServer
from faults import World, kill_a_worker, kill_all, wait_for_workers
from listener import PATH, Listener, Returning
from mariadb import MariaDB
from redis_server import RedisServer
from senders import Senders
from started import PATIENCE, Server, wait_until

from utils.tokens import Access, Tokens

pytestmark = [pytest.mark.fault, pytest.mark.server]


def hang_up(world: World) -> None:
    """SIGHUP: fresh workers."""
    old = world.server.workers()
    assert world.server.process is not None
    world.server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not set(old) & set(world.server.workers()), "fresh workers")
    wait_for_workers(world.server)


@pytest.mark.slow
@pytest.mark.parametrize("store", ["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def test_readers_lose_and_double_nothing_however_often_workers_are_killed(
    make_server: StartServer, store: str, request: pytest.FixtureRequest
) -> None:
    settings = {"REDLOG_WRITER__BATCH_BYTES": "20000"}
    if store == "mariadb":
        mariadb = request.getfixturevalue("mariadb")
        settings["REDLOG_DATABASE__URL"] = mariadb.url(mariadb.new_database())
    server = make_server(**settings).start()
    wait_for_workers(server)
    load = Senders(server)
    world = World(server, load, random.Random(5))
    with ExitStack() as stack:
        readers = [stack.enter_context(Returning(server)) for _ in range(4)]
        with load:
            for blow in (kill_a_worker, kill_a_worker, hang_up, kill_all, kill_a_worker):
                load.wait_for(60)
                wait_until(lambda: all(reader.is_here for reader in readers), "the readers")
                blow(world)
            load.wait_for(60)
        stored = load.check()
        for reader in readers:
            wait_until(lambda reader=reader: len(reader.messages) >= len(stored), "all of it")
    assert {frozenset(Counter(reader.messages).items()) for reader in readers} == {
        frozenset((message, 1) for message in stored)
    }
    assert min(reader.returns for reader in readers) >= 2  # by HUP and by the death of all
    assert "Traceback" not in server.log_text()


@pytest.fixture(params=["without", pytest.param("redis", marks=pytest.mark.redis)])
def two_nodes(
    mariadb: MariaDB,
    make_server: StartServer,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[tuple[Server, Server]]:
    """Two nodes on one database, with and without a Redis to wake each other."""
    settings = {
        "REDLOG_DATABASE__URL": mariadb.url(mariadb.new_database()),
        "REDLOG_WRITER__BATCH_BYTES": "5000",
    }
    if request.param == "redis":
        redis: RedisServer = request.getfixturevalue("redis_server")
        settings["REDLOG_REDIS__URL"] = redis.url
    first = make_server(**settings).start()
    data = tmp_path / "second"
    data.mkdir()
    (data / "secret").write_bytes((first.data / "secret").read_bytes())
    (data / "secret").chmod(0o600)
    second = Server(data, tmp_path / "second.log", settings, app=first.app).start()
    yield first, second
    second.kill()


@pytest.mark.mariadb
@pytest.mark.slow
def test_readers_of_each_node_get_what_both_nodes_store(two_nodes: tuple[Server, Server]) -> None:
    """While both store at once, ids are given before what has them is stored."""
    first, second = two_nodes
    with ExitStack() as stack:
        readers = [stack.enter_context(Returning(node)) for node in two_nodes for _ in range(2)]
        loads = [Senders(node, seed=n) for n, node in enumerate(two_nodes)]
        with loads[0], loads[1]:
            for load in loads:
                load.wait_for(1500)
        for node in two_nodes:
            node.wait_drained()
        found = Counter(record["id"] for record in first.walk())
        for reader in readers:
            wait_until(lambda reader=reader: len(reader.messages) >= len(found), "all of it")
    for reader in readers:
        assert Counter(event.data["id"] for event in reader.events) == found
    began = readers[0].events[0].id
    with Listener(second, last_id=began) as other:  # an id of one node is good for the other
        wait_until(lambda: len(other.events) >= len(found) - 1, "the rest")
        assert [event.data for event in other.events] == [
            event.data for event in readers[0].events[1:]
        ]


def test_stopping_does_not_wait_for_readers(make_server: StartServer) -> None:
    server = make_server(REDLOG_SERVER__GRACE_SECONDS=str(int(PATIENCE) * 2)).start()
    wait_for_workers(server)
    listeners = [Listener(server) for _ in range(50)]
    assert server.report({"message": "m"}).status_code == 202
    for listener in listeners:
        listener.wait_for("m")
    assert server.stop() == 0  # well before its grace is over
    for listener in listeners:
        assert listener.ended.wait(PATIENCE)
        assert 1000 <= listener.retry <= 3000  # by which they come back
        assert listener.answer.raw._fp.isclosed()  # the chunks were ended as they should
    assert "Traceback" not in server.log_text()
    assert "SIGKILL" not in server.log_text()


@pytest.mark.slow
def test_a_stream_goes_on_as_long_as_its_reader_may_read(make_server: StartServer) -> None:
    """At each heartbeat they are asked for again: expired, revoked, limited to other apps."""
    server = make_server().start()
    revoked = server.manage("token", "create", "--json")
    expiring = Access(int(time.time()) + 3, "0" * 16, "read", None)
    listeners = {
        "good": Listener(server),
        "revoked": Listener(server, token=revoked["token"]),
        "expired": Listener(server, token=Tokens(server.data).sign(expiring)),
        "limited": Listener(server, token=server.manage(
            "token", "create", "--app", str(server.app["id"]), "--json")["token"]),
    }  # fmt: skip
    assert {listener.status for listener in listeners.values()} == {200}
    server.run("token", "revoke", revoked["id"])
    for name in ("revoked", "expired"):
        assert listeners[name].ended.wait(PATIENCE), name
    for name in ("good", "limited"):
        wait_until(lambda name=name: listeners[name].comments, "the heartbeat")
        assert not listeners[name].ended.is_set()
    server.manage("app", "create", "second", "--json")
    assert listeners["good"].ended.wait(PATIENCE)  # to come back, and see that app too
    assert server.report({"message": "m"}).status_code == 202
    listeners["limited"].wait_for("m")
    listeners["limited"].close()
    again = Listener(server, last_id=listeners["good"].last_id)
    again.wait_for("m")
    again.close()


def test_a_reader_who_takes_nothing_for_a_while_gets_it_all_later(
    make_server: StartServer,
) -> None:
    server = make_server(REDLOG_SERVER__WORKERS="1").start()
    with Listener(server) as quick, socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", server.port))
        slow.settimeout(PATIENCE)
        head = f"GET {PATH} HTTP/1.0\r\nHost: a\r\nAuthorization: Bearer {server.token}\r\n\r\n"
        slow.sendall(head.encode())
        lines = slow.makefile("rb")
        assert lines.readline().startswith(b"HTTP/1.")
        for batch in range(20):
            records = [{"message": f"{batch}-{n} {'x' * 1000}"} for n in range(500)]
            assert server.report(records).status_code == 202
        wait_until(lambda: len(quick.events) == 10_000, "all, for who reads at once")
        expected = [event.data["id"] for event in quick.events]
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        data = (line[6:] for line in lines if line.startswith(b"data: "))
        assert [json.loads(next(data))["id"] for _ in expected] == expected


def rss(pid: int) -> int:
    """The memory of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


def test_nothing_is_kept_for_readers_who_take_nothing(make_server: StartServer) -> None:
    server = make_server(REDLOG_SERVER__WORKERS="1").start()
    head = f"GET {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {server.token}\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(20):
            slow: Any = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            slow.sendall(head.encode())
            assert slow.recv(10) == b"HTTP/1.1 2"
        body = [{"message": "x" * 10_000} for _ in range(100)]
        (worker,) = server.workers()
        before = 0
        for _ in range(2):  # reporting and reading have their memory after the first time
            before = rss(worker)
            for _ in range(30):
                assert server.report(body).status_code == 202
            server.wait_drained()
        with Listener(server, q="last") as quick:
            assert server.report({"message": "last"}).status_code == 202
            quick.wait_for("last")
        assert rss(worker) - before < 60  # of 20 times 30 MB
