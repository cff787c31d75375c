"""How long a client may take to send a request while a thread waits for it."""

import socket
import time
from contextlib import suppress
from typing import Any

BYTES_PER_SECOND = 2048  # so many that came give the client a second more


class Patience:
    """Stands in for a client's socket where requests are read from it.

    A request may take `seconds`, and longer the more of it has come.
    """

    def __init__(self, source: socket.socket, seconds: float) -> None:
        self._source = source
        self._seconds = seconds
        self._deadline = 0.0
        self._is_waiting = False

    def begin(self) -> None:
        """A request begins."""
        self._deadline = time.monotonic() + self._seconds

    def recv(self, size: int) -> bytes:
        """What the client sent, empty at the end."""
        self._is_waiting = True
        data = self._source.recv(size)
        self._is_waiting = False
        self._deadline += len(data) / BYTES_PER_SECOND
        return data

    def end_if_lost(self) -> None:
        """Read no further from a client for whom a thread has waited too long.

        To the thread it looks as if the client had ended early, so it can still answer.
        """
        if self._is_waiting and time.monotonic() > self._deadline:
            with suppress(OSError):  # it went away itself
                self._source.shutdown(socket.SHUT_RD)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)
