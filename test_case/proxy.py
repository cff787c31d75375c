"""A TCP proxy between a server and its database, whose connections can stall and break."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_RESET = struct.pack("ii", 1, 0)  # closing sends RST


class Proxy:
    """Passes on what comes to `port` to another port of this machine, and back.

    Of what it passes on, but not back, each `word` becomes `other`, which must be as long.
    """

    def __init__(self, target: int, word: bytes = b"", other: bytes = b"") -> None:
        assert len(word) == len(other)
        self.target = target
        self._changed = (word, other)
        self._passing = threading.Event()
        self._passing.set()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self._start(self._accept)

    def _start(self, work: object, *arguments: socket.socket | bytes) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()  # type: ignore[arg-type]

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.target), timeout=5)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                with self._lock:
                    self._sockets |= {near, far}
                self._start(self._pass_on, near, far, *self._changed)
                self._start(self._pass_on, far, near)

    def _pass_on(
        self, source: socket.socket, target: socket.socket, word: bytes = b"", other: bytes = b""
    ) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                self._passing.wait()
                target.sendall(data.replace(word, other) if word else data)
        self._end(source, target)

    def _end(self, *pair: socket.socket) -> None:
        """Close both, once each, when the other direction's thread has been woken."""
        for each in pair:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RD)
        with self._lock:
            mine = self._sockets & set(pair)
            self._sockets -= mine
        for each in mine:
            each.close()

    def reset(self) -> None:
        """Break all connections, in the middle of whatever they carry."""
        with self._lock:
            for each in self._sockets:
                with suppress(OSError):
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    each.shutdown(socket.SHUT_RD)

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Pass nothing on for a while; it arrives afterwards."""
        self._passing.clear()
        try:
            yield
        finally:
            self._passing.set()

    def close(self) -> None:
        """Pass nothing on any more."""
        self._passing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reset()
