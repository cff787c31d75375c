"""Live tails: records go out to those who follow them as soon as they are stored.

One thread in each worker does it for all of its readers, and no request waits: the connections are
handed over to it (`utils.event_stream`). What it may take of the machine is bounded: after each
turn it rests for a multiple of the time that it took.
"""

import random
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from database.day_file import AWAY
from database.ends import Ends
from database.log_query import LogFilter
from database.log_tail import LogTail
from database.waker import POLL_SECONDS, Mark, Waker
from exceptions import Problem, TooManyStreams
from service.following import Follower, Reading
from service.tail_cursor import read_cursor
from utils.event_stream import READ_BYTES, EventStream
from utils.log import log

LOOK_SECONDS = 1.0  # as often without being woken: by another node, without Redis
REST = 1  # times as long as the turn took
FLOODED_REST = 20  # the same, while reporting comes faster than can be followed
FLOOD_SECONDS = 30.0  # then it is tried again
FAILED_SECONDS = 1.0
STOP_SECONDS = 2.0
READ = selectors.EVENT_READ


class LiveTail:
    """Streams of records, at most `most` at a time in each process."""

    def __init__(self, store: LogTail, waker: Waker, most: int) -> None:
        self.store = store
        self.waker = waker
        self._ends = Ends(store)
        self._reading = Reading(store)
        self._free = set(range(most))
        self._lock = threading.Lock()
        self._arriving: deque[Follower] = deque()
        self._followers: dict[int, Follower] = {}  # by number
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._turn_at = self._look_at = 0.0
        self._apps: tuple[int, ...] = ()
        self._mark: Mark = ()
        self._has_more = self._is_failing = False

    # For the threads of requests.

    def open(self, wanted: LogFilter, last_id: str | None, goes_on: Callable[[], bool]) -> Follower:
        """Somebody who follows from an event's id on, or from the filter's `start`, or from now.

        Raises TooManyStreams and BadCursor. `take` or `leave` must follow.
        """
        number = self._take_number()
        try:
            ends = self._ends.look(anew=not (self._followers or self._arriving))
            if last_id:
                places = read_cursor(last_id, ends)
            elif wanted.start is not None:
                places = ends | self.store.begin(wanted.apps, wanted.start)
            else:
                places = ends
            ready = self.store.wanted_by(wanted, number)
        except BaseException:
            self._free.add(number)
            raise
        return Follower(number, ready, wanted.apps, places, goes_on)

    def take(self, follower: Follower, stream: EventStream) -> None:
        """Go on with a stream that has begun."""
        follower.stream = stream
        with self._lock:
            if self._stopping:
                return stream.end(_come_back())
            if self._thread is None:
                self._bell, self._ear = socket.socketpair()
                self._thread = threading.Thread(target=self._run, name="tail", daemon=True)
                self._thread.start()
            self._arriving.append(follower)
            self._bell.send(b"!")

    def leave(self, follower: Follower) -> None:
        """Forget somebody whose stream was never begun."""
        if not hasattr(follower, "stream"):
            self._free.add(follower.number)

    def stop(self) -> None:
        """End all streams; their readers come back to another worker. Harmless if there is none."""
        with self._lock:
            self._stopping = True
            if self._thread is None:
                return
            self._bell.send(b"!")
        self._thread.join(STOP_SECONDS)

    def _take_number(self) -> int:
        with suppress(KeyError):
            return self._free.pop()
        after = random.randint(5, 15)  # not all at once
        raise TooManyStreams("poll GET /api/v1/logs by its cursor meanwhile", after)

    # The thread.

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._ear, READ)
            while not self._stopping:
                try:
                    self._turn(selector)
                except Exception:
                    log.exception("live tails failed")
                    time.sleep(FAILED_SECONDS)
            for follower in (*self._followers.values(), *self._arriving):
                follower.stream.end(_come_back())

    def _turn(self, selector: selectors.BaseSelector) -> None:
        """Hear what readers and the store have to say, and serve them when it is time."""
        pause = max(0.0, self._turn_at - time.monotonic()) if self._followers else None
        for key, _ in selector.select(pause):
            if key.data is None:
                self._ear.recv(READ_BYTES)
            elif key.data.stream.is_gone():
                self._end(key.data, selector)
        while self._arriving:
            self._admit(self._arriving.popleft(), selector)
        began = time.monotonic()
        if self._followers and began >= self._turn_at:
            self._has_more = self._read(began)
            self._tend(selector)
            took = time.monotonic() - began
            pause = FAILED_SECONDS if self._is_failing else 0.0 if self._has_more else POLL_SECONDS
            is_flooded = began - self._reading.flooded_at < FLOOD_SECONDS
            rest = took * (FLOODED_REST if is_flooded else REST)
            self._turn_at = time.monotonic() + max(pause, rest)

    def _admit(self, follower: Follower, selector: selectors.BaseSelector) -> None:
        self._followers[follower.number] = follower
        selector.register(follower.stream, READ, follower)
        self._apps = tuple({app for each in self._followers.values() for app in each.apps})
        self._reading.look_for(follower)
        self._look_at = 0.0

    def _read(self, now: float) -> bool:
        """Read on for all; whether there is more at once. The thread must not end for a failure."""
        followers = self._followers.values()
        try:
            if self._is_woken(now):
                self._reading.look(self._ends.look(), followers)
            is_more = self._reading.advance(followers)
        except Exception as error:
            if not isinstance(error, (*AWAY, Problem)):
                log.exception("live tails failed")
            elif not self._is_failing:
                log.warning("live tails wait, as the store is away: %s", error)
            self._is_failing = True
            return False
        self._is_failing = False
        return is_more

    def _is_woken(self, now: float) -> bool:
        """Whether to look how far the store is: not while there is enough to read."""
        mark = self.waker.mark(self._apps)
        is_news = mark != self._mark or self._ends.is_settling
        if now < self._look_at and (self._has_more or not is_news):
            return False
        self._mark, self._look_at = mark, now + LOOK_SECONDS  # before the look: none is missed
        return True

    def _tend(self, selector: selectors.BaseSelector) -> None:
        now = time.monotonic()
        for follower in list(self._followers.values()):
            try:
                goes_on = follower.tend(now)
            except OSError:  # they are gone
                goes_on = False
            except Exception:
                log.exception("a live tail failed")
                goes_on = False
            if not goes_on:
                self._end(follower, selector)

    def _end(self, follower: Follower, selector: selectors.BaseSelector) -> None:
        selector.unregister(follower.stream)
        follower.stream.end(b"")
        del self._followers[follower.number]
        self._free.add(follower.number)


def _come_back() -> bytes:
    """To be sent at a stop: not all come back at once."""
    return b"retry: %d\n\n" % random.randint(1000, 3000)
