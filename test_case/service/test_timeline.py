"""Timelines: in order, with what never arrived."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from node import Node, raw_frame

from exceptions import BadParameter, NotFound
from service.timeline import timeline
from utils.clock import DAY, now_us
from utils.record import dumps

BEGIN = now_us() // DAY * DAY - DAY


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node without records."""
    made = Node(tmp_path)
    yield made
    made.close()


def store(node: Node, session: str, seqs: list[int], at: int = BEGIN, app_id: int = 1) -> None:
    """A device's records of a session, in any order."""
    records = [
        {"message": f"{session}{n}", "session_id": session, "device_id": "d", "seq": n,
         "time": BEGIN + n}
        for n in seqs
    ]  # fmt: skip
    payload = json.dumps(records).encode()
    node.write_segment(raw_frame(payload, len(records), at=at, app_id=app_id), at=at)
    node.drain()


def shown(node: Node, **asked: Any) -> dict[str, Any]:
    given = [(name, str(value)) for name, value in asked.items()]
    return dict(json.loads(dumps(timeline(given, (1, 2), (1, 2), node.store))))


def gaps(reply: dict[str, Any]) -> list[tuple[Any, ...]]:
    assert reply["gaps_known"]
    return [(*gap.values(),) for gap in reply["gaps"]]


def test_a_session_in_order_with_what_never_arrived(node: Node) -> None:
    store(node, "s", [0, 1, 9, 4])
    store(node, "s", [5, 5], at=BEGIN + DAY)
    store(node, "t", [1, 5])
    store(node, "s", [2], app_id=2)
    reply = shown(node, session_id="s", app=1)
    assert [each["seq"] for each in reply["logs"]] == [0, 1, 4, 5, 5, 9]
    assert gaps(reply) == [(1, "s", 2, 3, 2), (1, "s", 6, 8, 3)]
    assert gaps(shown(node, session_id="s")) == gaps(reply)
    assert gaps(shown(node, device_id="d")) == [*gaps(reply), (1, "t", 2, 4, 3)]
    assert shown(node, session_id="none")["logs"] == []


def test_each_page_knows_the_gaps_of_all(node: Node) -> None:
    store(node, "s", [0, 1, 2, 9])
    first = shown(node, session_id="s", limit=3)
    rest = shown(node, session_id="s", limit=3, cursor=first["next_cursor"])
    assert [each["seq"] for each in first["logs"] + rest["logs"]] == [0, 1, 2, 9]
    assert gaps(first) == gaps(rest) == [(1, "s", 3, 8, 6)]
    assert rest["next_cursor"] is None


def test_without_time_the_gaps_are_not_known(node: Node) -> None:
    store(node, "s", [0, 5])
    node.store.seconds = 0.0
    reply = shown(node, session_id="s")
    assert (reply["gaps_known"], reply["gaps"], reply["partial"]) == (False, [], True)


def test_a_filter_that_would_make_gaps_is_refused(node: Node) -> None:
    for asked in ({}, {"app": 1}):
        with pytest.raises(BadParameter, match="session_id or device_id is missing"):
            shown(node, **asked)
    for name, value in (("level", "error"), ("q", "x"), ("order", "newest"), ("limit", 1001)):
        with pytest.raises(BadParameter):
            shown(node, session_id="s", **{name: value})
    with pytest.raises(NotFound):
        shown(node, session_id="s", app=3)
