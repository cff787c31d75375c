"""Those who follow what is stored, and the reading for them.

Each stretch of records is read once for all who stand at its begin. Nothing is kept for those who
are slower: the store holds it, and they are read for apart until they have come up.
"""

import math
import random
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from itertools import compress

from database.day_file import AWAY
from database.ends import Places
from database.log_reader import Rows, Unreadable
from database.log_tail import WIDTH, LogTail, Wanted
from database.scan import OutOfTime
from exceptions import Problem, StoreAway
from service.search import record_of
from service.tail_cursor import write_cursor
from utils.event_stream import EventStream, event
from utils.record import dumps

STRETCH = 1000  # ids that are read at once
MOST_PLACES = 8  # that are read for in a turn, however many stand somewhere else
STRETCH_SECONDS = 2.0  # for one statement
TRIES = 3  # then a stretch is left out
MOST_BEHIND = 100_000  # ids, for a reader who was up to date once
HEARTBEAT_SECONDS = 15.0
STUCK_SECONDS = 60.0  # without the reader taking a byte


class Follower:
    """A reader: what they want, how far they are, and their stream once it is begun.

    `goes_on` is asked now and then whether they may still read; it may raise Problem.
    """

    stream: EventStream

    def __init__(
        self,
        number: int,
        wanted: Wanted,
        apps: tuple[int, ...],
        places: Places,
        goes_on: Callable[[], bool],
    ) -> None:
        self.number = number
        self.wanted = wanted
        self.apps = apps
        self.places = places
        self.is_live = False  # whether they were up to date once
        self.failures = 0
        self._goes_on = goes_on
        self._heartbeat_at = time.monotonic() + HEARTBEAT_SECONDS

    def place(self, day: str) -> int:
        """The last id that they have seen in a partition."""
        return self.places.get(day, 0)

    def first(self) -> bytes:
        """What a stream begins with."""
        return f"retry: 2000\nid: {write_cursor(self.places)}\n\n".encode()

    def skip(self, places: Places) -> None:
        """Go on at these places, and say where to find what is left out."""
        left_out = sum(max(0, place - self.place(day)) for day, place in places.items())
        gap = {"from": write_cursor(self.places), "records": left_out}
        self.places = self.places | places
        self.stream.write(event(dumps(gap), "gap", write_cursor(self.places)))

    def tend(self, now: float) -> bool:
        """Send what waits, now and then a heartbeat; False when it is time to end.

        Raises OSError when the reader is gone.
        """
        if self.stream.is_waiting:
            self.stream.flush()
        if now >= self._heartbeat_at:
            self._heartbeat_at = now + HEARTBEAT_SECONDS
            if not self._may_go_on():
                return False
            if not self.stream.is_waiting:
                self.stream.write(f": \nid: {write_cursor(self.places)}\n\n".encode())
                self.stream.flush()
        return not self.stream.is_waiting or now - self.stream.taken_at < STUCK_SECONDS

    def _may_go_on(self) -> bool:
        try:
            return self._goes_on()
        except Problem as error:
            return isinstance(error, StoreAway)
        except AWAY:
            return True


class Reading:
    """Reads what was stored for all followers. `ends` is how far the store is."""

    def __init__(self, store: LogTail) -> None:
        self.store = store
        self.ends: Places = {}
        self.flooded_at = -math.inf  # when more was stored than all who follow could be shown
        self._unread: set[str] = set()  # days that somebody may not have seen to their end

    def look(self, ends: Places, followers: Collection[Follower]) -> None:
        """Hear how far the store is now."""
        self._unread |= {day for day, end in ends.items() if self.ends.get(day) != end}
        for day in self.ends.keys() - ends.keys():  # dropped; it may come back and begin anew
            for follower in followers:
                follower.places.pop(day, None)
        self.ends = ends

    def look_for(self, follower: Follower) -> None:
        """Hear of somebody who begins to follow."""
        self._unread |= {day for day, end in self.ends.items() if follower.place(day) != end}

    def advance(self, followers: Collection[Follower]) -> bool:
        """Read a stretch for each place at which somebody stands; whether there is more at once.

        Each goes through the days in order. Raises what the store raises when it is away.
        """
        is_more, late = False, set[Follower]()
        ready = [each for each in followers if each.is_live and not each.stream.is_full]
        skipped = [self._skip_if_far(follower) for follower in ready]
        if skipped and all(skipped):
            self.flooded_at = time.monotonic()
        for day in sorted(self._unread):
            is_more |= self._read_day(day, [each for each in followers if each not in late])
            behind = {each for each in followers if each.place(day) < self.ends.get(day, 0)}
            late |= behind
            if not behind:
                self._unread.discard(day)
        for follower in followers:
            follower.is_live |= follower not in late
        return is_more

    def _skip_if_far(self, follower: Follower) -> bool:
        places = {day: self.ends[day] for day in self._unread & self.ends.keys()}
        is_far = sum(end - follower.place(day) for day, end in places.items()) > MOST_BEHIND
        if is_far:
            follower.skip(places)
        return is_far

    def _read_day(self, day: str, followers: list[Follower]) -> bool:
        """Read a stretch of a day for each place; whether there is more at once."""
        end, ready = self.ends.get(day, 0), []
        by_place: dict[int, list[Follower]] = defaultdict(list)
        for follower in followers:
            if follower.place(day) > end and self.store.is_anew(day, follower.place(day)):
                follower.places[day] = 0
            if follower.place(day) < end and not follower.stream.is_full:
                by_place[follower.place(day)].append(follower)
                ready.append(follower)
        for place in _some(list(by_place)):
            up_to = min(end, place - place % STRETCH + STRETCH)
            self._read(day, place, up_to, by_place[place])
        return any(each.place(day) < end and not each.stream.is_full for each in ready)

    def _read(self, day: str, after: int, up_to: int, together: list[Follower]) -> None:
        """Read a stretch for all who stand at its begin.

        Where that fails because of what one of them wants, the others don't lose by it.
        """
        deadline = time.monotonic() + STRETCH_SECONDS
        wanted = [follower.wanted for follower in together]
        try:
            rows = self.store.follow(day, after, up_to, wanted, deadline)
        except (*AWAY, Unreadable, OutOfTime):
            self.store.growing()  # raises when it is the store that fails
            if len(together) > 1:
                for follower in together:
                    self._read(day, after, up_to, [follower])
            elif (failures := together[0].failures) + 1 < TRIES:
                together[0].failures = failures + 1
            else:
                together[0].failures = 0
                together[0].skip({day: up_to})
        else:
            _deliver(day, up_to, together, rows)


def _some(places: list[int]) -> list[int]:
    """The furthest place, where most stand, and a few of the others."""
    if len(places) <= MOST_PLACES:
        return places
    furthest = max(places)
    places.remove(furthest)
    return [furthest, *random.sample(places, MOST_PLACES - 1)]


def _deliver(day: str, up_to: int, together: list[Follower], rows: Rows) -> None:
    """Write each record to those who want it, as far as they can take it."""
    late: set[Follower] = set()
    written: dict[Follower, int] = {}
    for row in rows:
        record, places, made = b"", None, b""
        for follower in compress(together, row[WIDTH:]):
            if follower in late or follower.stream.is_full:
                late.add(follower)
                continue
            if places != follower.places:  # else it is the same event
                record = record or dumps(record_of((day, row[:WIDTH])))
                places = follower.places
                made = event(record, last_id=write_cursor({**places, day: row[0]}))
            follower.stream.write(made)
            written[follower] = row[0]
    for follower in together:
        place = written.get(follower, follower.place(day)) if follower in late else up_to
        follower.places[day] = place
