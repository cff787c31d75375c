"""Clients of Loki for Node.js: what of their logs is stored, and what a refusal does to them."""

from uuid import uuid4

import pytest
from javascript import run_node
from refusals import Refusing
from relay import Lost, Relay
from started import Server

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("node")]

TRACE = "5b8efff798038103d269b633813fc60c"


def labels(session: str) -> dict[str, str]:
    return {"service_name": "shop", "env": session}


def test_pino_loki(server: Server) -> None:
    session = uuid4().hex
    ran = run_node(
        "pino-loki", host=server.url, key=server.key, labels=labels(session), messages=["茶"]
    )
    warned, thrown = server.found(2, environment=session)
    assert (warned["message"], warned["level"], warned["trace_id"]) == ("茶", "warning", TRACE)
    assert (warned["attributes"]["service_name"], warned["attributes"]["order"]) == ("shop", 7)
    assert (thrown["message"], thrown["level"]) == ("payment failed", "error")
    assert (thrown["exception"]["type"], thrown["exception"]["value"]) == ("TypeError", "no card")
    assert "pino-loki.mjs:" in thrown["exception"]["stacktrace"]
    assert warned["time"] <= thrown["time"] <= thrown["received_at"]
    assert ran.errors == ""


def test_pino_loki_drops_what_is_refused(server: Server, refusing: Refusing) -> None:
    for refuses, message, status in refusing.each():
        session = uuid4().hex
        with Relay(refuses, server) as relay:
            ran = run_node(
                "pino-loki",
                host=relay.url,
                key=server.key,
                labels=labels(session),
                messages=[message, "next"],
            )
        assert relay.statuses == [status, 204]
        assert ran.errors.startswith("Got error when trying to send log to loki")
        messages = [record["message"] for record in server.found(2, environment=session)]
        assert messages == ["next", "payment failed"]


@pytest.mark.parametrize("json", [False, True], ids=["protobuf", "JSON"])
def test_winston_loki(server: Server, json: bool) -> None:
    session = uuid4().hex
    ran = run_node(
        "winston-loki",
        host=server.url,
        key=server.key,
        labels=labels(session),
        message="茶",
        json=json,
    )
    warned, thrown = server.found(2, environment=session)
    assert (warned["message"], warned["level"]) == ("茶", "warning")
    order = "7" if json else 7  # there it stands in Loki's metadata too, which is text
    assert warned["attributes"] == {"service_name": "shop", "order": order}
    assert (thrown["message"], thrown["level"]) == ("no card", "error")
    assert thrown["exception"]["stacktrace"].startswith("TypeError: no card\n    at run")
    assert warned["time"] <= thrown["time"] <= thrown["received_at"]
    assert ran.value == []


def test_winston_loki_sends_again_what_was_not_answered(server: Server) -> None:
    session = uuid4().hex
    with Relay(Lost(server), server) as relay:
        told = {"host": relay.url, "key": server.key, "labels": labels(session)}
        run_node("winston-loki", message="m", **told)
    assert relay.statuses == [204, 204]
    server.found(2, environment=session)


def test_winston_loki_sends_again_what_was_refused(server: Server, refusing: Refusing) -> None:
    """After a minute, or when it is closed, for as long as it lives: also what is too large."""
    for refuses, message, status in refusing.each():
        session = uuid4().hex
        with Relay(refuses, server) as relay:
            ran = run_node(
                "winston-loki",
                host=relay.url,
                key=server.key,
                labels=labels(session),
                message=message,
            )
        assert (ran.value, relay.statuses) == ([status], [status, 204])
        warned, _ = server.found(2, environment=session)
        assert warned["message"] == message
