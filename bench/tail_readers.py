"""Readers of live tails, in a process of their own: one selector, as little work as can be.

    python bench/tail_readers.py PORT < {"token": …, "filters": ["q=…", …]}

Says `ready` when all streams are open; at the next line of input it prints one JSON object: when
which batch came to whom, and of how many records they were told that they missed them.
"""

import json
import re
import selectors
import socket
import sys
import time
from typing import Any

BATCH = re.compile(rb'"trace_id":"b(\d+)"')
HEAD = "GET /api/v1/logs/tail?{} HTTP/1.0\r\nHost: bench\r\nAuthorization: Bearer {}\r\n\r\n"


class Reader:
    """A stream: of each event the batch that its record came in (-1: none), and when."""

    def __init__(self, port: int, query: str, token: str) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.connection.sendall(HEAD.format(query, token).encode())
        self.rest = b""
        while b"\n\n" not in self.rest:  # the headers, and the begin of the stream
            self.rest += self.connection.recv(65536)
        if b" 200 " not in self.rest[:20]:
            raise SystemExit(self.rest.decode())
        self.rest = b""
        self.connection.setblocking(False)
        self.events: list[tuple[int, float]] = []
        self.missed = 0  # records that it was told it was not shown

    def read(self) -> None:
        """What is there now."""
        *blocks, self.rest = (self.rest + self.connection.recv(1 << 20)).split(b"\n\n")
        now = time.time()
        for block in blocks:
            if block.startswith(b"event: gap"):
                self.missed += json.loads(block.partition(b"data: ")[2])["records"]
            elif b"data: " in block:
                found = BATCH.search(block)
                self.events.append((int(found[1]) if found else -1, now))


def main() -> None:
    """Read until told to stop."""
    asked: dict[str, Any] = json.loads(sys.stdin.readline())
    readers = [Reader(int(sys.argv[1]), query, asked["token"]) for query in asked["filters"]]
    print("ready", flush=True)
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        for reader in readers:
            selector.register(reader.connection, selectors.EVENT_READ, reader)
        while True:
            for key, _ in selector.select():
                if key.data is None:
                    events = [reader.events for reader in readers]
                    missed = sum(reader.missed for reader in readers)
                    print(json.dumps({"events": events, "missed": missed}))
                    return
                key.data.read()


if __name__ == "__main__":
    main()
