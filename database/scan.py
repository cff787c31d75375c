"""A range of time, looked through slice by slice, so that what takes too long can be gone on with.

The slices adapt: a first one of an hour, then as wide as can be looked through in a small part of
the time that a query has. The end of a slice is a place from which the next query goes on.
"""

import time
from collections.abc import Callable

from utils.clock import MINUTE

QUERY_SECONDS = 10.0
FIRST_WIDTH = 60 * MINUTE
AIM = 1 / 20  # of the query's time, for one slice
MOST = 1 / 8  # after which a slice is given up, and a narrower one tried
NARROWER = 16
WIDER = 8

# Searches `low` ≤ time < `high` until the deadline (of `time.monotonic`; None: there is none).
# True: nothing more is wanted. Raises OutOfTime, and then nothing may have come of it.
Look = Callable[[int, int, float | None], bool]


class OutOfTime(Exception):
    """A statement was cancelled at its deadline."""


class Scan:
    """`low` ≤ time < `high` in µs, from one end to the other, for about `seconds`."""

    def __init__(self, low: int, high: int, newest_first: bool, seconds: float) -> None:
        self.low, self.high = low, high  # what is left
        self.newest_first = newest_first
        self.seconds = seconds
        self.width = FIRST_WIDTH

    def run(self, look: Look) -> int | None:
        """Look at slice after slice; the edge of the last one when the time is up, else None.

        At least one slice is looked at to its end, the narrowest without a deadline: so who goes
        on from the edge always comes further.
        """
        end, moved = time.monotonic() + self.seconds, False
        while self.low < self.high:
            began = time.monotonic()
            if moved and began >= end:
                return self.high if self.newest_first else self.low
            low, high = self._slice()
            deadline = None if high - low == 1 and not moved else began + self.seconds * MOST
            try:
                if look(low, high, deadline):
                    return None
            except OutOfTime:
                self.width = max((high - low) // NARROWER, 1)
                continue
            self._move(low, high, time.monotonic() - began)
            moved = True
        return None

    def _slice(self) -> tuple[int, int]:
        if self.newest_first:
            return max(self.low, self.high - self.width), self.high
        return self.low, min(self.high, self.low + self.width)

    def _move(self, low: int, high: int, took: float) -> None:
        if self.newest_first:
            self.high = low
        else:
            self.low = high
        factor = min(max(self.seconds * AIM / max(took, 1e-6), 1 / 4), WIDER)
        self.width = max(int(self.width * factor), 1)
