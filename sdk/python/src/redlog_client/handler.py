"""A handler for `logging`: what is logged goes to a RedLog server."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import weakref
from typing import Any, Mapping

from redlog_client.record import encoded
from redlog_client.shipper import Shipper
from redlog_client.spool import Spool
from redlog_client.transport import Transport

_handlers: weakref.WeakSet[RedlogHandler] = weakref.WeakSet()


class RedlogHandler(logging.Handler):
    """Puts records into a queue, from which a thread sends them in batches.

    A batch has an id and is sent until the server answers 202, so each record is stored once.
    Logging never raises and never waits for the net or the disk.

    `url` is the server's address, `key` the app's ingest key. `context` holds what all records have
    in common: release, environment, user_id and so on; `platform` is python and `device_id` the
    host's name unless it says otherwise. A batch is sent when it has `batch_size` records, or
    `flush_seconds` after its first. At most `max_queue` records wait in memory, more are dropped,
    counted and reported. With `spool`, a folder, batches are kept there until the server has them,
    at most `max_spool_bytes` for each process. An attempt takes at most `timeout` seconds,
    `close` at most `exit_seconds`: it is called as Python ends.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        context: Mapping[str, Any] | None = None,
        level: int | str = logging.NOTSET,
        batch_size: int = 500,
        flush_seconds: float = 1.0,
        max_queue: int = 10_000,
        spool: str | os.PathLike[str] | None = None,
        max_spool_bytes: int = 64 * 2**20,
        timeout: float = 10.0,
        exit_seconds: float = 2.0,
    ) -> None:
        super().__init__(level)
        self._transport = Transport(url, key)
        self._spool = (spool, max_spool_bytes)
        host = {"platform": "python", "device_id": socket.gethostname()[:128]}
        self._context = {**host, **(context or {})}
        self._options: dict[str, Any] = {
            "batch_size": batch_size,
            "flush_seconds": flush_seconds,
            "max_queue": max_queue,
            "timeout": timeout,
        }
        self._exit_seconds = exit_seconds
        self._shipper = self._new_shipper()
        _handlers.add(self)
        _watch_multiprocessing(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Put a record into the queue; what sending itself logs is passed over."""
        shipper = self._shipper
        if threading.current_thread() in shipper.threads:
            return
        try:
            shipper.put(encoded(record, next(shipper.seq)))
        except Exception:
            shipper.drop("unreadable")

    def flush(self) -> None:
        """Nothing: it would make others wait. `drain` sends what waits."""

    def drain(self, seconds: float = 10.0) -> bool:
        """Send all there is, and wait for it; whether that was possible in time."""
        return self._shipper.drain(seconds)

    def close(self) -> None:
        """Send what can be sent within `exit_seconds`; the rest stays in the spool."""
        self._shipper.close(self._exit_seconds)
        super().close()

    def _new_shipper(self) -> Shipper:
        return Shipper(self._transport, Spool(*self._spool), self._context, **self._options)

    def _after_fork(self) -> None:
        """Begin anew in a child: what the parent has not sent yet is its own to send."""
        self._shipper.spool.forget()
        self._shipper = self._new_shipper()


def _after_fork() -> None:
    for handler in list(_handlers):
        handler._after_fork()


def _watch_multiprocessing(handler: RedlogHandler) -> None:
    """Its processes end without what `atexit` holds, so they are told to close the handler."""
    from multiprocessing import util

    def in_child(handler: RedlogHandler) -> None:
        util.Finalize(handler, handler.close, exitpriority=0)

    util.register_after_fork(handler, in_child)


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_after_fork)
