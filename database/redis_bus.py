"""Messages between all processes of all nodes, through Redis: what one says, all others hear.

A message may be lost (Redis was away): it only makes known at once what stands elsewhere anyway.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from database.redis_link import RedisAway, RedisLink
from utils.log import log

LISTEN_SECONDS = 0.2
PROBE_SECONDS = 1.0

Hear = Callable[[str | None], None]


class RedisBus:
    """One thread a process that listens, and that looks after the link."""

    def __init__(self, link: RedisLink) -> None:
        self.link = link
        self._hearers: dict[str, Hear] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def on(self, channel: str, hear: Hear) -> None:
        """Call `hear` with each message; with None when some may have been missed."""
        self._hearers[f"{self.link.prefix}{channel}"] = hear

    def publish(self, channel: str, message: str) -> bool:
        """Tell all; False when Redis is away."""
        with suppress(RedisAway):
            self.link.call(lambda client: client.publish(f"{self.link.prefix}{channel}", message))
            return True
        return False

    def start(self) -> None:
        """Begin to listen; once, after the fork."""
        if self.link.is_configured:
            self._thread = threading.Thread(target=self._run, name="redis", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop listening and close the link. Harmless when never started."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(PROBE_SECONDS + 2 * LISTEN_SECONDS)
        self.link.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self.link.probe():
                    self._listen()
            except self.link.failures:
                pass  # the next probe says what it is
            except Exception:  # one message that can't be heard must not end the listening
                log.exception("a message through redis failed")
            self._stopping.wait(PROBE_SECONDS)

    def _listen(self) -> None:
        """Hear messages as long as Redis answers."""
        with self.link.client.pubsub(ignore_subscribe_messages=True) as listener:
            listener.subscribe(*self._hearers)
            for hear in self._hearers.values():
                hear(None)
            while not self._stopping.is_set() and self.link.probe():
                self._deliver_for(PROBE_SECONDS, listener)

    def _deliver_for(self, seconds: float, listener: Any) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._stopping.is_set():
            message = listener.get_message(timeout=LISTEN_SECONDS)
            if message is not None:
                self._hearers[message["channel"].decode()](message["data"].decode())
