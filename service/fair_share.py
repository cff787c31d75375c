"""A journal that fills is shared: one noisy app must leave room for the others."""

from collections import Counter
from collections.abc import Callable, Sized

from database.journal import Journal
from exceptions import NotAccepting


class FairShare:
    """What each app has put into the journal since more waits there than its soft limit.

    Beyond that limit an app may take as much as it leaves to the others: the first half of the
    room, a second noisy one half of the rest. Each of the `workers` processes counts for itself,
    and takes what it sees for its part of the whole. Where there is one app it may have all.
    """

    def __init__(self, journal: Journal, workers: int, known_apps: Callable[[], Sized]) -> None:
        self._journal = journal
        self._workers = workers
        self._known_apps = known_apps
        self._taken: Counter[int] = Counter()

    def admit(self, app_id: int, size: int) -> None:
        """Let an app add `size` bytes, or raise NotAccepting."""
        if not self._journal.crowded:
            if self._taken:
                self._taken.clear()
            return
        taken = self._taken[app_id] + size
        is_alone = len(self._known_apps()) < 2
        if not is_alone and taken * self._workers > self._journal.room():
            detail = "the journal is filling, and this app has taken its share of what is left"
            raise NotAccepting(detail, self._journal.retry_after())
        self._taken[app_id] = taken
