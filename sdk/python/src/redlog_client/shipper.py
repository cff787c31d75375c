"""The queue, and two threads: one makes batches of it, the other hands them over."""

from __future__ import annotations

import json
import logging
import random
import sys
import threading
import time
from collections import Counter, deque
from itertools import count
from typing import Any, Callable
from uuid import uuid4

from redlog_client.record import encoded_note
from redlog_client.spool import Spool
from redlog_client.transport import Transport

FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0
MAX_BATCH_BYTES = 2**20
ADOPT_SECONDS = 30.0
NOTED = "redlog_client.dropped"


class Shipper:
    """Sends what is put into it. `session_id` and `seq` say which records belong together, and
    which of them never arrived.
    """

    def __init__(
        self,
        transport: Transport,
        spool: Spool,
        context: dict[str, Any],
        *,
        batch_size: int,
        flush_seconds: float,
        max_queue: int,
        timeout: float,
    ) -> None:
        self.seq = count()
        self.spool = spool
        self.threads: list[threading.Thread] = []
        context = {**context, "session_id": context.get("session_id") or uuid4().hex}
        self._context = json.dumps(context)
        self._transport = transport
        self._batch_size, self._max_queue = batch_size, max_queue
        self._flush_seconds, self._timeout = flush_seconds, timeout
        # Both may be taken twice by a thread: a signal's handler may log. Batches come first.
        self._batches, self._wake = threading.RLock(), threading.Condition(threading.RLock())
        self._queue: deque[bytes] = deque()
        self._dropped: Counter[str] = Counter()
        self._said: set[str] = set()
        self._cut_at = self._send_at = self._not_before = self._adopt_at = 0.0
        self._failures = 0
        self._is_cutting = self._hurries = self._is_closed = False

    # For those who log.

    def put(self, log: bytes) -> None:
        """Add a record, or count it where there is no room."""
        with self._wake:
            if self._is_closed or len(self._queue) >= self._max_queue:
                self._dropped["closed" if self._is_closed else "queue_full"] += 1
                return
            self._queue.append(log)
            if len(self._queue) == 1:
                self._cut_at = time.monotonic() + self._flush_seconds
            if not self.threads:
                self._start()
            if len(self._queue) in (1, self._batch_size):
                self._wake.notify_all()

    def drop(self, why: str) -> None:
        """Count a record that will never arrive."""
        with self._wake:
            self._dropped[why] += 1

    def drain(self, seconds: float) -> bool:
        """Send all there is, without waiting for more; whether that was possible in time."""
        deadline = time.monotonic() + seconds
        with self._wake:
            self._hurries, self._send_at = True, self._not_before
            self._wake.notify_all()
            while self.threads and self._waits() and (left := deadline - time.monotonic()) > 0:
                self._wake.wait(left)
        while not self.threads and self._waits() and (left := deadline - time.monotonic()) > 0:
            self.cut_due(left)  # as Python ends no thread can be started
            self.send_next(left)
            time.sleep(min(self._send_wait() or 0.0, left))
        self._hurries = False
        return not self._waits()

    def close(self, seconds: float) -> None:
        """Send what can be sent in time, leave the rest in the spool's folder, and end."""
        deadline = time.monotonic() + seconds
        with self._wake:
            if self._dropped and not self._is_closed:
                self._queue.append(self._note())
        self.drain(seconds)
        with self._wake:
            self._is_closed = True
            self._wake.notify_all()
        for thread in self.threads[:]:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._batches:
            while self._queue and not self.spool.is_full:
                self._cut()
            if self._queue or self.spool.is_held:
                self._say("some records were not sent before the end")
            if not self.threads:
                self.spool.close()

    # The threads.

    def _start(self) -> None:
        for work, wait in ((self.cut_due, self._cut_wait), (self.send_next, self._send_wait)):
            name, given = f"redlog_client {work.__name__}", (work, wait)
            thread = threading.Thread(target=self._run, args=given, name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError:  # Python is ending
                return
            self.threads.append(thread)

    def _run(self, work: Callable[[float], None], wait: Callable[[], float | None]) -> None:
        while not self._is_closed:
            work(self._timeout)
            with self._wake:
                seconds = wait()
                if not self._is_closed and seconds != 0.0:
                    self._wake.wait(seconds)
        with self._batches:
            self.threads.remove(threading.current_thread())
            if not self.threads:
                self.spool.close()

    def cut_due(self, _: float) -> None:
        """Make the batches that are due, and look for those of processes that are gone."""
        with self._batches:
            if time.monotonic() >= self._adopt_at:
                self._adopt_at = time.monotonic() + ADOPT_SECONDS
                self.spool.adopt()
            while self._cut_wait() == 0.0:
                self._cut()
        self._tell()

    def send_next(self, timeout: float) -> None:
        """Send the first batch, if it is time for it."""
        if self._send_wait() != 0.0:
            return
        with self._batches:
            first = self.spool.first()
        if first:
            self._send(*first, timeout)
        self._tell()

    def _tell(self) -> None:
        with self._wake:
            self._wake.notify_all()

    def _waits(self) -> bool:
        return bool(self._queue or self._is_cutting or self.spool)

    def _cut_wait(self) -> float | None:
        """How long no batch is to be made; None: until something changes."""
        if not self._queue or self.spool.is_full:
            return None
        is_due = self._hurries or len(self._queue) >= self._batch_size
        return 0.0 if is_due else max(0.0, self._cut_at - time.monotonic())

    def _send_wait(self) -> float | None:
        """How long none is to be sent; None: until there is one."""
        return max(0.0, self._send_at - time.monotonic()) if self.spool else None

    def _cut(self) -> None:
        """Make a batch of the next records, and keep it before it is sent."""
        with self._wake:
            self._is_cutting = True
            logs = [self._note()] if self._dropped else []
            size = 0
            while self._queue and len(logs) < self._batch_size and size < MAX_BATCH_BYTES:
                logs.append(self._queue.popleft())
                size += len(logs[-1])
        head = f'{{"batch_id":"{uuid4().hex}","context":{self._context},"logs":['
        self.spool.put(head.encode() + b",".join(logs) + b"]}")
        self._is_cutting = False

    def _send(self, name: str, body: bytes, timeout: float) -> None:
        """One attempt, and what follows from it."""
        answer = self._transport.send(body, timeout)
        with self._batches:
            now = time.monotonic()
            if answer.what == "again":
                self._failures += 1
                wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self._failures - 1, 10))
                self._not_before = now + answer.wait
                self._send_at = now + max(answer.wait, wait * random.uniform(0.5, 1.0))
                return
            self._failures, self._send_at, self._not_before = 0, 0.0, 0.0
            if answer.what != "split" or not self.spool.split(name, body):
                if answer.what != "kept":
                    self._refused(body, answer.why)
                self.spool.remove(name)
            self.spool.tidy()

    # What never arrives.

    def _refused(self, body: bytes, why: str) -> None:
        """Count the records of a batch that the server does not want, and what its notes say."""
        self._say(f"the server refuses records: {why}")
        try:
            logs = json.loads(body)["logs"]
            noted = [log.get("attributes", {}).get(NOTED) for log in logs]
        except (ValueError, LookupError, TypeError, AttributeError):  # a file that was damaged
            noted = [None]
        with self._wake:
            for counts in noted:
                self._dropped.update(counts or {why: 1})

    def _note(self) -> bytes:
        """A record of how many never arrived, and why; it counts them from now on."""
        dropped = dict(self._dropped)
        self._dropped.clear()
        return encoded_note(f"{sum(dropped.values())} records dropped", {NOTED: dropped})

    def _say(self, what: str) -> None:
        """Tell who runs the program, once."""
        if what not in self._said and sys.stderr is not None and logging.raiseExceptions:
            self._said.add(what)
            print(f"redlog_client: {what}", file=sys.stderr)
