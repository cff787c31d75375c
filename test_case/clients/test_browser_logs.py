"""Clients that log, in a page of a real Chromium: what is stored, and what a refusal does."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from javascript import Pages
from refusals import LARGE, Refusing
from relay import Lost, Passed, Relay
from selenium.webdriver import Chrome
from started import Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]

Run = Callable[..., Any]


@pytest.fixture
def run(chrome: Chrome, pages: Pages) -> Run:
    """Calls the `run` of a script in a new page."""
    return lambda script, **told: pages.run(chrome, script, **told)


def by_message(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {record["message"]: record for record in records}


def faro(run: Run, url: str, server: Server, release: str, *messages: str) -> None:
    run("faro", url=f"{url}/collect", key=server.key, release=release, messages=messages)


def test_faro(server: Server, run: Run, pages: Pages) -> None:
    release = uuid4().hex
    faro(run, server.url, server, release, "茶")
    wait_until(lambda: len(server.query(release=release)) >= 4, "the records")
    records = by_message(server.query(release=release))
    warned, paid, cart = records["茶"], records["paid"], records["cart"]
    thrown = records["TypeError: no card"]
    assert (warned["level"], warned["logger"]) == ("warning", "faro")
    assert (warned["attributes"]["order"], warned["attributes"]["service"]) == ("7", "shop")
    assert warned["attributes"]["page"]["url"].startswith(f"{pages.url}/page/faro")
    assert (paid["logger"], paid["attributes"]["how"]) == ("faro.event", "card")
    assert (cart["logger"], cart["attributes"]["items"]) == ("faro.measurement", 3)
    assert (thrown["level"], thrown["exception"]["type"]) == ("error", "TypeError")
    frame = thrown["exception"]["stacktrace"][0]
    assert frame["function"] == "pay" and frame["filename"].startswith(f"{pages.url}/bundle/")
    for record in records.values():
        assert (record["environment"], record["user_id"]) == ("prod", "u-1")
        assert record["session_id"] == warned["session_id"]
        assert record["platform"] == "Linux" and record["time"] < record["received_at"]


def tries(relay: Relay, status: int) -> list[Passed]:
    """The requests of Faro's client for the batch that was answered so."""
    names = [each.headers["idempotency-key"] for each in relay.passed if each.status == status]
    return [each for each in relay.passed if each.headers["idempotency-key"] in names]


def test_faro_sends_again_after_a_503_as_told(server: Server, refusing: Refusing, run: Run) -> None:
    release = uuid4().hex
    with Relay(refusing.full, server) as relay:
        faro(run, relay.url, server, release, "m")
        wait_until(lambda: len(tries(relay, 503)) == 2, "the same batch again")
        refused, taken = tries(relay, 503)
        wait_until(lambda: server.query(release=release, q="paid"), "the records")
    assert (refused.status, taken.status, refused.body) == (503, 202, taken.body)
    server.wait_drained()
    messages = [record["message"] for record in server.query(release=release)]
    assert (messages.count("m"), messages.count("paid")) == (1, 1)


def test_faro_drops_what_is_refused_for_long(server: Server, refusing: Refusing, run: Run) -> None:
    """Longer than its `maxBackoffMs`, or as too large; what comes next is not held back."""
    for refuses, message, status in ((refusing.limited, "m", 429), (refusing.small, LARGE, 413)):
        release = uuid4().hex
        with Relay(refuses, server, until_refused=True) as relay:
            faro(run, relay.url, server, release, message, "next")
            wait_until(lambda r=release: server.query(release=r, q="next"), "the record")
        assert {each.status for each in tries(relay, status)} == {status}
        assert message not in by_message(server.query(release=release))


def test_datadog(server: Server, run: Run, pages: Pages, chrome: Chrome) -> None:
    release = uuid4().hex
    proxy = f"{server.url}/k/{server.key}/ddproxy"
    run("datadog", proxy=proxy, release=release, messages=["茶"])
    pages.leave(chrome)
    records = by_message(server.found(3, release=release))
    warned, failed, thrown = records["茶"], records["payment failed"], records["no card"]
    assert (warned["level"], warned["user_id"], warned["environment"]) == ("warning", "u-1", "prod")
    assert (warned["attributes"]["order"], warned["attributes"]["service"]) == (7, "shop")
    assert warned["device_id"] and warned["session_id"] == failed["session_id"]
    assert (failed["level"], failed["exception"]["value"]) == ("error", "empty")
    assert (thrown["level"], thrown["exception"]["type"]) == ("error", "TypeError")
    assert f"{pages.url}/bundle/datadog.js" in thrown["exception"]["stacktrace"]
    assert all(record["time"] < record["received_at"] for record in records.values())


MUCH = LARGE[:17_000]  # Datadog's client sends it at once


def datadog(run: Run, relay: Relay, server: Server, release: str, *messages: str) -> None:
    proxy = f"{relay.url}/k/{server.key}/ddproxy"
    run("datadog", proxy=proxy, release=release, messages=messages, errors=False)


def test_datadog_sends_again_after_a_429_or_503(
    server: Server, refusing: Refusing, run: Run
) -> None:
    for refuses, status in ((refusing.full, 503), (refusing.limited, 429)):
        release = uuid4().hex
        with Relay(refuses, server) as relay:
            datadog(run, relay, server, release, MUCH)
            server.found(1, release=release)
            relay.wait_for(2)
            assert relay.statuses == [status, 202]


