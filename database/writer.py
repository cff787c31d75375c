"""The writer: a thread in every worker process, of which one at a time drains the node's journal.

A file lock elects it, so another takes over the moment it dies. While much waits, it hires a
process of its own and hands it the lock. `drain` can be called without a thread, by whoever is
`elected`.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from database.day_append import CounterKey
from database.day_file import AWAY
from database.decode_ahead import DecodeAhead
from database.drain_process import DrainProcess, obey, tell
from database.drainer import Count, Drainer
from database.log_store import LogStore
from database.segments import backlog
from utils.files import try_lock
from utils.log import log
from utils.settings import Retention, WriterSettings

STOP_POLL_SECONDS = 0.05
MAX_BACKOFF_SECONDS = 15.0
BUSY_SECONDS = 0.2  # much has been waiting for so long: hire
CALM_SECONDS = 10.0  # little has been waiting for so long: the hired process ends


def _heard_by_nobody(counters: Counter[CounterKey]) -> None:
    return


class Writer:
    """Runs for election and drains; `on_stored` hears what is added to the counters.

    The program `manage` starts the process that calls `work_for_parent`; without it, all is drained
    in the thread.
    """

    def __init__(
        self,
        data_dir: Path,
        log_store: LogStore,
        settings: WriterSettings,
        retention: Retention,
        on_stored: Count = _heard_by_nobody,
        manage: Path | None = None,
    ) -> None:
        self.folder = data_dir / "journal"
        self.log_store = log_store
        self.settings = settings
        self.on_stored = on_stored
        self._manage = manage
        self._hired: DrainProcess | None = None
        self._calm_at = time.monotonic()
        self._lame = 0
        self._drainer = Drainer(data_dir, log_store, settings, retention, on_stored)
        self._stopping = threading.Event()
        self._deadline = float("inf")
        self._own: set[str] | None = None  # segments to be stored before the end; None: all
        self._thread: threading.Thread | None = None
        self._lock: int | None = None
        self._failures = 0

    # The election.

    def elected(self) -> bool:
        """Whether this writer is the node's drainer; it tries to become it."""
        if self._lock is not None:
            return True
        lock = try_lock(self.folder / "writer.lock")
        if lock is None:
            return False
        try:
            self._drainer.take_over()
        except BaseException:  # without the positions it would store all again
            os.close(lock)
            raise
        self._lock = lock
        log.info("this process drains the journal")
        return True

    def drain(self) -> int:
        """Store all that the journal holds; the number of frames. Only for the elected one.

        It leaves the rest when it should be hired out. Raises one of `day_file.AWAY` when the store
        can't be written; nothing is lost then.
        """
        return self._drainer.drain(lambda: not self._goes_on() or self._is_relieved())

    def resign(self) -> None:
        """Let another drain."""
        if self._hired is not None:
            self._hired.end()
            self._hired = None
        if self._lock is None:
            return
        self._drainer.let_go()
        os.close(self._lock)
        self._lock = None

    # The thread.

    def start(self) -> None:
        """Begin to run for election and to drain; once, after the fork."""
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 0.0, own: Collection[str] = ()) -> None:
        """Drain for at most `seconds` until the segments `own` are stored. Harmless if not started.

        What others go on writing, as after a restart under load, is theirs to drain.
        """
        self._own = set(own)
        self.stop_within(seconds)
        if self._thread is not None:
            self._thread.join(seconds + 30)
            if self._thread.is_alive():
                log.error("the writer did not stop; what it left is in the journal")
                return
        self.resign()

    def stop_within(self, seconds: float) -> None:
        """Stop when nothing is found to store, at the latest after `seconds`, without waiting."""
        self._deadline = min(self._deadline, time.monotonic() + seconds)
        self._stopping.set()
        if (hired := self._hired) is not None:
            hired.stop(seconds)

    def _run(self) -> None:
        while not self._stopping.wait(self._pause()):
            self._turn()
        while self._failures == 0 and self._goes_on():
            if not self._turn():  # another one drains
                time.sleep(STOP_POLL_SECONDS)

    def _turn(self) -> int:
        """One turn of the thread: it must not end for any failure."""
        try:
            self.log_store.release_dropped()
            stored = self._work() if self.elected() else 0
        except AWAY as error:
            self._failed(f"the store is away: {error}")
            return 0
        except Exception as error:
            log.exception("the writer failed")
            self._failed(f"{type(error).__name__}: {error}")
            return 0
        if self._failures:
            log.warning("the store is back")
            self._failures = 0
        return stored

    def _work(self) -> int:
        if not self._manage or self._drainer.waiting() < self.settings.process_bytes:
            self._calm_at = max(self._calm_at, time.monotonic())
        if not self._is_relieved():
            return self.drain()
        self._hand_over()
        return 0

    # The hired process.

    def _is_relieved(self) -> bool:
        """Whether a hired process is ready to go on; one is hired when much keeps waiting."""
        if self._stopping.is_set():
            return False
        if self._hired is None:
            if not self._manage or self._calm_at + BUSY_SECONDS > time.monotonic():
                return False
            assert self._lock is not None
            self._hired = DrainProcess(self._manage, self._lock)
        return self._hired.is_ready()

    def _hand_over(self) -> None:
        """Leave the lock to the hired process, and hear of its work until it ends."""
        assert self._hired is not None and self._lock is not None
        self._drainer.let_go()
        os.close(self._lock)
        self._lock = None
        try:
            for counters in self._hired.begin():
                self.on_stored(counters)
                if not self._goes_on():
                    self._hired.stop(0.0)
        finally:
            code = self._hired.end()
            self._hired = None
            self._lame = self._lame + 1 if code else 0
            self._calm_at = time.monotonic() + 2 ** min(self._lame, 3) - 1  # seconds, at most 7
        if code:
            log.warning("the process that drains ended with code %d; a thread goes on", code)

    def work_for_parent(self, lock: int) -> None:
        """In the hired process: drain until little has been waiting for a while.

        It ends when anything goes wrong: the thread that hired it goes on then, patiently.
        """
        ahead = DecodeAhead(self._drainer.prepare)
        try:
            if obey(self.stop_within):
                self._drain_for_parent(lock, ahead)
        except (EOFError, *AWAY) as error:
            log.warning("draining apart failed: %s", error or "the process that decodes is gone")
            raise SystemExit(1) from None
        finally:
            ahead.end()

    def _drain_for_parent(self, lock: int, ahead: DecodeAhead) -> None:
        self._drainer.on_stored = tell
        self._drainer.take_over()
        self._lock = lock
        while self._calm_at + CALM_SECONDS > time.monotonic():
            is_last = self._stopping.wait(self._pause())
            much = self._drainer.waiting() >= self.settings.process_bytes
            self._drainer.drain_ahead(ahead, lambda: not self._goes_on())
            if is_last or not self._goes_on():
                break
            if much:
                self._calm_at = time.monotonic()
        self.resign()

    def _failed(self, what: str) -> None:
        self._failures += 1
        log.warning("%s; trying again", what)
        try:
            self._drainer.tell_failure(what)
            if self._lock is not None:
                self._drainer.drop_expired()  # it may be what helps
        except Exception as error:  # on a full disk not even this is sure
            log.warning("nor can it be told: %s", error)

    def _pause(self) -> float:
        """Seconds until the next turn: the poll, or a capped, jittered backoff after failures."""
        if not self._failures:
            return self.settings.poll_ms / 1000
        pause = self.settings.poll_ms / 1000 * 2.0 ** min(self._failures, 20)
        return min(MAX_BACKOFF_SECONDS, pause) * random.uniform(0.5, 1.0)

    def _goes_on(self) -> bool:
        """Whether to drain on: not when it is to stop, and its own is stored or the time over."""
        if not self._stopping.is_set():
            return True
        waits = self._own is None or backlog(self.folder, only=self._own) > 0
        return waits and time.monotonic() < self._deadline
