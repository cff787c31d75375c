"""Fixtures that start real servers and stop them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chromium import open_chromium
from hypothesis import HealthCheck, settings
from mariadb import MISSING, MariaDB
from mariadb import is_here as mariadb_is_here
from redis_server import PROGRAM, RedisServer
from selenium.webdriver import Chrome
from started import Server

from database.redis_link import RedisLink

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


@pytest.fixture
def make_redis(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Makes Redis servers (`make_redis(password="…")`), stopped when the test ends."""
    if PROGRAM is None:
        pytest.skip("no redis-server here (Debian, Ubuntu: sudo apt install redis-server)")
    made: list[RedisServer] = []

    def make(password: str = "") -> RedisServer:
        made.append(RedisServer(tmp_path, password).start())
        return made[-1]

    yield make
    for redis in made:
        redis.kill()


@pytest.fixture
def redis_server(make_redis: Callable[..., RedisServer]) -> RedisServer:
    """A Redis of a test's own."""
    return make_redis()


@pytest.fixture
def make_link() -> Iterator[Callable[..., RedisLink]]:
    """Makes links to a Redis (`make_link(url, installation)`), closed when the test ends."""
    links: list[RedisLink] = []

    def make(url: str = "", installation: str = "one") -> RedisLink:
        links.append(RedisLink(url, installation, threads=2))
        return links[-1]

    yield make
    for link in links:
        link.close()


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


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A Chromium that the tests of a module share."""
    with open_chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running