def test_datadog_drops_what_is_too_large(server: Server, refusing: Refusing, run: Run) -> None:
    release = uuid4().hex
    with Relay(refusing.small, server) as relay:
        datadog(run, relay, server, release, LARGE, MUCH)
        assert server.found(1, release=release)[0]["message"] == MUCH
        relay.wait_for(2)
        assert relay.statuses == [413, 202]


@pytest.mark.parametrize("json", [False, True], ids=["plain", "JSON"])
def test_loglevel(server: Server, run: Run, pages: Pages, json: bool) -> None:
    name = uuid4().hex
    told = {"url": f"{server.url}/logger", "key": server.key, "name": name, "json": json}
    run("loglevel", messages=["almost out of %s"], **told)
    warned, paid = server.found(2, logger=name)
    assert (warned["message"], warned["level"]) == ("almost out of 茶", "warning")
    assert f"{pages.url}/bundle/loglevel.js" in warned["exception"]["stacktrace"]
    assert (paid["message"], paid["level"], "exception" in paid) == ("paid", "info", False)
    assert warned.get("attributes", {}).get("order") == (7 if json else None)
    assert warned["time"] < warned["received_at"]


def test_loglevel_sends_again_until_it_is_taken(
    server: Server, refusing: Refusing, run: Run
) -> None:
    """Also what is too large: then nothing else comes any more until the page is left."""
    for refuses, message, status in refusing.each():
        name = uuid4().hex
        with Relay(refuses, server) as relay:
            told = {"url": f"{relay.url}/logger", "key": server.key, "name": name, "json": False}
            run("loglevel", messages=[message], **told)
            assert len(server.found(2, logger=name)) == 2
            relay.wait_for(3)
            assert relay.statuses == [status, 200, 200]
            assert relay.passed[0].body == relay.passed[1].body


def test_jsnlog(server: Server, run: Run, pages: Pages) -> None:
    name = uuid4().hex
    url = f"{server.url}/k/{server.key}/jsnlog.logger"
    run("jsnlog", url=url, name=name, message="茶")
    warned, paid, thrown = server.found(3, logger=name)
    assert (warned["message"], warned["level"]) == ("茶", "warning")
    assert (paid["level"], paid["attributes"]["order"]) == ("info", 7)
    assert (thrown["message"], thrown["level"]) == ("payment failed", "fatal")
    assert (thrown["exception"]["type"], thrown["exception"]["value"]) == ("TypeError", "no card")
    assert f"{pages.url}/bundle/jsnlog.js" in thrown["exception"]["stacktrace"]
    assert warned["time"] < warned["received_at"]


def test_jsnlog_sends_again_until_it_is_taken(server: Server, refusing: Refusing, run: Run) -> None:
    for refuses, message, status in refusing.each():
        name = uuid4().hex
        with Relay(refuses, server) as relay:
            url = f"{relay.url}/k/{server.key}/jsnlog.logger"
            run("jsnlog", url=url, name=name, message=message)
            assert len(server.found(3, logger=name)) == 3
            relay.wait_for(2)
            assert relay.statuses[0] == status and set(relay.statuses[1:]) == {200}
            assert relay.passed[0].body == relay.passed[1].body


def opentelemetry(run: Run, url: str, server: Server, session: str) -> Any:
    told = {"url": f"{url}/v1/logs", "key": server.key, "session": session}
    return run("opentelemetry", messages=["茶"], **told)


def test_opentelemetry(server: Server, run: Run) -> None:
    session = uuid4().hex
    assert opentelemetry(run, server.url, server, session) == []
    warned, thrown = server.found(2, session_id=session)
    assert (warned["message"], warned["level"], warned["release"]) == ("茶", "warning", "2.1.0")
    assert warned["attributes"]["items"] == ["茶", 1]
    assert thrown["exception"]["type"] == "TypeError"


def test_opentelemetry_sends_again_after_a_503_as_told(
    server: Server, refusing: Refusing, run: Run
) -> None:
    session = uuid4().hex
    with Relay(refusing.full, server) as relay:
        opentelemetry(run, relay.url, server, session)
    assert relay.statuses == [503, 200]
    server.found(2, session_id=session)


# What they are told, and the field of their records that has the NAME.
NOT_ANSWERED = {
    "faro": ("release", {"url": "URL/collect", "messages": ["m"]}),
    "loglevel": ("name", {"url": "URL/logger", "messages": ["%s"], "json": False}),
    "jsnlog": ("name", {"url": "URL/k/KEY/jsnlog.logger", "message": "m"}),
    "opentelemetry": ("session", {"url": "URL/v1/logs", "messages": ["m"]}),
}
FIELDS = {"name": "logger", "session": "session_id", "release": "release"}


@pytest.mark.parametrize("client", NOT_ANSWERED)
def test_what_was_not_answered_is_sent_again_and_stored_once(
    server: Server, run: Run, client: str
) -> None:
    """But for Datadog's client, which drops it."""
    name = uuid4().hex
    option, told = NOT_ANSWERED[client]
    with Relay(Lost(server), server) as relay:
        text = json.dumps(told).replace("URL", relay.url).replace("KEY", server.key)
        run(client, **{"key": server.key, option: name, **json.loads(text)})
        relay.wait_for(2)
    assert max(relay.statuses) < 300
    server.wait_drained()
    messages = [record["message"] for record in server.query(**{FIELDS[option]: name})]
    assert messages.count("茶" if client == "loglevel" else "m") == 1
