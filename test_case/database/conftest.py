"""Fixtures for what works on a data directory without a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from node import Node


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A fresh node on SQLite."""
    made = Node(tmp_path / "data")
    yield made
    made.close()
    made.check_rollup()


@pytest.fixture(
    params=["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)],
)
def any_node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Node]:
    """A fresh node on each kind of store."""
    url = ""
    if request.param == "mariadb":
        server = request.getfixturevalue("mariadb")
        url = server.url(server.new_database())
    made = Node(tmp_path / "data", url)
    yield made
    made.close()
    made.check_rollup()
