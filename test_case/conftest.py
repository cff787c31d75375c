"""Fixtures that start real servers and stop them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from mariadb import MISSING, MariaDB
from mariadb import is_here as mariadb_is_here
from started import Server

# The same examples in every run, and none too slow on a busy machine: a red test is a defect.
settings.register_profile(
    "redlog", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("redlog")

StartServer = Callable[..., Server]


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[StartServer]:
    """Makes servers (`make_server(REDLOG_JOURNAL__SYNC="always")`), stopped when the test ends."""
    servers: list[Server] = []

    def make(**settings: str) -> Server:
        name = f"server-{len(servers)}"
        servers.append(Server(tmp_path / name, tmp_path / f"{name}.log", settings))
        return servers[-1]

    yield make
    for server in servers:
        if server.process is not None:
            server.kill()


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A MariaDB that all tests share; each makes a database of its own."""
    if not mariadb_is_here():
        pytest.skip(MISSING)
    shared = MariaDB(tmp_path_factory.mktemp("mariadb")).start()
    yield shared
    shared.kill()


@pytest.fixture
def own_mariadb(tmp_path: Path) -> Iterator[MariaDB]:
    """A MariaDB that a test may kill."""
    if not mariadb_is_here():
        pytest.skip(MISSING)
    server = MariaDB(tmp_path / "mariadb").start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that the tests of a module share."""
    folder = tmp_path_factory.mktemp("server")
    shared = Server(folder / "data", folder / "server.log", {}).start()
    yield shared
    shared.kill()
