"""The journal: a report is appended here before its 202, and stored from here afterwards.

Each process appends to segments of its own, so that no lock is shared between processes. It holds
its segment's file lock while it lives; whoever can take that lock knows that the segment is final.
"""

import errno
import fcntl
import math
import os
import random
import threading
import time
from collections import deque
from pathlib import Path

from database.frame import SEGMENT_HEADER, pack
from database.progress import read_progress
from database.segments import backlog, last_wish
from exceptions import NotAccepting
from utils.clock import now_us
from utils.files import free_bytes, ordered_name, sync_directory
from utils.level import SEVERITIES
from utils.log import log
from utils.record import Form
from utils.settings import JournalSettings

REFRESH_SECONDS = 0.1
MAX_RETRY_AFTER = 60
SILENCE_SECONDS = 5.0  # a writer that says nothing for so long does not drain
UNKNOWN_RETRY_AFTER = 5  # when no drain was measured, or the store is away
_NEW_SEGMENT = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC


class Journal:
    """This process's end of the journal: it appends, rotates and syncs.

    Open nothing before the fork: the first `append` opens the first segment.
    """

    def __init__(self, settings: JournalSettings, data_dir: Path) -> None:
        self.settings = settings
        self.folder = data_dir / "journal"
        self.soft_bytes = min(settings.soft_bytes or settings.max_bytes // 2, settings.max_bytes)
        self.shed_below = SEVERITIES.get(settings.shed_below, 0)  # severity; 0: nothing is shed
        self.crowded = False  # more waits than the soft limit
        self.shedding = False  # then records below `shed_below` are not to be kept
        self.segment_bytes = min(settings.segment_bytes, max(settings.max_bytes // 4, 4096))
        self._lock = threading.Lock()
        self._syncing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.segments: deque[str] = deque()  # that this process wrote and that are still there
        self._fd = -1
        self._wish = ""  # of the writer, when the segment was begun
        self._end = 0
        self._appended = 0  # bytes since the process started
        self._synced = 0  # of these, how many a sync has covered
        self._lost = 0  # and up to where one failed: trying again would only seem to succeed
        self._backlog = 0  # bytes that wait to be stored, on this node
        self._appended_then = 0  # when the backlog was last counted
        self._counted_at = 0.0
        self._refusal: str | None = None

    def append(
        self, app_id: int, records: int, form: Form, key: str, payload: bytes, flags: int = 0
    ) -> None:
        """Keep a report; when this returns it is as safe as `journal.sync` promises.

        Raises NotAccepting when the journal or the disk is full. Then nothing was kept, unless it
        was only the sync that failed.
        """
        if self._thread is None and time.monotonic() - self._counted_at > REFRESH_SECONDS:
            self.refresh()
        if self._refusal is not None:
            raise NotAccepting(self._refusal, self.retry_after())
        header, payload = pack(app_id, now_us(), records, form, key.encode(), payload, flags)
        with self._lock:
            self._append(header, payload)
            ticket = self._appended
            if self._waiting() > self.soft_bytes:
                self._admit()
        if self.settings.sync == "always":
            try:
                self._sync_until(ticket)
            except OSError as error:
                raise NotAccepting("the journal can't be synced", self.retry_after()) from error

    def _append(self, header: bytes, payload: bytes) -> None:
        size = len(header) + len(payload)
        try:
            if self._fd < 0 or self._end + size > self.segment_bytes:
                self._rotate()
            if os.writev(self._fd, (header, payload)) != size:
                raise OSError(errno.ENOSPC, "the disk is full")
        except OSError as error:
            self._undo()
            log.error("the journal can't be written: %s", error.strerror)
            self._refusal = "the journal can't be written"  # until the next look at the disk
            raise NotAccepting(self._refusal, self.retry_after()) from error
        self._end += size
        self._appended += size

    def _undo(self) -> None:
        """Cut off a frame that was written in part; failing that, begin another segment."""
        try:
            if self._fd >= 0:
                os.ftruncate(self._fd, self._end)
        except OSError:
            self._close()

    def _rotate(self) -> None:
        self._close()
        self.folder.mkdir(parents=True, exist_ok=True)
        # It gets its name when it is locked: an unlocked segment would be taken for an orphan.
        wish = last_wish(self.folder)
        name = self.folder / ordered_name()
        fd = os.open(f"{name}.new", _NEW_SEGMENT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.write(fd, SEGMENT_HEADER) != len(SEGMENT_HEADER):
                raise OSError(errno.ENOSPC, "the disk is full")
            os.rename(f"{name}.new", f"{name}.seg")
        except OSError:
            os.unlink(f"{name}.new")
            os.close(fd)
            raise
        self._fd, self._end, self._wish = fd, len(SEGMENT_HEADER), wish
        self._note(name.name)
        if self.settings.sync != "off":
            sync_directory(self.folder)

    def _note(self, segment: str) -> None:
        while self.segments and not (self.folder / f"{self.segments[0]}.seg").exists():
            self.segments.popleft()
        self.segments.append(segment)

    def _close(self) -> None:
        if self._fd < 0:
            return
        if self.settings.sync != "off":
            os.fdatasync(self._fd)
            self._synced = self._appended
        os.close(self._fd)
        self._fd = -1

    def _sync_until(self, ticket: int) -> None:
        """Return when all up to `ticket` is on the disk; requests side by side share one sync."""
        with self._syncing:
            if ticket <= self._lost:
                raise OSError(errno.EIO, "the sync failed")
            if self._synced < ticket:
                self.sync()

    def sync(self) -> None:
        """Bring what was appended so far onto the disk."""
        with self._lock:
            reached = self._appended
            fd = os.dup(self._fd) if self._fd >= 0 and reached > self._synced else -1
        if fd < 0:
            return
        try:
            os.fdatasync(fd)
        except OSError:
            self._lost = reached
            raise
        finally:
            os.close(fd)
        self._synced = max(self._synced, reached)

    def retry_after(self) -> int:
        """Seconds until it is worth trying again: until the drain is back at the soft limit.

        Up to half as much again is added, so that devices don't come back all at once.
        """
        progress, excess = read_progress(self.folder), max(0, self._waiting() - self.soft_bytes)
        is_draining = progress.error is None and time.time() - progress.at < SILENCE_SECONDS
        known = progress.bytes_per_second and is_draining
        seconds = excess / progress.bytes_per_second if known else UNKNOWN_RETRY_AFTER
        return math.ceil(max(1.0, min(MAX_RETRY_AFTER, seconds * random.uniform(1.0, 1.5))))

    def refresh(self) -> None:
        """Count the backlog and the free disk anew, and decide what is accepted."""
        appended = self._appended
        self._backlog, self._appended_then = backlog(self.folder), appended
        self._counted_at = time.monotonic()
        if self._fd >= 0 and last_wish(self.folder) != self._wish:
            with self._lock:
                self._close()  # the next report begins another segment
        is_low = free_bytes(self.folder) < self.settings.min_free_bytes
        self._refusal = "the disk is nearly full" if is_low else None
        self._admit()

    def _admit(self) -> None:
        """Above the soft limit shed, above the hard one refuse; `refresh` takes it back."""
        waiting = self._waiting()
        self.crowded = waiting > self.soft_bytes
        self.shedding = self.crowded and self.shed_below > 0
        if waiting > self.settings.max_bytes:
            self._refusal = "the journal is full"

    def _waiting(self) -> int:
        return self._backlog + self._appended - self._appended_then

    def room(self) -> int:
        """Bytes that may still be appended before the journal is full."""
        return self.settings.max_bytes - self._waiting()

    @property
    def refusal(self) -> str | None:
        """Why reports are refused at the moment; None: they are not."""
        return self._refusal

    def start(self) -> None:
        """Begin to sync and to watch the bounds in the background; once, after the fork."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.refresh()
        self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Sync and give the segment up to whoever drains it. Harmless when never started."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            self._close()

    def _run(self) -> None:
        pause = min(self.settings.sync_ms / 1000, REFRESH_SECONDS)
        while not self._stop.wait(pause):
            try:
                if self.settings.sync == "interval":
                    self.sync()
                if time.monotonic() - self._counted_at >= REFRESH_SECONDS:
                    self.refresh()
            except OSError as error:
                log.error("the journal's disk: %s", error.strerror)
                self._refusal = "the journal's disk fails"
