"""Apps and their ingest keys."""

import secrets
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NoAnswer
from functools import partial
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, func, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from database.access_tables import ingest_key
from database.known_keys import KnownKeys
from database.tables import app, app_counter
from exceptions import NotAccepting
from utils.clock import now_us

KNOWN_SECONDS = 2.0
MAX_KNOWN_KEYS = 10_000
PATIENCE_SECONDS = 0.3  # for an answer about a key that was known before
LONGEST_SECONDS = 6.0  # and about one that was not
AWAY_SECONDS = 1.0  # then the database is not asked for so long
_GOOD_KEYS = (
    select(app.c.id)
    .join(ingest_key, ingest_key.c.app_id == app.c.id)
    .where(ingest_key.c.expires_at.is_(None), app.c.deleted_at.is_(None))
)


class NameTaken(ValueError):
    """An app of that name exists already."""


class App(NamedTuple):
    """An app. Its ingest key is public and can only report; its secret signs reports."""

    id: int
    name: str
    ingest_key: str
    secret: str


class Apps:
    """The table of apps, with the keys of the last seconds at hand.

    Keys are looked up by a thread of their own, so that a report never waits long for a database
    that is away: then what was known of its key last holds.
    """

    def __init__(self, engine: Engine, data_dir: Path) -> None:
        self.engine = engine
        self.known_keys = KnownKeys(data_dir / "known_keys.json")
        self._known: dict[str, tuple[float, int | None]] = {}
        self._ids: tuple[float, tuple[int, ...]] = (0.0, ())
        self._looking_up = ThreadPoolExecutor(1, "keys")
        self._lock = threading.Lock()
        self._asked: dict[str, Future[int | None]] = {}  # look-ups under way, by key
        self._answers = True  # whether the last look-up was answered
        self._oldest: Future[int | None] = Future()  # look-up that may be without an answer
        self._oldest.set_result(None)
        self._oldest_at = 0.0
        self._away_until = 0.0

    def id_of_key(self, key: str) -> int | None:
        """The app that owns an ingest key. A change is seen after at most KNOWN_SECONDS.

        Raises NotAccepting for a key that is not known while the database is away.
        """
        now = time.monotonic()
        known = self._known.get(key)
        if known is not None and known[0] > now:
            return known[1]
        if len(self._known) >= MAX_KNOWN_KEYS:
            self._known.clear()
        before = self.known_keys.id_of(key)
        found = self._ask(key, before, now)
        self._known[key] = (now + KNOWN_SECONDS, found)
        return found

    def _ask(self, key: str, before: int | None, now: float) -> int | None:
        """What the database says of a key, or what it said before if it does not answer."""
        if now >= self._away_until and not self._is_stuck(now):
            # Once it does not answer, reports with known keys don't wait at all until it does.
            patience = PATIENCE_SECONDS if self._answers else 0.0
            asked = self._share(key, before, now)
            try:
                return asked.result(LONGEST_SECONDS if before is None else patience)
            except (SQLAlchemyError, NoAnswer):
                if patience:
                    self._answers = False
                self._away_until = time.monotonic() + AWAY_SECONDS
        if before is None:
            raise NotAccepting("the database, which knows the keys, does not answer", 5)
        return before

    def _share(self, key: str, before: int | None, now: float) -> Future[int | None]:
        """The look-up of a key that is under way, or a new one: one is enough for all who wait."""
        with self._lock:
            asked = self._asked.get(key)
            if asked is None:
                asked = self._asked[key] = self._looking_up.submit(self._look_up, key, before)
                asked.add_done_callback(partial(self._answered, key))
            if self._oldest.done():
                self._oldest, self._oldest_at = asked, now
        return asked

    def _answered(self, key: str, asked: Future[int | None]) -> None:
        self._asked.pop(key, None)
        self._answers = asked.exception() is None

    def _is_stuck(self, now: float) -> bool:
        """Whether a look-up has been waiting for an answer for too long."""
        return now - self._oldest_at > PATIENCE_SECONDS and not self._oldest.done()

    def _look_up(self, key: str, before: int | None) -> int | None:
        with self.engine.connect() as connection:
            found: int | None = connection.scalar(_GOOD_KEYS.where(ingest_key.c.key == key))
        if found != before:
            self.keep_keys()
        return found

    def keep_keys(self) -> None:
        """Remember all keys for the time when the database is away."""
        self.known_keys.keep((known.ingest_key, known.id) for known in self.all())

    def ids(self) -> tuple[int, ...]:
        """The ids of all apps."""
        now = time.monotonic()
        until, ids = self._ids
        if until <= now:
            ids = tuple(found.id for found in self.all())
            self._ids = (now + KNOWN_SECONDS, ids)
        return ids

    def all(self) -> list[App]:
        """All apps, the oldest first."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                select(app.c.id, app.c.name, ingest_key.c.key, app.c.secret)
                .join(ingest_key, ingest_key.c.app_id == app.c.id)
                .where(ingest_key.c.expires_at.is_(None), app.c.deleted_at.is_(None))
                .order_by(app.c.id, ingest_key.c.id)
            )
            return list({row[0]: App(*row) for row in rows}.values())

    def create(self, name: str) -> App:
        """Make an app with a fresh key and secret. Raises NameTaken."""
        key, secret = new_key(), secrets.token_hex(32)
        values = {"name": name, "secret": secret, "created_at": now_us()}
        try:
            with self.engine.begin() as connection:
                made = connection.execute(insert(app).values(values))
                number: int = made.inserted_primary_key[0]  # type: ignore[index]
                connection.execute(insert(ingest_key).values(_new_key(number, key)))
        except IntegrityError:
            raise NameTaken(name) from None
        return App(number, name, key, secret)

    def rotate_key(self, app_id: int) -> str | None:
        """Give an app a new ingest key; the old one goes within KNOWN_SECONDS. None: no app."""
        key = new_key()
        theirs = (ingest_key.c.app_id == app_id) & ingest_key.c.expires_at.is_(None)
        with self.engine.begin() as connection:
            ended = connection.execute(
                update(ingest_key).where(theirs).values(expires_at=now_us())
            ).rowcount
            if ended:
                connection.execute(insert(ingest_key).values(_new_key(app_id, key)))
        return key if ended else None

    def totals(self) -> dict[int, dict[str, int]]:
        """Records by app and outcome, over all time."""
        total = func.sum(app_counter.c.records)
        statement = select(app_counter.c.app_id, app_counter.c.outcome, total)
        totals: dict[int, dict[str, int]] = {}
        with self.engine.connect() as connection:
            grouped = statement.group_by(app_counter.c.app_id, app_counter.c.outcome)
            for app_id, outcome, records in connection.execute(grouped):
                totals.setdefault(app_id, {})[outcome] = int(records)
        return totals


def _new_key(app_id: int, key: str) -> dict[str, object]:
    return {"app_id": app_id, "key": key, "label": "default", "created_at": now_us()}


def new_key() -> str:
    """An ingest key: letters, digits and `_` only, because some clients take nothing else."""
    return "rlk_" + secrets.token_hex(16)
