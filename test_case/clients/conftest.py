"""Servers and pages for the clients of others.

To add a client: its package in package.json (`npm install --save-exact` here), what it does in
scripts/<client>.mjs (`export async function run(told)`, which ends when all is sent), and a test
that calls this by `run_node` or `pages.run` and looks at what is stored.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from javascript import Pages, demand_node
from refusals import SETTINGS, Refusing, use_up
from started import Server


@pytest.fixture(scope="session")
def node() -> None:
    """Skips where the clients for JavaScript can't run."""
    demand_node()


@pytest.fixture(scope="session")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refusing]:
    """Servers that refuse, for all tests."""
    with ExitStack() as stack:
        made = {}
        for name, settings in SETTINGS.items():
            folder = tmp_path_factory.mktemp(name)
            made[name] = Server(folder / "data", folder / "server.log", settings).start()
            stack.callback(made[name].kill)
        use_up(made["limited"])
        yield Refusing(**made)


@pytest.fixture(scope="module")
def pages(node: None) -> Iterator[Pages]:
    """Pages with clients, on an origin that is not the server's."""
    with Pages() as pages:
        yield pages
