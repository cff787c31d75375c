"""Servers that refuse reports, with the same app and key as all others."""

from collections.abc import Iterator
from typing import NamedTuple

import requests
from started import Server

MAX_BODY_BYTES = 20_000
SETTINGS = {
    "full": {"REDLOG_JOURNAL__MIN_FREE_BYTES": str(2**60)},
    "limited": {},
    "small": {"REDLOG_INGEST__MAX_BODY_BYTES": str(MAX_BODY_BYTES)},
}
LARGE = "x" * (MAX_BODY_BYTES + 1)


class Refusing(NamedTuple):
    """Servers that refuse: with 503, with 429, and with 413 what is over MAX_BODY_BYTES."""

    full: Server
    limited: Server
    small: Server

    def each(self) -> Iterator[tuple[Server, str, int]]:
        """Which server, which message it refuses, and with which status."""
        yield self.full, "m", 503
        yield self.limited, "m", 429
        yield self.small, LARGE, 413


def use_up(server: Server) -> None:
    """Let the app report all that it may on a day."""
    server.run("app", "set", str(server.app["id"]), "daily_quota=1")
    url = f"{server.url}/k/{server.key}/gelf"
    for status in (202, 429):
        assert requests.post(url, b'{"short_message":"m"}', timeout=60).status_code == status
