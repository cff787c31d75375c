"""The directory of apps and ingest keys: in memory, replaced as a whole when it is read anew."""

import threading
import time
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NoAnswer
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Engine, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from database.access_tables import ingest_key
from database.known_keys import NO_FILE, Known, KnownApp, KnownKey, KnownKeys, hash_of
from database.tables import app
from exceptions import NotAccepting, StoreAway
from utils.app_settings import Source, read_app_settings
from utils.clock import MINUTE, now_us

KNOWN_SECONDS = 2.0  # how old it may be before it is read anew
PATIENCE_SECONDS = 3.0  # for an answer about a key that is not in it
MAX_REFUSED = 10_000
_APPS = select(app.c.id, app.c.secret, app.c.settings).where(app.c.deleted_at.is_(None))
_KEYS = select(*(ingest_key.c[name] for name in ("key", "app_id", "id", "expires_at")))


class Directory:
    """Who may report, as the database said last.

    A change is seen at once by all processes of the node where it was made, and within
    KNOWN_SECONDS by those of other nodes. One thread a process reads the database, when somebody
    asks: a report with a known key never waits for it, so neither for one that is away. Then what
    was known holds, at a start what the file says. It also notes which keys are used.
    """

    def __init__(self, engine: Engine, data_dir: Path) -> None:
        self.engine = engine
        self.file = KnownKeys(data_dir / "known_keys.json")
        self._known = Known()
        self._stamp = NO_FILE
        self._due = 0.0  # when it is to be read anew
        self._used: dict[int, int] = {}  # when each key was used last, by its id
        self._noted: dict[int, int] = {}  # the same, as it stands in the database
        self._refused: dict[str, float] = {}  # unknown keys, and until when that is certain
        self._reading = ThreadPoolExecutor(1, "directory")
        self._lock = threading.Lock()
        self._next: Future[None] | None = None  # the next reading, until it begins
        self._answers = True  # whether the database answered the last time

    def source_of_key(self, key: str) -> Source | None:
        """Who reports with this key; None when it is not good.

        For a key that is not known the database is read, so that one made a moment ago is good at
        once. Raises NotAccepting for it while the database is away.
        """
        source = self._current().source_of(key) or self._ask(key)
        if source is not None:
            self._used[source.key_id] = now_us()
            if time.monotonic() >= self._due:
                self._read_anew()
        return source

    def _ask(self, key: str) -> Source | None:
        if self._refused.get(key, 0.0) > time.monotonic():
            return None
        if not self._wait():
            raise NotAccepting("the database, which knows the keys, does not answer", 5)
        source = self._current().source_of(key)
        if source is None:
            if len(self._refused) >= MAX_REFUSED:
                self._refused.clear()
            self._refused[key] = time.monotonic() + KNOWN_SECONDS
        return source

    def ids(self) -> tuple[int, ...]:
        """The ids of all apps. A reader waits for the database, once in KNOWN_SECONDS.

        Raises StoreAway when no app is known and the database does not answer.
        """
        if time.monotonic() >= self._due:
            self._wait()
        known = self._current()
        if not known.apps and not self._answers:
            raise StoreAway("the database, which knows the apps, does not answer")
        return tuple(known.apps)

    def known_ids(self) -> Collection[int]:
        """The ids of the apps that are known; nobody waits for it."""
        return self._known.apps.keys()

    def _current(self) -> Known:
        """What is known, with what other processes of this node have changed."""
        stamp = self.file.stamp()
        if stamp not in (self._stamp, NO_FILE):
            self._known, self._stamp = self.file.read(), stamp
        return self._known

    def _wait(self) -> bool:
        """Have the database read from now on, and wait for it; False: it did not answer.

        Once it did not, nobody waits until it does.
        """
        reading = self._read_anew()
        try:
            reading.result(PATIENCE_SECONDS if self._answers else 0.0)
        except (SQLAlchemyError, NoAnswer):
            self._answers = False
            return False
        return True

    def _read_anew(self) -> Future[None]:
        """The next reading: one for all who ask before it begins."""
        self._due = time.monotonic() + KNOWN_SECONDS
        with self._lock:
            if self._next is None:
                self._next = self._reading.submit(self._read)
            return self._next

    def _read(self) -> None:
        with self._lock:
            self._next = None  # who asks from here on may have changed what is being read
        try:
            self.read()
            self._note_use()
        except SQLAlchemyError:
            self._answers = False
            raise
        self._answers = True

    def read(self) -> None:
        """Replace what is known by what the database says, for all processes of this node."""
        while True:
            before = self.file.stamp()
            known = self._load()
            if self.file.stamp() == before:
                break  # or another process changed something meanwhile, and knows more
        if known != self.file.read():
            self.file.keep(known)
        self._known, self._stamp = known, self.file.stamp()

    def _note_use(self) -> None:
        """Write down when keys were used, at most once a minute for each."""
        used = {
            key_id: at
            for key_id, at in self._used.copy().items()
            if at >= self._noted.get(key_id, 0) + MINUTE
        }
        if not used:
            return
        noted = ingest_key.c.last_used_at
        with suppress(SQLAlchemyError), self.engine.begin() as connection:
            for key_id, at in sorted(used.items()):
                is_old = or_(noted.is_(None), noted <= at - MINUTE)  # other processes note it too
                this = update(ingest_key).where(ingest_key.c.id == key_id, is_old)
                connection.execute(this.values(last_used_at=at))
            self._noted |= used

    def _load(self) -> Known:
        good = or_(ingest_key.c.expires_at.is_(None), ingest_key.c.expires_at > now_us())
        with self.engine.connect() as connection:
            rows = connection.execute(_APPS.order_by(app.c.id))
            apps = {row.id: KnownApp(row.secret, read_app_settings(row.settings)) for row in rows}
            rows = connection.execute(_KEYS.where(good))
            keys = {hash_of(key): KnownKey(*row) for key, *row in rows}
        return Known(apps, {hash: key for hash, key in keys.items() if key.app_id in apps})
