"""A small HTTP server before RedLog, as a proxy is one, that can fail in the ways of networks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from started import Server

# How a report may fail: it is refused, it is cut off before it arrives, or its reply is lost.
UNAVAILABLE, UNREACHABLE, UNANSWERED = "503", "unreachable", "unanswered"


class Front:
    """Passes requests on to a server, unless reports are to fail. `/page` is a page with the SDK.

    `page` is of another origin than `url`.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.fault = ""
        self.reports: list[str] = []  # how each fared: a status, or what failed
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self.page = f"http://localhost:{self._http.server_port}/page"
        self.html = f'<script src="{self.url}/sdk/redlog.js"></script>'
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    @contextmanager
    def failing(self, fault: str) -> Iterator[None]:
        """Let reports fail for a while."""
        self.fault = fault
        try:
            yield
        finally:
            self.fault = ""

    def close(self) -> None:
        """Pass nothing on any more."""
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.startswith("/page"):
                    page = f"<!doctype html>{front.html}".encode()
                    return self._reply(200, {"Content-Type": "text/html; charset=utf-8"}, page)
                self._reply(*front._pass_on("GET", self.path, b"", {}))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                fault = front.fault
                if fault == UNREACHABLE:
                    front.reports.append(fault)
                    return self.connection.close()
                if fault == UNAVAILABLE:
                    front.reports.append(fault)
                    told = {"Retry-After": "1", "Access-Control-Allow-Origin": "*"}
                    told["Access-Control-Expose-Headers"] = "Retry-After"
                    return self._reply(503, told, b"")
                headers = {name: self.headers[name] for name in ("Origin", "Content-Type")}
                try:
                    status, told, said = front._pass_on("POST", self.path, body, headers)
                except (OSError, HTTPException):  # the server was killed
                    front.reports.append(UNREACHABLE)
                    return self.connection.close()
                front.reports.append(fault or str(status))
                if fault == UNANSWERED:
                    return self.connection.close()
                self._reply(status, told, said)

            def _reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    if name not in ("Connection", "Content-Length", "Date", "Server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Be silent."""

        return Handler

    def _pass_on(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        sent = {name: value for name, value in headers.items() if value is not None}
        connection.request(method, path, body or None, sent)
        answer = connection.getresponse()
        said = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return said
