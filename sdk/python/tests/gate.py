"""A gate before a server, at which anything can go wrong; and programs that log."""

import gzip
import json
import sys
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from started import Server

SOURCES = Path(__file__).resolve().parent.parent / "src"
PASS, SWALLOW = 0, -1


class Seen(NamedTuple):
    """A report that came: its headers and the batch in it."""

    headers: dict[str, str]
    batch: dict[str, Any]

    @property
    def messages(self) -> list[str]:
        return [log["message"] for log in self.batch["logs"]]


class Gate:
    """Stands before a server. `decide` says what becomes of a report: PASS it on, SWALLOW the
    server's answer, or the status with which it is answered here.
    """

    def __init__(self, server: Server) -> None:
        self.seen: list[Seen] = []
        self.decide: Callable[[Seen], int] = lambda seen: PASS
        self.headers: dict[str, str] = {}
        self.closed = threading.Event()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                is_packed = self.headers["Content-Encoding"] == "gzip"
                batch = json.loads(gzip.decompress(body) if is_packed else body)
                gate.seen.append(seen := Seen(dict(self.headers), batch))
                status = gate.decide(seen)
                if status <= 0:
                    there = HTTPConnection("127.0.0.1", server.port, timeout=30)
                    there.request("POST", self.path, body, dict(self.headers))
                    status = there.getresponse().status if status == PASS else -status
                    there.close()
                if status == -SWALLOW:
                    gate.closed.wait()
                    return
                self.send_response_only(status)
                for name, value in gate.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Be silent."""

        class Http(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: Any) -> None:
                """A client that was killed is none."""

        self._http = Http(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.closed.set()
        self._http.shutdown()
        self._http.server_close()


def program(code: str, *arguments: str) -> list[str]:
    """A program of its own that logs; it can be killed."""
    before = f"import sys; sys.path.insert(0, {str(SOURCES)!r})\n"
    return [sys.executable, "-c", before + code, *arguments]
