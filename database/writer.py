"""The writer: a thread in every worker process, of which one at a time drains the node's journal.

A file lock elects it, so another takes over the moment it dies. `drain` does the work and can be
called without a thread.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec.structs import replace

from database.day_append import CounterKey, Prepared
from database.day_file import AWAY
from database.frame import Damage, Frame
from database.journal import backlog
from database.log_store import LogStore
from database.progress import Progress, read_progress, write_progress
from database.quarantine import Quarantine
from database.retention import expired
from database.rows import decode, flat_rows
from database.segments import Chunk, list_segments, read_chunks, segment_times, sweep
from utils.ahead import ahead
from utils.clock import MINUTE, day_of, now_us
from utils.files import try_lock
from utils.log import log
from utils.record import Form
from utils.settings import Retention, WriterSettings

PUBLISH_SECONDS = 1.0
STOP_POLL_SECONDS = 0.05
RETENTION_SECONDS = 10.0
MAX_BACKOFF_SECONDS = 15.0
Count = Callable[[Counter[CounterKey]], None]


class Writer:
    """Stores what the journal holds; `on_stored` hears what is added to the counters."""

    def __init__(
        self,
        data_dir: Path,
        log_store: LogStore,
        settings: WriterSettings,
        retention: Retention,
        on_stored: Count = lambda counters: None,
    ) -> None:
        self.folder = data_dir / "journal"
        self.log_store = log_store
        self.settings = settings
        self.retention = retention
        self.on_stored = on_stored
        self.quarantine = Quarantine(data_dir / "quarantine")
        self._stopping = threading.Event()
        self._deadline = float("inf")
        self._thread: threading.Thread | None = None
        self._reader: ThreadPoolExecutor | None = None
        self._lock: int | None = None
        self._positions: dict[str, int] = {}
        self._finished: set[str] = set()
        self._error: str | None = None
        self._failures = 0
        self._rate = 0.0
        self._published_at = 0.0
        self._retained_at = 0.0

    # The thread.

    def start(self) -> None:
        """Begin to run for election and to drain; once, after the fork."""
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 0.0) -> None:
        """Drain for at most `seconds`, leave the rest in the journal. Harmless when not started."""
        self._deadline = time.monotonic() + seconds
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(seconds + 30)
            if self._thread.is_alive():
                log.error("the writer did not stop; what it left is in the journal")
        self.resign()

    def _run(self) -> None:
        while not self._stopping.wait(self._pause()):
            self._turn()
        while self._has_time() and self._failures == 0 and backlog(self.folder) > 0:
            if not self._turn():  # another one drains
                time.sleep(STOP_POLL_SECONDS)

    def _turn(self) -> int:
        """One turn of the thread: it must not end for any failure."""
        try:
            self.log_store.release_dropped()
            stored = self.drain() if self.elected() else 0
            if self._failures:
                log.warning("the store is back")
            self._failures, self._error = 0, None
            return stored
        except AWAY as error:
            self._failed(f"the store is away: {error}")
        except Exception as error:
            log.exception("the writer failed")
            self._failed(f"{type(error).__name__}: {error}")
        return 0

    def _failed(self, what: str) -> None:
        self._failures += 1
        self._error = what
        log.warning("%s; trying again", what)
        try:
            progress = read_progress(self.folder)
            write_progress(self.folder, replace(progress, at=time.time(), error=what))
            if self._lock is not None:
                self._drop_expired()  # it may be what helps
        except Exception as error:  # on a full disk not even this is sure
            log.warning("nor can it be told: %s", error)

    def _pause(self) -> float:
        """Seconds until the next turn: the poll, or a capped, jittered backoff after failures."""
        if not self._failures:
            return self.settings.poll_ms / 1000
        pause = self.settings.poll_ms / 1000 * 2.0 ** min(self._failures, 20)
        return min(MAX_BACKOFF_SECONDS, pause) * random.uniform(0.5, 1.0)

    def _has_time(self) -> bool:
        return not self._stopping.is_set() or time.monotonic() < self._deadline

    # The election.

    def elected(self) -> bool:
        """Whether this writer is the node's drainer; it tries to become it."""
        if self._lock is not None:
            return True
        lock = try_lock(self.folder / "writer.lock")
        if lock is None:
            return False
        try:
            self._take_over()
        except BaseException:  # without the positions it would store all again
            os.close(lock)
            raise
        self._lock = lock
        log.info("this process drains the journal")
        return True

    def _take_over(self) -> None:
        self.log_store.close_writer()
        self._finished.clear()
        sweep(self.folder)
        # A frame has its time before it may have to wait for its segment to be made.
        oldest = min([now_us(), *segment_times(self.folder)]) - MINUTE
        self._positions = self.log_store.positions(day_of(oldest))
        self._reader = ThreadPoolExecutor(1, "writer-ahead")

    def resign(self) -> None:
        """Let another drain."""
        if self._lock is None:
            return
        if self._reader is not None:
            self._reader.shutdown()
        try:
            self._tidy()
        except Exception as error:  # the next one will do it
            log.warning("left untidy: %s", error)
        self.log_store.close_writer()
        os.close(self._lock)
        self._lock = None

    # The work of the elected one.

    def drain(self) -> int:
        """Store all that the journal holds, chunk by chunk; the number of frames stored.

        Raises one of `day_file.AWAY` when the store can't be written; nothing is lost then.
        """
        stored = 0
        limit = self.settings.batch_bytes
        chunks = read_chunks(
            self.folder, self._positions, limit, lambda: not self._has_time(), self._finished
        )
        prepared = ((chunk, self._prepare(chunk)) for chunk in chunks)
        assert self._reader is not None
        for chunk, batch in ahead(prepared, self._reader):
            started = time.monotonic()
            before = self._positions.get(chunk.segment, 0)
            self._store(chunk, batch)
            stored += len(batch)
            self._measure(chunk.end - before, time.monotonic() - started)
            self._housekeep()
        self._housekeep()
        return stored

    def _prepare(self, chunk: Chunk) -> list[Prepared]:
        """Decode a chunk's frames; what can't be decoded is put aside and counted as rejected."""
        batch = []
        for piece in chunk.pieces:
            if isinstance(piece, Damage):
                self.quarantine.keep_piece(self.folder, chunk.segment, piece)
                continue
            try:
                day_of(piece.received_at)  # fails beyond the calendar
                decoded = decode(Form(piece.form), piece.payload)
                rows = flat_rows(piece.app_id, piece.received_at, decoded)
                batch.append(Prepared(piece, rows, decoded.rejected))
            except Exception as error:  # whatever it is, it must not block the line
                batch.append(self._poisoned(chunk.segment, piece, error))
        return batch

    def _poisoned(self, segment: str, frame: Frame, error: Exception) -> Prepared:
        self.quarantine.keep_frame(segment, frame, error)
        received_at = max(0, min(frame.received_at, now_us()))
        bare = frame._replace(payload=b"", received_at=received_at)
        return Prepared(bare, [], {"quarantined": frame.records})

    def _store(self, chunk: Chunk, batch: list[Prepared]) -> None:
        if not chunk.readable:
            self.quarantine.move_segment(self.folder, chunk.segment)
        elif batch:
            try:
                self._append(chunk.segment, batch)
            except AWAY:
                raise
            except Exception:
                log.exception("a transaction failed; storing its frames one by one")
                for prepared in batch:
                    if prepared.frame.end > self._positions.get(chunk.segment, 0):
                        self._append_patiently(chunk.segment, prepared)
        self._positions[chunk.segment] = chunk.end
        if chunk.finished:
            self._finished.add(chunk.segment)

    def _append(self, segment: str, batch: list[Prepared]) -> None:
        for appended in self.log_store.append(segment, batch):
            self._positions[segment] = appended.end
            self.on_stored(appended.counters)

    def _append_patiently(self, segment: str, prepared: Prepared) -> None:
        for attempt in range(1, self.settings.poison_tries + 1):
            try:
                return self._append(segment, [prepared])
            except AWAY:
                raise
            except Exception as error:
                if attempt == self.settings.poison_tries:
                    self._append(segment, [self._poisoned(segment, prepared.frame, error)])

    def _measure(self, size: int, seconds: float) -> None:
        """Keep a smoothed rate, from which clients are told when to come back."""
        if size > 0 and seconds > 0:
            self._rate += (size / seconds - self._rate) * (0.2 if self._rate else 1.0)

    # Housekeeping: it may be left undone at any moment.

    def _housekeep(self) -> None:
        now = time.monotonic()
        if now - self._published_at < PUBLISH_SECONDS / 10:
            return
        self._tell()
        if now - self._published_at < PUBLISH_SECONDS and not self._finished:
            return
        self._published_at = now
        self._tidy()
        self._drop_expired()

    def _drop_expired(self) -> None:
        now = time.monotonic()
        if now - self._retained_at < RETENTION_SECONDS:
            return
        self._retained_at = now
        segments = {path.stem for path in list_segments(self.folder)}
        for partition in expired(self.log_store.catalogue.partitions(), self.retention):
            self.log_store.drop(partition, segments)

    def _tidy(self) -> None:
        self.log_store.publish()
        self._remove_finished()
        self._tell()

    def _remove_finished(self) -> None:
        """Delete the segments whose rows are as durable as they will be."""
        if not self._finished or not self.log_store.make_durable():
            return
        for segment in self._finished:
            (self.folder / f"{segment}.seg").unlink(missing_ok=True)
            self.log_store.forget_segment(segment)
            self._positions.pop(segment, None)
        self._finished.clear()

    def _tell(self) -> None:
        segments = {path.stem for path in list_segments(self.folder)}
        positions = {name: end for name, end in self._positions.items() if name in segments}
        quarantined = self.quarantine.count()
        now = time.time()
        progress = Progress(os.getpid(), now, positions, self._rate, self._error, quarantined)
        write_progress(self.folder, progress)


def writer_is_alive(folder: Path) -> bool:
    """Whether the node's elected writer gave a sign of life lately."""
    return time.time() - read_progress(folder).at < MAX_BACKOFF_SECONDS * 2
