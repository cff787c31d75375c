"""Servers for the tests of the routes."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from started import Server, wait_until


@pytest.fixture(scope="module", params=["gthread", "meinheld"])
def either_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that the tests of a module share, once with workers of each class."""
    if find_spec(request.param) is None and request.param == "meinheld":
        pytest.skip("no meinheld here: ./start.sh builds it where there is a C compiler")
    folder = tmp_path_factory.mktemp(request.param)
    settings = {"REDLOG_SERVER__WORKER_CLASS": request.param}
    shared = Server(folder / "data", folder / "server.log", settings).start()
    wait_until(lambda: len(shared.workers()) == 2, "both workers")
    yield shared
    shared.kill()
