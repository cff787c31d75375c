"""Server-Sent Events over a connection that no thread waits for.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import errno
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

MOST_WAITING = 65_536  # bytes of events for a slow reader, and one event more
KERNEL_BYTES = 131_072  # what the kernel holds for a reader; it doubles that
READ_BYTES = 4096


class HandedOver(BrokenPipeError):
    """The connection of a reply belongs to somebody else now: the worker must let go of it."""

    def __init__(self) -> None:
        super().__init__(errno.EPIPE, "handed over")


def can_hand_over(environ: dict[str, Any]) -> bool:
    """Whether the worker of this request lets go of a connection: ours of gunicorn's threads."""
    is_threaded = bool(environ.get("wsgi.multithread"))
    return is_threaded and type(environ.get("gunicorn.socket")) is socket.socket  # no TLS in it


def handing_over(
    environ: dict[str, Any], first: bytes, take: Callable[["EventStream"], None]
) -> Iterator[bytes]:
    """A WSGI reply that begins with `first` and is gone on with by who takes its stream."""
    yield first
    is_chunked = environ["SERVER_PROTOCOL"] != "HTTP/1.0"  # as gunicorn began it
    take(EventStream(socket.socket(fileno=environ["gunicorn.socket"].detach()), is_chunked))
    raise HandedOver


class EventStream:
    """A connection on which events go out as fast as the reader takes them, and no faster."""

    def __init__(self, connection: socket.socket, is_chunked: bool) -> None:
        self.connection = connection
        self.taken_at = time.monotonic()  # when the reader last took something, or had it all
        self._is_chunked = is_chunked
        self._events = bytearray()
        self._wire = bytearray()
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        with suppress(OSError):  # not of TCP
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        """What a selector needs."""
        return self.connection.fileno()

    @property
    def is_waiting(self) -> bool:
        """Whether something waits for the reader."""
        return bool(self._events or self._wire)

    @property
    def is_full(self) -> bool:
        """Whether too much waits for the reader to write more."""
        return len(self._events) + len(self._wire) > MOST_WAITING

    def write(self, event: bytes) -> None:
        """Add an event; `flush` sends it."""
        self._events += event

    def flush(self) -> None:
        """Send what the reader takes now. Raises OSError when it is gone."""
        if self._events:
            self._wire += self._framed(self._events)
            self._events.clear()
        sent = 0
        with suppress(BlockingIOError):
            sent = self.connection.send(self._wire) if self._wire else 0
        del self._wire[:sent]
        if sent or not self._wire:
            self.taken_at = time.monotonic()

    def is_gone(self) -> bool:
        """Whether the reader, of whom there is something to read, has ended the connection."""
        try:
            return not self.connection.recv(READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def end(self, last: bytes) -> None:
        """Send a last event and the end, as far as the reader takes them now, and close."""
        self._wire += self._framed(self._events + last) + (
            b"0\r\n\r\n" if self._is_chunked else b""
        )
        self._events.clear()
        with suppress(OSError):
            self.flush()
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
        self.connection.close()

    def _framed(self, data: bytearray) -> bytes:
        """As a chunk (RFC 9112, section 7.1), if it is in chunks; an empty one would be the end."""
        return b"%x\r\n" % len(data) + data + b"\r\n" if self._is_chunked and data else bytes(data)


def event(data: bytes, name: str = "", last_id: str = "") -> bytes:
    """An event with JSON as its data, in which line breaks are mere blanks."""
    line = data.replace(b"\r", b" ").replace(b"\n", b" ")
    head = f"event: {name}\n" if name else ""
    return f"{head}id: {last_id}\ndata: ".encode() + line + b"\n\n"
