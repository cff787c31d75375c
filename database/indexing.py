"""The writer's work on the index of blocks, in steps of some milliseconds when nothing waits."""

import time
from collections.abc import Iterator

from database.day_file import AWAY
from database.log_reader import Unreadable
from database.log_store import LogStore
from utils.clock import day_of, now_us
from utils.log import log

SLICE_SECONDS = 0.05  # at most in one turn; then three times as long for everything else
POLL_SECONDS = 2.0  # for what today has more
THOROUGH_SECONDS = 600.0  # between two looks at all days
FAILED_SECONDS = 30.0


class Indexer:
    """Has the store's index made. Only the elected writer may use it, after `begin`."""

    def __init__(self, log_store: LogStore) -> None:
        self.log_store = log_store
        self._steps: Iterator[float] = iter(())
        self._wait_until = 0.0
        self._looked_at = 0.0

    def begin(self) -> None:
        """Begin anew, when this process was elected."""
        self._steps = self._run()
        self._wait_until = 0.0
        self._looked_at = -THOROUGH_SECONDS

    def turn(self) -> None:
        """Some steps, if it is time for them. A failure is told, and tried again later."""
        started = time.monotonic()
        if started < self._wait_until:
            return
        try:
            self._wait_until = self._advance(started)
        except Exception as error:  # whatever it is, it must not hold up the drain
            log.warning("indexing failed: %s", error, exc_info=not isinstance(error, AWAY))
            self.begin()
            self._wait_until = time.monotonic() + FAILED_SECONDS

    def _advance(self, started: float) -> float:
        """Go on for a slice of time; when to come back."""
        for pause in self._steps:
            now = time.monotonic()
            if pause or now - started > SLICE_SECONDS:
                return now + max(pause, 3 * (now - started))
        return started

    def _run(self) -> Iterator[float]:
        """All there ever is to do."""
        while True:
            today = day_of(now_us())
            yield from self._index(today, False)
            if time.monotonic() - self._looked_at >= THOROUGH_SECONDS:
                self._looked_at = time.monotonic()
                for partition in self.log_store.catalogue.partitions():
                    yield from self._index(partition.name, partition.name < today)
            yield POLL_SECONDS

    def _index(self, day: str, is_over: bool) -> Iterator[float]:
        try:
            while self.log_store.index(day, is_over):
                yield 0.0
        except Unreadable as error:
            log.error("partition %s can't be indexed: %s", day, error)
