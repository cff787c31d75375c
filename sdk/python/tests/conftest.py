"""A real server, and what stands before it."""

import logging
from collections.abc import Iterator
from uuid import uuid4

import pytest
from gate import Gate
from started import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    shared = Server(folder / "data", folder / "server.log", {}).start()
    yield shared
    shared.kill()


@pytest.fixture
def gate(server: Server) -> Iterator[Gate]:
    made = Gate(server)
    yield made
    made.close()


@pytest.fixture
def session() -> str:
    """What tells a test's records from those of others."""
    return uuid4().hex


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    made = logging.Logger(f"shop.{uuid4().hex}")
    yield made
    for handler in made.handlers[:]:
        handler.close()
