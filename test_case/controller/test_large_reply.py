"""Replies larger than what the kernel buffers, to readers that are slow."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import pytest
from started import Server

pytestmark = pytest.mark.server

RECORDS = 300
PAGE = f"/api/v1/logs?limit={RECORDS}"


@pytest.fixture(scope="module")
def full_server(either_server: Server) -> Server:
    """A server whose page of records is 18 MB."""
    for _ in range(RECORDS // 100):
        either_server.report([{"message": "x" * 60_000}] * 100)
    either_server.wait_drained()
    return either_server


def read_slowly(server: Server, paths: list[str]) -> Iterator[dict[str, Any]]:
    """What each path answers, all over one connection."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
    with closing(connection):
        connection.connect()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        for path in paths:
            connection.request("GET", path, headers={"Authorization": f"Bearer {server.token}"})
            reply, parts = connection.getresponse(), []
            while part := reply.read(2**18):
                parts.append(part)
                time.sleep(0.002)
            yield json.loads(b"".join(parts))


@pytest.mark.parametrize("first", ["/healthz", PAGE])
def test_slow_readers_get_each_reply_whole(full_server: Server, first: str) -> None:
    workers = full_server.workers()
    with ThreadPoolExecutor(4) as readers:
        read = readers.map(lambda _: [*read_slowly(full_server, [first, PAGE, PAGE])], range(4))
        counts = [[len(reply["logs"]) for reply in replies[1:]] for replies in read]
    assert counts == [[RECORDS] * 2] * 4
    assert full_server.workers() == workers
    assert "Traceback" not in full_server.log_text()
