"""The work of the elected writer: from the journal's segments into the store, and tidying up."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from database.attachments import Attachments
from database.day_append import CounterKey, Prepared
from database.day_file import AWAY
from database.decode_ahead import DecodeAhead, Work
from database.erasing import Beside, Eraser
from database.frame import Damage, Frame
from database.indexing import Indexer
from database.log_store import LogStore
from database.preparing import joined, packed, prepared_of
from database.progress import Progress, read_progress, write_progress
from database.quarantine import Quarantine
from database.retention import expired
from database.segments import Chunk, backlog, list_segments, read_chunks, sweep
from utils.clock import now_us
from utils.log import log
from utils.settings import Retention, WriterSettings

TELL_SECONDS = 0.1
TIDY_SECONDS = 1.0
RETENTION_SECONDS = 1.0
Count = Callable[[Counter[CounterKey]], None]


class Drainer:
    """Stores what the journal holds; `on_stored` hears what is added to the counters.

    Only the elected writer may use it, between `take_over` and `let_go`.
    """

    def __init__(
        self,
        data_dir: Path,
        log_store: LogStore,
        settings: WriterSettings,
        retention: Retention,
        on_stored: Count,
    ) -> None:
        self.folder = data_dir / "journal"
        self.log_store = log_store
        self.settings = settings
        self.retention = retention
        self.on_stored = on_stored
        beside = Beside(Quarantine(data_dir / "quarantine"), Attachments(data_dir, retention))
        self.quarantine, self.attachments = beside
        self.eraser = Eraser(data_dir, log_store, beside, lambda erased: self.on_stored(erased))
        self.indexer = Indexer(log_store)
        self._packed = partial(packed, pack=log_store.pack)
        self._positions: dict[str, int] = {}
        self._finished: set[str] = set()
        self._rate = 0.0
        self._told = Progress()
        self._told_at = 0.0
        self._tidied_at = 0.0
        self._retained_at = 0.0

    def take_over(self) -> None:
        """Find out how far the store is. Raises one of `day_file.AWAY`."""
        self.log_store.close_writer()
        self._finished.clear()
        sweep(self.folder)
        self._positions = self.log_store.positions(self._segments())
        self.eraser.begin()
        self.indexer.begin()

    def let_go(self) -> None:
        """Leave all to the next one."""
        try:
            self._tidy()
            self._tell(at_once=True)
            self.eraser.leave()
        except Exception as error:  # the next one will do it
            log.warning("left untidy: %s", error)
        self.log_store.close_writer()

    def drain(self, stop: Callable[[], bool]) -> int:
        """Store all that the journal holds, chunk by chunk, until `stop`; the number of frames.

        Raises one of `day_file.AWAY` when the store can't be written; nothing is lost then.
        """
        stored = 0
        for chunk, prepared in self.prepare(self._positions, self._finished, stop):
            with self._measured(chunk):
                try:
                    self._store(chunk, prepared)
                except AWAY:
                    raise
                except Exception:
                    log.exception("a transaction failed; storing its frames one by one")
                    self._store_patiently(chunk)
            stored += len(chunk.pieces)
            self._housekeep()
        self._housekeep()
        self.indexer.turn()
        return stored

    def drain_ahead(self, ahead: DecodeAhead, stop: Callable[[], bool]) -> None:
        """Like `drain`, with another process to decode; raises whatever goes wrong.

        Not to be called again once it was stopped.
        """
        for chunk, prepared in ahead.work(self._positions, self._finished):
            with self._measured(chunk):
                self._store(chunk, prepared)
            self._housekeep()
            if stop():
                return
        self._housekeep()
        self.indexer.turn()

    def prepare(
        self, positions: dict[str, int], finished: set[str], stop: Callable[[], bool] = bool
    ) -> Work:
        """Read and decode all that is not stored yet. `stop` is asked now and then."""
        size = self.settings.batch_bytes
        for chunk in read_chunks(self.folder, positions, size, stop, finished):
            yield chunk, map(self._packed, joined(self._decoded(chunk)))

    def waiting(self) -> int:
        """Bytes in the journal that are not stored yet."""
        return backlog(self.folder, Progress(positions=self._positions))

    def _decoded(self, chunk: Chunk) -> Iterator[Prepared]:
        """Decode a chunk's frames; what can't be decoded is put aside and counted as rejected."""
        for piece in chunk.pieces:
            if isinstance(piece, Damage):
                self.quarantine.keep_piece(self.folder, chunk.segment, piece)
                continue
            try:
                prepared = prepared_of(piece)
            except Exception as error:  # whatever it is, it must not block the line
                prepared = self._poisoned(chunk.segment, piece, error)
            yield prepared

    def _poisoned(self, segment: str, frame: Frame, error: Exception) -> Prepared:
        self.quarantine.keep_frame(segment, frame, error)
        received_at = max(0, min(frame.received_at, now_us()))
        bare = frame._replace(payload=b"", received_at=received_at)
        times = received_at, received_at
        return Prepared(bare, 0, [], {"quarantined": frame.records}, times)

    def _store(self, chunk: Chunk, prepared: Iterable[Prepared]) -> None:
        if not chunk.readable:
            self.quarantine.move_segment(self.folder, chunk.segment)
        self._append(chunk.segment, prepared)
        self._positions[chunk.segment] = chunk.end
        if chunk.finished or not chunk.readable:
            self._finished.add(chunk.segment)

    def _store_patiently(self, chunk: Chunk) -> None:
        """Store a chunk frame by frame, so that a bad one does not block the line."""
        for prepared in map(self._packed, self._decoded(chunk)):
            if prepared.frame.end > self._positions.get(chunk.segment, 0):
                self._append_patiently(chunk.segment, prepared)
        self._store(chunk, [])

    def _append(self, segment: str, batch: Iterable[Prepared]) -> None:
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

    @contextmanager
    def _measured(self, chunk: Chunk) -> Iterator[None]:
        """Keep a smoothed rate, from which clients are told when to come back."""
        started = time.monotonic()
        before = self._positions.get(chunk.segment, 0)
        yield
        size, seconds = chunk.end - before, time.monotonic() - started
        if size > 0 and seconds > 0:
            self._rate += (size / seconds - self._rate) * (0.2 if self._rate else 1.0)

    # Housekeeping: it may be left undone at any moment.

    def _housekeep(self) -> None:
        self._tell()
        self.eraser.turn()
        now = time.monotonic()
        if now - self._tidied_at < TIDY_SECONDS and not self._finished:
            return
        self._tidied_at = now
        self._tidy()
        self.drop_expired()

    def drop_expired(self) -> None:
        """Drop the partitions whose time has come."""
        now = time.monotonic()
        if now - self._retained_at < RETENTION_SECONDS:
            return
        self._retained_at = now
        segments = self._segments()
        for partition in expired(self.log_store.catalogue.partitions(), self.retention):
            self.log_store.drop(partition, segments)
            self.attachments.drop(partition)

    def _segments(self) -> set[str]:
        return {path.stem for path in list_segments(self.folder)}

    def _tidy(self) -> None:
        self.log_store.publish()
        self._remove_finished()

    def _remove_finished(self) -> None:
        """Delete the segments whose rows are as durable as they will be."""
        if not self._finished:
            return
        for segment in tuple(self.log_store.make_durable(self._finished)):
            (self.folder / f"{segment}.seg").unlink(missing_ok=True)
            self.log_store.forget_segment(segment)
            self._positions.pop(segment, None)
            self._finished.discard(segment)

    def _tell(self, at_once: bool = False) -> None:
        """Tell how far the store is: soon when there is news, now and then when there is none."""
        silence = time.monotonic() - self._told_at  # the other clock may be set back
        if silence < TELL_SECONDS and not at_once:
            return
        segments = self._segments()
        positions = {name: end for name, end in self._positions.items() if name in segments}
        is_news = (positions, None) != (self._told.positions, self._told.error)
        if at_once or is_news or silence >= TIDY_SECONDS:
            aside, self._told_at = self.quarantine.count(), time.monotonic()
            self._told = Progress(os.getpid(), time.time(), positions, self._rate, None, aside)
            write_progress(self.folder, self._told)

    def tell_failure(self, what: str) -> None:
        """Tell what keeps the store from being written."""
        self._told_at = time.monotonic()
        self._told = replace(read_progress(self.folder), at=time.time(), error=what)
        write_progress(self.folder, self._told)
