"""What stands between a client and servers: it passes requests on and remembers them."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from started import PATIENCE, Server, wait_until

_OF_THE_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


class Passed(NamedTuple):
    """A request that was passed on, and the status of its answer; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int


class Lost(NamedTuple):
    """A server whose answer does not come back: the connection breaks instead."""

    server: Server


class Relay:
    """Passes the first request on to the first server, the second to the second, and so on; all
    that follow to the last. With `until_refused` each server but the last has all requests until
    it refuses one. Preflights of browsers are passed on, but neither counted nor kept.

    For a `with`. As servers made by the fixtures have the same app and key, a client does not see
    that another one answers.
    """

    def __init__(self, *servers: Server | Lost, until_refused: bool = False) -> None:
        self.passed: list[Passed] = []
        self._servers = servers
        self._until_refused = until_refused
        self._taken = 0
        self._lock = threading.Lock()
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self) -> None:
                relay._pass_on(self)

            do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = pass_on

            def log_message(self, *_: Any) -> None:
                """Be silent."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._http.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def statuses(self) -> list[int]:
        """Of all requests that were answered, in order."""
        return [passed.status for passed in self.passed]

    def wait_for(self, number: int) -> None:
        """Wait until so many requests were answered."""
        wait_until(lambda: len(self.passed) >= number, f"{number} requests")

    def _pass_on(self, request: BaseHTTPRequestHandler) -> None:
        body = _body_of(request)
        is_preflight = request.command == "OPTIONS"
        with self._lock:
            server = self._servers[min(self._taken, len(self._servers) - 1)]
            self._taken += not (is_preflight or self._until_refused)
        sent = {n: v for n, v in request.headers.items() if n.lower() not in _OF_THE_HOP}
        port = server.server.port if isinstance(server, Lost) else server.port
        there = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        there.request(request.command, request.path, body or None, sent)
        answer = there.getresponse()
        answered = answer.read()
        there.close()
        if not is_preflight:
            self._taken += self._until_refused and answer.status >= 400
            headers = {name.lower(): value for name, value in request.headers.items()}
            passed = Passed(request.command, request.path, headers, body, answer.status)
            self.passed.append(passed)
        if isinstance(server, Lost) and not is_preflight:
            request.close_connection = True
            return
        request.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OF_THE_HOP:
                request.send_header(name, value)
        if answer.status != 204:
            request.send_header("Content-Length", str(len(answered)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(answered)

    def __enter__(self) -> "Relay":
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


def _body_of(request: BaseHTTPRequestHandler) -> bytes:
    if request.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))
    body = b""
    while size := int(request.rfile.readline().partition(b";")[0], 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return body
