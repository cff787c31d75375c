"""The writer's work on erasures, in steps of some milliseconds between those of the drain.

Also what an app keeps for a shorter time than the server goes this way.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from database.attachments import Attachments
from database.day_append import CounterKey
from database.day_file import AWAY
from database.erasures import Erasure, Erasures, Mark, node_name
from database.log_reader import Unreadable
from database.log_store import LogStore, Target
from database.quarantine import Quarantine
from database.segments import end_segments, list_segments, segment_times
from utils.clock import DAY, MINUTE, day_of, now_us
from utils.log import log

SLICE_SECONDS = 0.05  # at most in one turn; then three times as long for the drain alone
POLL_SECONDS = 0.5  # for new requests
WAIT_SECONDS = 0.1  # for something that others must let go of
GREET_SECONDS = 60.0
RETENTION_SECONDS = 60.0
SWEEP_SECONDS = 3600.0
FAILED_SECONDS = 5.0
KEYS_KNOWN_SECONDS = 5.0  # a worker takes the reports of a deleted app for no longer
Steps = Iterator[float]  # seconds to wait before the next step


class Beside(NamedTuple):
    """What else a node keeps of records."""

    quarantine: Quarantine
    attachments: Attachments


class Eraser:
    """Carries erasures out, one after the other; `hear` is told what was erased, by app.

    Only the elected writer may use it, between `begin` and `leave`.
    """

    def __init__(
        self,
        data_dir: Path,
        log_store: LogStore,
        beside: Beside,
        hear: Callable[[Counter[CounterKey]], None],
    ) -> None:
        self.folder = data_dir / "journal"
        self.log_store = log_store
        self.quarantine, self.attachments = beside
        self.hear = hear
        self.erasures = Erasures(log_store.catalogue.engine)
        self._data_dir = data_dir
        self._name = ""
        self._steps: Steps = iter(())
        self._mark: Mark | None = None
        self._wait_until = 0.0
        self._greeted_at = self._retained_at = -GREET_SECONDS
        self._swept_at = time.monotonic() - SWEEP_SECONDS + RETENTION_SECONDS
        self._gone: set[tuple[str, int]] = set()  # days that hold nothing of an app any more

    def begin(self) -> None:
        """Begin anew, when this process was elected."""
        self._steps = self._run()
        self._mark = None
        self._wait_until = 0.0

    def leave(self) -> None:
        """Note how far it is, for the next one. Raises one of `day_file.AWAY`."""
        if self._mark is not None:
            self.erasures.keep(self._name, self._mark)
            self._mark = None

    def turn(self) -> None:
        """Some steps, if it is time for them. A failure is told, and tried again later."""
        started = time.monotonic()
        if started < self._wait_until:
            return
        try:
            self._wait_until = self._advance(started)
        except Exception as error:  # whatever it is, it must not hold up the drain
            is_known = isinstance(error, (Unreadable, *AWAY))
            log.warning("erasing failed: %s; trying again", error, exc_info=not is_known)
            self.begin()
            self._wait_until = time.monotonic() + FAILED_SECONDS

    def _advance(self, started: float) -> float:
        """Go on for a slice of time; when to come back."""
        for pause in self._steps:
            now = time.monotonic()
            if pause or now - started > SLICE_SECONDS:
                return now + max(pause, 3 * (now - started))
        return started

    def _run(self) -> Steps:
        """All there ever is to do."""
        while True:
            self._greet()
            erasure = self.erasures.next_for(self._name)
            if erasure is not None:
                yield from self._carry_out(erasure)
            self.erasures.finish()
            if erasure is None:
                yield from self._retain()
                yield from self._sweep()
                yield POLL_SECONDS

    def _greet(self) -> None:
        self._name = self._name or node_name(self.erasures.engine, self._data_dir)
        if time.monotonic() - self._greeted_at >= GREET_SECONDS:
            self.erasures.greet(self._name)
            self._greeted_at = time.monotonic()

    # An erasure.

    def _carry_out(self, erasure: Erasure) -> Steps:
        begun = self.erasures.mark_of(self._name)
        if begun is None:
            yield from self._wait_for_journal(erasure)
            begun = Mark("", 0)
        self._mark = begun
        unreadable = []
        for day in self._days():
            if day >= begun.day:
                try:
                    yield from self._erase_day(erasure, day, begun)
                except Unreadable as error:
                    log.error("partition %s can't be erased from: %s", day, error)
                    unreadable.append(day)
        quarantined = self.quarantine.erase(erasure.target)
        self.attachments.erase(erasure.target)
        self.erasures.carried_out(erasure.id, self._name, quarantined, unreadable)
        self._mark = None

    def _wait_for_journal(self, erasure: Erasure) -> Steps:
        """Until what was acknowledged before is stored, and gone from the journal."""
        if erasure.field == "app":
            yield KEYS_KNOWN_SECONDS
        segments = end_segments(self.folder)
        while segments & {path.stem for path in list_segments(self.folder)}:
            yield WAIT_SECONDS

    def _erase_day(self, erasure: Erasure, day: str, begun: Mark) -> Steps:
        reached: int | None = begun.row if day == begun.day else 0
        until = None  # what is stored from now on was not asked for: else it might never end
        while reached is not None and (until is None or reached < until):
            before = reached
            records, reached, last = self.log_store.erase(day, erasure.target, before)
            until = last if until is None else until
            self._mark = Mark(day, before if reached is None else reached)
            if records:
                self.erasures.add(erasure.id, self._name, self._mark, records)
                self._tell(records)
            yield 0.0 if records or reached != before else WAIT_SECONDS
        while not self.log_store.settle(day):
            yield WAIT_SECONDS

    def _tell(self, records: Counter[int]) -> None:
        minute = now_us() // MINUTE
        self.hear(Counter({(app_id, minute, "erased"): n for app_id, n in records.items()}))

    def _days(self) -> list[str]:
        return sorted(partition.name for partition in self.log_store.catalogue.partitions())

    # What is done now and then.

    def _retain(self) -> Steps:
        """Erase the records of apps that keep them for a shorter time than the server."""
        if time.monotonic() - self._retained_at < RETENTION_SECONDS:
            return
        self._retained_at = time.monotonic()
        self._sweep_attachments()
        for app_id, days in self.erasures.retentions().items():
            oldest = day_of(now_us() - days * DAY)
            for day in self._days():
                if day < oldest and (day, app_id) not in self._gone:
                    with suppress(Unreadable):
                        yield from self._expire(day, app_id)

    def _expire(self, day: str, app_id: int) -> Steps:
        reached: int | None = 0
        number = 0
        target = Target("app", str(app_id))
        self.attachments.erase(target, day)
        while reached is not None:
            records, reached, _ = self.log_store.erase(day, target, 0)
            number += records.total()
            yield 0.0 if records or reached is None else WAIT_SECONDS
        while number and not self.log_store.settle(day):
            yield WAIT_SECONDS
        self._gone.add((day, app_id))

    def _sweep_attachments(self) -> None:
        """Those of days that are gone; of a day in the journal there may be no partition yet."""
        oldest = min([now_us(), *segment_times(self.folder)])
        self.attachments.sweep(self._days(), day_of(oldest - DAY))

    def _sweep(self) -> Steps:
        """Give the disk back of days that have grown old since records were erased from them."""
        if time.monotonic() - self._swept_at < SWEEP_SECONDS:
            return
        self._swept_at = time.monotonic()
        self._gone.clear()
        for day in self._days():
            with suppress(Unreadable):
                while not self.log_store.settle(day):
                    yield WAIT_SECONDS
            yield 0.0
