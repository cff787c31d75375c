"""OpenTelemetry's exporter and Elasticsearch's client for Node.js against real servers."""

from typing import Any
from uuid import uuid4

import pytest
from javascript import Ran, run_node
from refusals import LARGE, Refusing
from relay import Lost, Relay
from started import Server

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("node")]


def opentelemetry(url: str, server: Server, session: str, *messages: str, **options: Any) -> Ran:
    return run_node(
        "opentelemetry",
        url=f"{url}/v1/logs",
        key=server.key,
        session=session,
        messages=messages,
        **options,
    )


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_opentelemetry(server: Server, compression: str) -> None:
    session = uuid4().hex
    ran = opentelemetry(server.url, server, session, "茶", compression=compression)
    assert ran.value == []
    warned, thrown = server.found(2, session_id=session)
    assert (warned["message"], warned["level"], warned["severity"]) == ("茶", "warning", 13)
    assert (warned["logger"], warned["release"]) == ("shop.pay", "2.1.0")
    own = {"service.name": "shop", "order": 7, "items": ["茶", 1], "paid": True}
    assert warned["attributes"] == own
    assert (thrown["message"], thrown["level"]) == ('{"what":"payment","failed":true}', "error")
    stack = "TypeError: no card\n    at pay"
    assert thrown["exception"] == {"type": "TypeError", "value": "no card", "stacktrace": stack}
    assert warned["time"] <= thrown["time"] < thrown["received_at"]


def test_opentelemetry_sends_again_after_a_503_as_told(server: Server, refusing: Refusing) -> None:
    session = uuid4().hex
    with Relay(refusing.full, server) as relay:
        opentelemetry(relay.url, server, session, "m")
    assert relay.statuses == [503, 200]
    assert relay.passed[0].body == relay.passed[1].body
    server.found(2, session_id=session)


def test_opentelemetry_sends_again_what_was_not_answered(server: Server) -> None:
    session = uuid4().hex
    with Relay(Lost(server), server) as relay:
        opentelemetry(relay.url, server, session, "m")
    assert relay.statuses == [200, 200]
    server.found(2, session_id=session)


def test_opentelemetry_drops_what_it_can_not_send_in_time(
    server: Server, refusing: Refusing
) -> None:
    """As when `Retry-After` is longer than its timeout. A 413 it does not send again."""
    for refuses, message, status in ((refusing.limited, "m", 429), (refusing.small, LARGE, 413)):
        session = uuid4().hex
        with Relay(refuses, server) as relay:
            told = opentelemetry(relay.url, server, session, message, "next").value
        assert relay.statuses == [status, 200]
        assert server.found(2, session_id=session)[0]["message"] == "next"
        assert any("exceeds remaining timeout" in line for line in told) == (status == 429)
        assert any("OTLPExporterError" in line for line in told)


def elasticsearch(url: str, server: Server, session: str, *messages: str) -> Any:
    told = {"node": url, "key": server.key, "session": session, "messages": messages}
    return run_node("elasticsearch", **told).value


def test_elasticsearch(server: Server) -> None:
    session = uuid4().hex
    done = elasticsearch(server.url, server, session, "茶", "second")
    assert done == {
        "tagline": "You Know, for Search", "dropped": [], "successful": 2, "failed": 0,
    }  # fmt: skip
    record, _ = server.found(2, session_id=session)
    assert (record["message"], record["level"], record["logger"]) == ("茶", "warning", "shop.pay")
    stack = "TypeError: no card\n at pay"
    assert record["exception"] == {"type": "TypeError", "value": "no card", "stacktrace": stack}
    own = {"service": {"name": "shop"}, "order": 7, "_index": "logs"}
    assert (record["release"], record["attributes"]) == ("2.1.0", own)
    assert record["time"] < record["received_at"]


def test_elasticsearch_tries_a_503_again(server: Server, refusing: Refusing) -> None:
    session = uuid4().hex
    with Relay(server, refusing.full, refusing.full, server) as relay:  # it asks who we are
        done = elasticsearch(relay.url, server, session, "m")
    assert (relay.statuses, done["successful"]) == ([200, 503, 503, 200], 1)
    server.found(1, session_id=session)


