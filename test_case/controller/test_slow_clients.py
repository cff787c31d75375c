"""Clients that send slowly, and more of them than there are threads."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest
import requests
from started import Server

pytestmark = pytest.mark.server
HEAD = b"POST /api/v1/logs HTTP/1.1\r\nHost: a\r\nX-Redlog-Key: %s\r\nContent-Length: 99\r\n\r\n{"


@pytest.fixture
def small_server(make_server: Callable[..., Server]) -> Server:
    return make_server(
        REDLOG_SERVER__WORKERS="1", REDLOG_SERVER__THREADS="2", REDLOG_SERVER__CLIENT_SECONDS="1"
    ).start()


@pytest.fixture
def trickle(small_server: Server) -> Iterator[Callable[[bytes], socket.socket]]:
    """Begins a request and goes on sending it, a byte now and then."""
    done = threading.Event()

    def send_on(client: socket.socket) -> None:
        with suppress(OSError):
            while not done.wait(0.2):
                client.sendall(b"x")

    with ExitStack() as stack:

        def begin(first: bytes) -> socket.socket:
            client = socket.create_connection(("127.0.0.1", small_server.port), timeout=30)
            stack.enter_context(client)
            client.sendall(first)
            sender = threading.Thread(target=send_on, args=(client,))
            sender.start()
            stack.callback(sender.join)
            return client

        stack.callback(done.set)
        yield begin
        done.set()


@pytest.mark.parametrize("where", ["head", "body"])
def test_clients_that_send_slowly_do_not_hold_the_threads(
    small_server: Server, trickle: Callable[[bytes], socket.socket], where: str
) -> None:
    head = HEAD % small_server.key.encode()
    clients = [trickle(head if where == "body" else head[:40]) for _ in range(6)]
    assert requests.get(f"{small_server.url}/healthz", timeout=20).status_code == 200
    for client in clients:
        with suppress(ConnectionResetError):
            answer = client.recv(4096)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


def test_a_large_report_may_come_slowly(small_server: Server) -> None:
    body = b'{"message": "' + b"x" * 40_000 + b'"}'
    head = HEAD[:-1].replace(b"99", b"%d") % (small_server.key.encode(), len(body))
    with socket.create_connection(("127.0.0.1", small_server.port), timeout=30) as client:
        client.sendall(head)
        for at in range(0, len(body), 4000):
            threading.Event().wait(0.25)
            client.sendall(body[at : at + 4000])
        assert client.recv(4096).startswith(b"HTTP/1.1 202 ")
