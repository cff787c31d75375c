"""Fixtures for what works on a data directory without a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from node import Node


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A fresh node."""
    made = Node(tmp_path / "data")
    yield made
    made.close()
