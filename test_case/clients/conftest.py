"""Servers and pages for the clients of others.

To add a client: its package in package.json (`npm install --save-exact` here), what it does in
scripts/<client>.mjs (`export async function run(told)`, which ends when all is sent), and a test
that calls this by `run_node` or `pages.run` and looks at what is stored.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest
import requests
from javascript import Pages
from started import Server

MAX_BODY_BYTES = 20_000  # of the server `small`


class Refusing(NamedTuple):
    """Servers that refuse: with 503, with 429, and with 413 what is over MAX_BODY_BYTES."""

    full: Server
    limited: Server
    small: Server


@pytest.fixture(scope="session")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refusing]:
    """Servers that refuse, with the same key as all others."""
    settings = {
        "full": {"REDLOG_JOURNAL__MIN_FREE_BYTES": str(2**60)},
        "limited": {},
        "small": {"REDLOG_INGEST__MAX_BODY_BYTES": str(MAX_BODY_BYTES)},
    }
    with ExitStack() as stack:
        made = {}
        for name, own in settings.items():
            folder = tmp_path_factory.mktemp(name)
            made[name] = Server(folder / "data", folder / "server.log", own).start()
            stack.callback(made[name].kill)
        use_up(made["limited"])
        yield Refusing(**made)


def use_up(server: Server) -> None:
    """Let the app report all that it may on a day."""
    server.run("app", "set", str(server.app["id"]), "daily_quota=1")
    url = f"{server.url}/k/{server.key}/gelf"
    for status in (202, 429):
        assert requests.post(url, b'{"short_message":"m"}', timeout=60).status_code == status


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    """Pages with clients, on an origin that is not the server's."""
    with Pages() as pages:
        yield pages
