"""Wakes those who wait for new records: in all workers of a node, and of other nodes by Redis.

In a small shared file stands, for each app, when records of it were last stored. Whoever waits
looks there twenty times a second, which costs less than a microsecond.
"""

import mmap
import os
import socket
import time
from collections import Counter
from collections.abc import Iterable
from hashlib import blake2s
from pathlib import Path

from database.day_append import CounterKey
from database.redis_bus import RedisBus
from utils.log import log

POLL_SECONDS = 0.05
SLOTS = 4096  # apps that share one are woken together: once too often does no harm
SIZE = SLOTS * 8
CHANNEL = "stored"

Mark = tuple[int, ...]


class Waker:
    """`stored` wakes, `wait` waits. The file is opened by the process that first uses it."""

    def __init__(self, data_dir: Path, bus: RedisBus) -> None:
        self.path = data_dir / "run" / "stored"
        self.bus = bus
        # The same for all workers of this node: they need not be told by Redis too.
        place = f"{socket.gethostname()} {data_dir.resolve()}"
        self._node = blake2s(place.encode(), digest_size=8).hexdigest()
        self._slots: memoryview | None = None
        bus.on(CHANNEL, self._hear)

    def stored(self, app_ids: Iterable[int]) -> None:
        """Wake those who wait for records of these apps."""
        told = list(app_ids)
        if not told:
            return
        try:
            self._stamp(told)
        except OSError as error:  # on a full disk; the records are stored all the same
            log.warning("nobody can be woken: %s", error.strerror)
        self.bus.publish(CHANNEL, f"{self._node} {' '.join(map(str, told))}")

    def hear_stored(self, counters: Counter[CounterKey]) -> None:
        """Wake by what the writer counted; for its `on_stored`."""
        self.stored({app_id for app_id, _, outcome in counters if outcome == "stored"})

    def mark(self, app_ids: Iterable[int]) -> Mark:
        """What to hand to `wait`: take it before looking for records, and none is missed."""
        slots = self._opened()
        return tuple(slots[app_id % SLOTS] for app_id in app_ids)

    def wait(self, app_ids: Iterable[int], since: Mark, seconds: float) -> Mark:
        """Return when records of these apps were stored after `since`, at most `seconds` later.

        The new mark, which is `since` when nothing happened.
        """
        watched = tuple(app_ids)
        deadline = time.monotonic() + seconds
        while (mark := self.mark(watched)) == since:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(POLL_SECONDS, left))
        return mark

    def _hear(self, message: str | None) -> None:
        """What another node stored; after a gap it may have been anything."""
        if message is None:
            return self._stamp(range(SLOTS))
        node, *app_ids = message.split()
        if node != self._node:
            self._stamp(map(int, app_ids))

    def _stamp(self, app_ids: Iterable[int]) -> None:
        """A time, not a count: two processes that add to a count at once would count one."""
        slots, now = self._opened(), time.time_ns()
        for app_id in app_ids:
            slots[app_id % SLOTS] = now

    def _opened(self) -> memoryview:
        if self._slots is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if os.fstat(descriptor).st_size < SIZE:
                    os.pwrite(descriptor, bytes(SIZE), 0)  # with holes, a full disk kills by SIGBUS
                self._slots = memoryview(mmap.mmap(descriptor, SIZE)).cast("Q")
            finally:
                os.close(descriptor)
        return self._slots
