"""Replies handed to meinheld at the pace of their reader, so that it never waits for one itself.

When a socket is full, meinheld 1.0.2 switches greenlets by the struct of greenlet 0.4: with any
greenlet of today it reads past the object (SIGSEGV, and all its replies are cut) or spins. If it
survives that, the connection is dead: what it adds to epoll with EPOLLEXCLUSIVE it can't modify,
so after it waited for room it never reads the next request. So it must not meet a full socket.
"""

import os
import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from utils.log import log as logger

# What surely fits where poll sees room (a third of the send buffer, 80 KiB and more).
BLOCK_BYTES = 16_384
# How long the worker waits for a reader, in all; gunicorn kills workers that are silent for 60 s.
WAIT_SECONDS = 20.0

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def paced(application: Application) -> Application:
    """The same WSGI application with replies that meinheld can send."""

    def reply(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        fd: int = environ["meinheld.client"].get_fd()
        os.set_blocking(fd, True)  # a write is never told to come back; it reads after epoll only
        environ.pop("wsgi.file_wrapper", None)  # its sendfile would not be paced
        return PacedReply(fd, application(environ, start_response))

    return reply


class PacedReply:
    """A WSGI reply in blocks, each as soon as the socket has room for it.

    A reader for whom it waits more than `WAIT_SECONDS` is hung up on.
    """

    def __init__(self, fd: int, parts: Iterable[bytes]) -> None:
        self.fd = fd
        self.parts = parts
        self.patience = WAIT_SECONDS
        self.room = select.poll()
        self.room.register(fd, select.POLLOUT)

    def __iter__(self) -> Iterator[bytes]:
        for part in self.parts:
            for start in range(0, len(part) or 1, BLOCK_BYTES):
                if not self._has_room():
                    self._hang_up()
                    return
                yield part[start : start + BLOCK_BYTES]

    def _has_room(self) -> bool:
        """Wait for room; false when patience has an end. A broken socket fails at the write."""
        if self.room.poll(0):
            return True
        began = time.monotonic()
        found = self.room.poll(self.patience * 1000)
        self.patience = max(0.0, self.patience - (time.monotonic() - began))
        return bool(found)

    def _hang_up(self) -> None:
        """End the connection: meinheld would keep it alive, and send the next reply into it."""
        logger.warning("a reply was cut: its reader did not take it in %g s", WAIT_SECONDS)
        reader = socket.socket(fileno=self.fd)
        with suppress(OSError):
            reader.shutdown(socket.SHUT_RDWR)
        reader.detach()

    def close(self) -> None:
        """Close the reply inside (PEP 3333)."""
        close = getattr(self.parts, "close", None)
        if close is not None:
            close()