def test_elasticsearch_throws_what_is_refused_otherwise(server: Server, refusing: Refusing) -> None:
    for refuses, message, status in ((refusing.limited, "m", 429), (refusing.small, LARGE, 413)):
        with Relay(server, refuses, server) as relay:
            done = elasticsearch(relay.url, server, uuid4().hex, message)
        assert (relay.statuses, done["refused"]) == ([200, status], status)
        kind = "es_rejected_execution" if status == 429 else "content_too_long"
        assert done["type"] == f"{kind}_exception"


def test_elasticsearch_sends_again_what_was_not_answered(server: Server) -> None:
    session = uuid4().hex
    with Relay(server, Lost(server), server) as relay:
        done = elasticsearch(relay.url, server, session, "m")
    assert (relay.statuses, done["successful"]) == ([200, 200, 200], 1)
    server.found(1, session_id=session)


def pino_elasticsearch(url: str, server: Server, session: str, *messages: str) -> Any:
    told = {"node": url, "key": server.key, "session": session, "messages": messages}
    return run_node("pino-elasticsearch", **told).value


def test_pino_elasticsearch(server: Server) -> None:
    """At its end it refreshes the index, and breaks if it can't."""
    session = uuid4().hex
    assert pino_elasticsearch(server.url, server, session, "茶") == []
    warned, thrown = server.found(2, session_id=session)
    assert (warned["message"], warned["level"]) == ("茶", "warning")
    assert warned["attributes"] == {"order": 7, "_index": "shop"}
    assert (thrown["message"], thrown["level"]) == ("payment failed", "error")
    assert (thrown["exception"]["type"], thrown["exception"]["value"]) == ("TypeError", "no card")
    assert warned["time"] <= thrown["time"] < thrown["received_at"]


def test_pino_elasticsearch_tries_a_503_again(server: Server, refusing: Refusing) -> None:
    session = uuid4().hex
    with Relay(refusing.full, server) as relay:
        assert pino_elasticsearch(relay.url, server, session, "m") == []
    assert relay.statuses == [503, 200, 200]
    server.found(2, session_id=session)


def test_pino_elasticsearch_tells_what_is_refused_otherwise(
    server: Server, refusing: Refusing
) -> None:
    for refuses, message, status in ((refusing.limited, "m", 429), (refusing.small, LARGE, 413)):
        with Relay(refuses, refuses, server) as relay:
            (told,) = pino_elasticsearch(relay.url, server, uuid4().hex, message)
        assert status in relay.statuses and told.startswith("error: ")


def splunk(url: str, server: Server, host: str, *messages: str, **options: int) -> Any:
    told = {"url": url, "key": server.key, "host": host, "messages": messages, **options}
    return run_node("splunk", **told).value


def test_splunk(server: Server) -> None:
    host = uuid4().hex
    assert splunk(server.url, server, host, "茶") == []
    warned, paid = server.found(2, **{"attr.host": host})
    assert (warned["message"], warned["level"]) == ("茶", "warning")
    own = {"host": host, "source": "shop", "sourcetype": "pay", "index": "main", "order": 7}
    assert warned["attributes"] == own
    assert (paid["message"], paid["level"]) == ("paid", "info")
    assert warned["time"] < warned["received_at"]


def test_splunk_drops_what_is_refused(server: Server, refusing: Refusing) -> None:
    for refuses, message, status in refusing.each():
        host = uuid4().hex
        with Relay(refuses, server) as relay:
            told = splunk(relay.url, server, host, message, "next", maxRetries=2)
        assert relay.statuses == [status, 200]
        assert told == ["Invalid data format" if status == 413 else "Server is busy"]
        assert server.found(2, **{"attr.host": host})[0]["message"] == "next"


def test_splunk_sends_again_what_was_not_answered(server: Server) -> None:
    host = uuid4().hex
    with Relay(Lost(server), server) as relay:
        assert splunk(relay.url, server, host, "m", maxRetries=2) == []
    assert relay.statuses == [200, 200]
    server.found(2, **{"attr.host": host})
