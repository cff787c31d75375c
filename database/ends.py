"""How far each partition is stored: where those stand who follow what is stored."""

import threading
import time
from collections import deque

from database.catalogue import Partition
from database.log_reader import Unreadable
from database.log_tail import LogTail
from utils.log import log

ALWAYS = 2  # of the newest days; in others hardly anything is stored, and the catalogue tells soon

Places = dict[str, int]  # by day: the last id that somebody has seen


class _Day:
    """What is known of a partition."""

    def __init__(self) -> None:
        self.partition: Partition | None = None  # as it was when it was looked at
        self.end = 0
        self.seen: deque[tuple[float, int]] = deque()  # when, and the newest id then

    @property
    def is_settling(self) -> bool:
        return bool(self.seen) and self.seen[-1][1] > self.end


class Ends:
    """The last id of each partition, before which nothing will come any more. For any thread."""

    def __init__(self, store: LogTail) -> None:
        self.store = store
        self._lock = threading.Lock()
        self._days: dict[str, _Day] = {}

    def look(self, anew: bool = False) -> Places:
        """How far it is now. Raises what the store raises when it is away.

        `anew`: nobody has followed for a while, and who begins does not ask for what was stored
        meanwhile.
        """
        with self._lock:
            known = {} if anew else self._days
            days: dict[str, _Day] = {}
            for number, partition in enumerate(self.store.growing()):
                days[partition.name] = day = known.get(partition.name) or _Day()
                if number < ALWAYS or day.partition != partition or day.is_settling:
                    self._look_at(partition, day, anew)
            self._days = days
            return {name: day.end for name, day in days.items()}

    @property
    def is_settling(self) -> bool:
        """Whether more was seen than is sure, so that it is worth to look again soon."""
        return any(day.is_settling for day in self._days.values())

    def _look_at(self, partition: Partition, day: _Day, anew: bool) -> None:
        name = partition.name
        try:
            newest = self.store.newest_id(name)
            if anew:
                day.end = self.store.settled(name, 0, newest)
            else:
                self._advance(name, day, newest)
        except Unreadable as error:
            if day.partition is None:
                log.error("partition %s can't be followed: %s", name, error)
        day.partition = partition

    def _advance(self, name: str, day: _Day, newest: int) -> None:
        if newest < day.end and self.store.is_anew(name, day.end):
            day.end, day.seen = 0, deque()
        now = time.monotonic()
        day.seen.append((now, newest))
        sure = now - self.store.settle_seconds
        while len(day.seen) > 1 and day.seen[1][0] <= sure:
            day.seen.popleft()
        seen_at, seen = day.seen[0]
        if seen_at <= sure and seen > day.end:
            day.end = self.store.settled(name, day.end, seen)
