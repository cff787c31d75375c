"""Sentry's, Bugsnag's and Rollbar's clients in a page of a real Chromium."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from javascript import Pages
from refusals import LARGE, Refusing
from relay import Relay
from selenium.webdriver import Chrome
from started import Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]

Run = Any


@pytest.fixture
def run(chrome: Chrome, pages: Pages) -> Run:
    """Calls the `run` of a script in a new page."""
    return lambda script, **told: pages.run(chrome, script, **told)


@pytest.fixture
def leave(chrome: Chrome, pages: Pages) -> Callable[[], None]:
    """Leaves the page."""
    return lambda: pages.leave(chrome)


def sentry(run: Run, port: int, server: Server, release: str, *messages: str, **told: Any) -> None:
    dsn = f"http://{server.key}@127.0.0.1:{port}/1"
    run("sentry-browser", dsn=dsn, release=release, messages=messages, **told)


@pytest.mark.parametrize("tunnel", [False, True], ids=["DSN", "tunnel"])
def test_sentry(server: Server, run: Run, pages: Pages, tunnel: bool) -> None:
    release = uuid4().hex
    through = {"tunnel": f"{server.url}/tunnel"} if tunnel else {}
    sentry(run, server.port, server, release, "茶", **through)
    records = {record["message"]: record for record in server.found(6, release=release)}
    thrown, warned = records["TypeError: no card"], records["almost out of 茶"]
    said, session = records["茶"], records["session unhandled"]
    written = records["it broke"]
    assert (thrown["level"], thrown["environment"], thrown["user_id"]) == ("error", "prod", "u-1")
    exception, attributes = thrown["exception"], thrown["attributes"]
    assert (exception["type"], exception["value"]) == ("TypeError", "no card")
    frame = exception["stacktrace"][-1]
    assert frame["function"] == "pay" and frame["filename"].startswith(f"{pages.url}/bundle/")
    assert [each["type"] for each in exception["causes"]] == ["RangeError"]
    assert attributes["tags"] == {"page": "pay"}
    assert attributes["breadcrumbs"][0]["message"] == "a crumb"
    assert attributes["request"]["url"].startswith(f"{pages.url}/page/")
    assert (warned["level"], warned["trace_id"]) == ("warning", thrown["trace_id"])
    assert (warned["attributes"]["order"], warned["user_id"]) == (7, "u-1")
    assert (said["level"], said["platform"]) == ("info", "javascript")
    assert (written["level"], written["logger"]) == ("info", "sentry.feedback")
    assert written["attributes"]["contexts"]["feedback"]["name"] == "Ada"
    assert (session["level"], session["device_id"]) == ("error", "u-1")
    assert "ip_address" not in session["attributes"]
    assert all(record["time"] < record["received_at"] for record in records.values())


def after_a_refusal(
    server: Server, refuses: Server, message: str, run: Run, leave: Callable[[], None]
) -> tuple[list[int], list[str]]:
    """The statuses when of three messages the first is refused, and which of them are stored."""
    release = uuid4().hex
    first = [server] * 5  # an error, a log, feedback, and twice how the session goes
    with Relay(*first, refuses, server) as relay:
        sentry(run, relay.port, server, release, message, "next", "last")
        leave()
        wait_until(lambda: b"client_report" in relay.passed[-1].body, "what the SDK lost")
    wait_until(lambda: len(server.query(release=release)) > 4, "what came before")
    server.wait_drained()
    messages = {record["message"] for record in server.query(release=release)}
    return relay.statuses[5:], sorted(messages & {message, "next", "last"})


def losses(server: Server, reason: str) -> int:
    """How many records the app's devices said that they lost."""
    return server.totals().get(f"lost:{reason}", 0)


def test_sentry_holds_back_after_a_429_or_503(
    server: Server, refusing: Refusing, run: Run, leave: Callable[[], None]
) -> None:
    """It can read for how long, as CORS lets it, and tells what it dropped when it is left."""
    for refuses, status in ((refusing.full, 503), (refusing.limited, 429)):
        before = losses(server, "ratelimit_backoff")
        statuses, messages = after_a_refusal(server, refuses, "m", run, leave)
        assert (statuses, messages) == ([status, 200], [])
        wait_until(lambda n=before + 2: losses(server, "ratelimit_backoff") == n, "the counters")


def test_sentry_drops_what_is_too_large(
    server: Server, refusing: Refusing, run: Run, leave: Callable[[], None]
) -> None:
    before = losses(server, "send_error")
    statuses, messages = after_a_refusal(server, refusing.small, LARGE, run, leave)
    assert (statuses, messages) == ([413, 200, 200, 200], ["last", "next"])
    wait_until(lambda: losses(server, "send_error") == before + 1, "the counters")


def bugsnag(
    run: Run, url: str, server: Server, release: str, *messages: str, **options: Any
) -> Any:
    own = f"{url}/k/{server.key}"
    return run("bugsnag", url=own, release=release, messages=messages, **options)


def test_bugsnag(server: Server, run: Run, pages: Pages) -> None:
    release = uuid4().hex
    assert bugsnag(run, server.url, server, release, "茶") == []
    session, record = server.found(2, release=release)
    assert session["message"] == "session started"
    assert record["session_id"] == session["session_id"]
    assert record["device_id"] == session["device_id"]
    assert (record["message"], record["level"]) == ("TypeError: 茶", "info")
    assert (record["user_id"], record["environment"]) == ("u-1", "prod")
    exception = record["exception"]
    assert exception["stacktrace"][0]["file"].startswith(f"{pages.url}/bundle/")
    assert [each["type"] for each in exception["causes"]] == ["RangeError"]
    assert record["attributes"]["metadata"] == {"order": {"id": 7}}


def rollbar(run: Run, url: str, server: Server, release: str, *messages: str) -> Any:
    told = {"key": server.key, "release": release, "messages": messages}
    return run("rollbar", endpoint=f"{url}/api/1/item/", **told)


def test_rollbar(server: Server, run: Run, pages: Pages) -> None:
    release = uuid4().hex
    assert rollbar(run, server.url, server, release, "支付失败") == [None]
    (record,) = server.found(1, release=release)
    assert (record["message"], record["level"]) == ("支付失败", "error")
    assert (record["environment"], record["platform"]) == ("prod", "browser")
    assert len(record["session_id"]) == 32
    exception = record["exception"]
    assert (exception["type"], exception["value"]) == ("TypeError", "no card")
    assert exception["stacktrace"][-1]["filename"].startswith(f"{pages.url}/bundle/")
    attributes = record["attributes"]
    assert (attributes["custom"], attributes["request"]["user_ip"]) == ({"order": 7}, "127.0.0.1")


@pytest.mark.parametrize("client", [bugsnag, rollbar])
def test_others_drop_what_is_refused(
    server: Server, refusing: Refusing, run: Run, client: Any
) -> None:
    options = {"autoTrackSessions": False} if client is bugsnag else {}
    for refuses, message, status in refusing.each():
        release = uuid4().hex
        with Relay(refuses, server) as relay:
            told = client(run, relay.url, server, release, message, "next", **options)
        assert str(status) in told[0]
        assert (relay.statuses[0], len(relay.statuses)) == (status, 2)
        assert "next" in server.found(1, release=release)[0]["message"]
