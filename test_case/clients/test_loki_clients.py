"""Clients of Loki for Node.js: what of their logs is stored, and what a refusal does to them."""

from typing import Any
from uuid import uuid4

import pytest
from javascript import run_node
from relay import Relay
from started import Server, wait_until

pytestmark = pytest.mark.server


def stored(server: Server, number: int, **filters: Any) -> list[dict[str, Any]]:
    found = wait_until(
        lambda: len(got := server.query(order="oldest", **filters)) >= number and got,
        "the records",
    )
    assert len(found) == number
    return list(found)


def test_pino_loki(server: Server) -> None:
    session = uuid4().hex
    labels = {"service_name": "shop", "env": session}
    run_node("pino-loki", host=server.url, key=server.key, labels=labels, messages=["茶"])
