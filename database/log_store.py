"""The door to the records: append, search, count, tail, get, erase, drop. Behind it lie the day
partitions, on SQLite (`database.sqlite_store`) or MySQL (`database.mysql_store`).
"""

from abc import abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from database.day_append import Appended, Prepared
from database.log_tail import LogTail
from database.rows import Values


class Target(NamedTuple):
    """Whose records are to be erased: those of a person (`field` is user_id or device_id) in these
    apps, None all of them; or all of an app (`field` is app, `value` its id), `for_ever` with its
    counters.
    """

    field: str
    value: str
    apps: tuple[int, ...] | None = None
    for_ever: bool = False

    def covers(self, app_id: int) -> bool:
        """Whether an app's records are meant."""
        return self.apps is None or app_id in self.apps


class Erased(NamedTuple):
    """What one step erased: records by app; the id behind which to go on, None at the end; and the
    greatest id that there is by now, None when that is no matter.
    """

    records: Counter[int]
    reached: int | None
    last: int | None = None


class LogStore(LogTail):
    """All partitions. Reading is for any thread; what is added here for the elected writer."""

    def pack(self, values: Values) -> Any:
        """Rows as `append` takes them, made ahead and maybe elsewhere: of plain types."""
        return values

    @abstractmethod
    def append(self, segment: str, batch: Iterable[Prepared]) -> Iterator[Appended]:
        """Store frames of one segment, a transaction for each run of one received day.

        Yields what each transaction did: a later one may fail. Raises one of `day_file.AWAY` when
        the store can't be written at the moment.
        """

    @abstractmethod
    def positions(self, segments: Collection[str]) -> dict[str, int]:
        """How far each of these segments, those in the journal, is stored; others may be told."""

    @abstractmethod
    def forget_segment(self, segment: str) -> None:
        """Drop the position of a segment that is gone."""

    @abstractmethod
    def make_durable(self, segments: Collection[str]) -> Collection[str]:
        """Those of the segments whose rows survive a power loss by now."""

    @abstractmethod
    def publish(self) -> None:
        """Bring the counters and sizes in the lasting tables up to date."""

    @abstractmethod
    def close_writer(self) -> None:
        """Let go of what is open for writing, when another takes over."""

    @abstractmethod
    def drop(self, day: str, segments: Collection[str]) -> None:
        """Drop a partition and give its disk back; `segments` are those in the journal."""

    @abstractmethod
    def erase(self, day: str, target: Target, after: int) -> Erased:
        """Erase a target's records among the next rows of a partition, behind the id `after`.

        It takes some milliseconds. Raises Unreadable when the partition is damaged.
        """

    @abstractmethod
    def settle(self, day: str) -> bool:
        """After the last step in a partition: leave nothing of what was erased, count the rest.

        False when that must wait; ask again soon.
        """

    @abstractmethod
    def index(self, day: str, is_thorough: bool) -> bool:
        """Make the next block of a partition's index (`database.blocks`); False: there is none.

        If `is_thorough`, as for a day that is over, one that is not full too. It takes some ten
        milliseconds. Raises Unreadable when the partition is damaged.
        """

    @abstractmethod
    def upgrade(self) -> None:
        """Bring partitions of an older version to this version's schema, before a start.

        Raises StartError when one is newer.
        """
