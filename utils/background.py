"""Work that no reply waits for: mail, webhooks, marks of use. Not for what must not be lost."""

import threading
import time
from collections.abc import Callable
from functools import partial, wraps
from queue import Full, Queue
from typing import ParamSpec

from utils.log import log

P = ParamSpec("P")
Work = partial[object]
END: Work = partial(object)  # in the queue: the thread that takes it ends


class Background:
    """The decorator `@in_background`: one bounded queue and a few threads for each process.

    A call is put into the queue and returns at once. When the queue is full the call is left out,
    counted and logged: a request that waited would pass a slow mail server's trouble on to the
    clients. Before `start` and after `stop` (so in commands) the caller does the work itself.
    """

    def __init__(self, threads: int = 2, most: int = 1000) -> None:
        self.left_out = 0
        self._queue: Queue[Work] = Queue(most)
        self._doing: list[Work | None] = [None] * threads
        self._threads: list[threading.Thread] = []

    def __call__(self, work: Callable[P, object]) -> Callable[P, None]:
        """The same function, done in the background. Nobody hears what it returns; what it raises
        is logged.
        """

        @wraps(work)
        def later(*args: P.args, **kwargs: P.kwargs) -> None:
            call = partial(work, *args, **kwargs)
            if not self._threads:
                return _do(call)
            try:
                self._queue.put_nowait(call)
            except Full:
                self._leave_out(call)

        return later

    def start(self) -> None:
        """Begin, in the process that is to do the work: a fork loses threads."""
        self._threads = [
            threading.Thread(target=self._run, args=(place,), name="background", daemon=True)
            for place in range(len(self._doing))
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float) -> None:
        """Finish what waits, within `seconds`, and log what is left over. Harmless when never
        started.
        """
        deadline = time.monotonic() + seconds
        threads, self._threads = self._threads, []
        try:
            for _ in threads:
                self._queue.put(END, timeout=max(0.0, deadline - time.monotonic()))
        except Full:
            pass  # then the time is over
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for call in (*self._doing, *self._queue.queue):
            if call not in (None, END):
                log.error("not finished at the stop: %s", _name(call))

    def _run(self, place: int) -> None:
        while (call := self._queue.get()) is not END:
            self._doing[place] = call
            _do(call)
            self._doing[place] = None

    def _leave_out(self, call: Work) -> None:
        self.left_out += 1
        if self.left_out % 100 == 1:
            log.error(
                "too much background work: %s is left out (%d so far)", _name(call), self.left_out
            )


def _do(call: Work) -> None:
    try:
        call()
    except Exception:
        log.exception("%s failed", _name(call))


def _name(call: Work) -> str:
    """Without its arguments: they may hold what the log must not."""
    return getattr(call.func, "__qualname__", "a call")
