"""The first screen of a dashboard: the newest records, kept in Redis while nothing changes.

What is kept belongs to a version of the store and is found only under that version, which is read
from the store itself each time. So an answer from here is the store's own, whoever wrote, dropped
or failed meanwhile, and there is nothing to invalidate. It is for a store to which a version costs
much less than a page; one whose `version` is None is always asked itself.
Measured: `docs/decisions/006-redis.md`.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2s
from typing import Any

import msgspec

from database.day_append import CounterKey
from database.log_query import LogFilter, Position
from database.log_reader import LogReader, Page, Row
from database.redis_link import RedisAway, RedisLink

KEPT_SECONDS = 60

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[str, tuple[Any, ...]]]).decode


class NewestFirst:
    """Searches the store, and keeps pages of the newest `most` records by app in Redis."""

    def __init__(self, store: LogReader, link: RedisLink, most: int) -> None:
        self.store = store
        self.link = link
        self.most = most if link.is_configured else 0
        self._seen: dict[tuple[int, ...], str] = {}

    def search(
        self,
        wanted: LogFilter,
        limit: int,
        newest_first: bool = True,
        after: Position | None = None,
    ) -> Page:
        """As `LogReader.search`."""
        plain = newest_first and after is None and wanted == LogFilter(wanted.apps)
        version = self.store.version() if plain and limit <= self.most else None
        if version is None or not self._is_calm(wanted.apps, version):
            return self.store.search(wanted, limit, newest_first, after)
        rows = self._kept(wanted.apps, version)
        if rows is None:
            page = self.store.search(wanted, self.most)
            if page.unreadable or page.reached:
                return page._replace(rows=page.rows[:limit])
            rows = page.rows
            if self.store.version() == version:  # nothing was stored while it was searched
                self._keep(wanted.apps, version, rows)
        return Page(rows[:limit], [])

    def _is_calm(self, apps: tuple[int, ...], version: str) -> bool:
        """Whether this process saw that version before: while much is stored, none comes twice."""
        seen = self._seen.get(apps)
        if len(self._seen) > 1000:
            self._seen.clear()
        self._seen[apps] = version
        return seen == version

    def _kept(self, apps: tuple[int, ...], version: str) -> list[Row] | None:
        with suppress(RedisAway):
            kept = self.link.call(lambda client: client.get(self._key(apps, version)))
            return None if kept is None else _decode(kept)
        return None

    def _keep(self, apps: tuple[int, ...], version: str, rows: list[Row]) -> None:
        data = _encode(rows)
        with suppress(RedisAway):
            key = self._key(apps, version)
            self.link.call(lambda client: client.set(key, data, ex=KEPT_SECONDS))

    def hear_erased(self, counters: Counter[CounterKey]) -> None:
        """Drop all that is kept when records were erased; for the writer's `on_stored`.

        What is kept meanwhile is found by nobody, and goes with its time.
        """
        if self.most and any(outcome == "erased" for _, _, outcome in counters):
            with suppress(RedisAway):
                self.link.call(_delete_all(f"{self.link.prefix}newest:*"))

    def _key(self, apps: tuple[int, ...], version: str) -> str:
        asked = _encode((version, apps, self.most))
        return f"{self.link.prefix}newest:{blake2s(asked, digest_size=16).hexdigest()}"


def _delete_all(pattern: str) -> Callable[[Any], None]:
    def delete(client: Any) -> None:
        for key in client.scan_iter(match=pattern, count=1000):
            client.unlink(key)

    return delete
