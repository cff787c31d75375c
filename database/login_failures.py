"""Failed logins in a row, and how long the next one must wait."""

import hashlib
import time
from typing import NamedTuple

from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from database.access_tables import login_failure

FORGET_SECONDS = 86_400  # without a failure for so long, it begins anew
LONGEST_SECONDS = 900
TRIES = 5


class Subject(NamedTuple):
    """Whose failures are counted: an account's name or a client's address. `free` failures cost
    nothing; the next one costs a second, and each further one twice as much.
    """

    kind: str
    name: str
    free: int

    @property
    def key(self) -> str:
        """What stands in the table: who it is can't be read from it."""
        return hashlib.sha256(f"{self.kind} {self.name}".encode()).hexdigest()

    def delay(self, failures: int) -> int:
        """Seconds to wait after so many failures in a row."""
        beyond = min(failures - self.free, 11)
        return min(2 ** (beyond - 1), LONGEST_SECONDS) if beyond > 0 else 0


class LoginFailures:
    """The table of failed logins. An attempt is charged before anybody learns how it ended, so
    that attempts side by side are no way around the delay.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def charge(self, subject: Subject) -> int:
        """Count an attempt as failed. Seconds to wait instead, when it comes too early: such a
        one does not count, or nobody would ever get in again while others try.
        """
        for _ in range(TRIES):
            wait = self._charge(subject, int(time.time()))
            if wait is not None:
                return wait
        return 1  # as many others try as that at this very moment

    def refund(self, subject: Subject) -> None:
        """Take a charge back: the attempt did not fail."""
        chosen = (login_failure.c.subject == subject.key) & (login_failure.c.failures > 0)
        less = update(login_failure).where(chosen).values(failures=login_failure.c.failures - 1)
        with self.engine.begin() as connection:
            connection.execute(less)

    def clear(self, subject: Subject) -> None:
        """Forget all failures."""
        with self.engine.begin() as connection:
            connection.execute(delete(login_failure).where(login_failure.c.subject == subject.key))

    def _charge(self, subject: Subject, now: int) -> int | None:
        """What `charge` says; None when another attempt came between reading and writing."""
        chosen = login_failure.c.subject == subject.key
        with self.engine.connect() as connection:
            row = connection.execute(select(login_failure).where(chosen)).first()
        if row is None:
            return self._begin(subject, now)
        # Failures from the future are of a clock that was wrong.
        fresh = not now - FORGET_SECONDS <= row.last_at <= now + LONGEST_SECONDS
        wait = 0 if fresh else row.last_at + subject.delay(row.failures) - now
        if wait > 0:
            return min(wait, LONGEST_SECONDS)
        unchanged = (login_failure.c.failures == row.failures) & (
            login_failure.c.last_at == row.last_at
        )
        values = {"failures": 1 if fresh else row.failures + 1, "last_at": now}
        with self.engine.begin() as connection:
            done = connection.execute(update(login_failure).where(chosen, unchanged).values(values))
        return 0 if done.rowcount else None

    def _begin(self, subject: Subject, now: int) -> int | None:
        """The first failure; those that were forgotten long ago go."""
        try:
            with self.engine.begin() as connection:
                _tidy(connection, now)
                values = {"subject": subject.key, "failures": 1, "last_at": now}
                connection.execute(insert(login_failure).values(values))
        except IntegrityError:
            return None
        return 0


def _tidy(connection: Connection, now: int) -> None:
    old = login_failure.c.last_at < now - FORGET_SECONDS
    connection.execute(delete(login_failure).where(old))
