"""Clients for Node.js that report errors: Sentry's, Bugsnag's and Rollbar's."""

import random
import re
from typing import Any
from uuid import uuid4

import pytest
from javascript import run_node
from refusals import MAX_BODY_BYTES, Refusing
from relay import Lost, Relay
from started import Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("node")]


def sentry(port: int, server: Server, release: str, *messages: str) -> None:
    dsn = f"http://{server.key}@127.0.0.1:{port}/1"
    run_node("sentry-node", dsn=dsn, release=release, messages=messages)


def test_sentry(server: Server) -> None:
    release = uuid4().hex
    sentry(server.port, server, release, "茶")
    records = {record["message"]: record for record in server.found(4, release=release)}
    thrown, warned = records["TypeError: no card"], records["almost out of 茶"]
    said, session = records["茶"], records["session ok"]
    assert (thrown["level"], thrown["environment"], thrown["user_id"]) == ("error", "prod", "u-1")
    exception, attributes = thrown["exception"], thrown["attributes"]
    assert (exception["type"], exception["value"]) == ("TypeError", "no card")
    frame = exception["stacktrace"][-1]
    assert (frame["function"], frame["in_app"]) == ("pay", True)
    assert "throw new TypeError" in frame["context_line"]
    assert [each["type"] for each in exception["causes"]] == ["RangeError"]
    assert attributes["extra"] == {"order": 7} and attributes["tags"] == {"page": "pay"}
    assert attributes["breadcrumbs"][0]["message"] == "a crumb"
    assert attributes["contexts"]["runtime"]["name"] == "node"
    (file,) = attributes["attachments"]
    assert (file["filename"], file["content_type"]) == ("a.txt", "text/plain")
    path = f"/api/v1/logs/{thrown['id']}/attachments/0"
    assert server.get(path).content == b"a\r\n\nb"
    assert re.fullmatch("[0-9a-f]{32}", thrown["trace_id"])
    assert (warned["level"], warned["trace_id"]) == ("warning", thrown["trace_id"])
    assert (warned["attributes"]["order"], warned["environment"]) == (7, "prod")
    assert (said["level"], said["exception"]["mechanism"]["handled"]) == ("info", True)
    assert (session["logger"], session["device_id"]) == ("sentry.session", "u-1")
    assert all(record["time"] < record["received_at"] for record in records.values())


def after_a_refusal(server: Server, refuses: Server, message: str) -> tuple[Relay, list[str]]:
    """What is sent when of three messages the first is refused, and which are stored."""
    release = uuid4().hex
    with Relay(server, server, server, refuses, server) as relay:  # an error, a log, a session
        sentry(relay.port, server, release, message, "next", "last")
    wait_until(lambda: len(server.query(release=release)) >= 3, "what came before")
    server.wait_drained()
    messages = {record["message"] for record in server.query(release=release)}
    return relay, sorted(messages & {message, "next", "last"})


def losses(server: Server, reason: str) -> int:
    """How many records the app's devices said that they lost."""
    return server.totals().get(f"lost:{reason}", 0)


def test_sentry_holds_back_after_a_429_or_503(server: Server, refusing: Refusing) -> None:
    """And tells what it dropped meanwhile."""
    for refuses, status in ((refusing.full, 503), (refusing.limited, 429)):
        before = losses(server, "ratelimit_backoff")
        relay, messages = after_a_refusal(server, refuses, "m")
        assert (relay.statuses[3:], messages) == ([status, 200, 200], [])
        wait_until(lambda n=before + 2: losses(server, "ratelimit_backoff") == n, "the counters")


def test_sentry_drops_what_is_too_large(server: Server, refusing: Refusing) -> None:
    large = random.Random(7).randbytes(MAX_BODY_BYTES).hex()  # it is sent as gzip
    before = losses(server, "send_error")
    relay, messages = after_a_refusal(server, refusing.small, large)
    assert relay.statuses[3] == 413 and set(relay.statuses[4:]) == {200}
    assert messages == ["last", "next"]
    wait_until(lambda: losses(server, "send_error") == before + 1, "the counters")


def bugsnag(url: str, server: Server, release: str, *messages: str) -> Any:
    told = {"url": f"{url}/k/{server.key}", "release": release, "messages": messages}
    return run_node("bugsnag", **told).value


def test_bugsnag(server: Server) -> None:
    release = uuid4().hex
    assert bugsnag(server.url, server, release, "茶") == []
    (record,) = server.found(1, release=release)
    assert (record["message"], record["level"]) == ("TypeError: 茶", "info")
    assert (record["user_id"], record["environment"]) == ("u-1", "prod")
    exception = record["exception"]
    assert (exception["type"], exception["value"]) == ("TypeError", "茶")
    assert exception["stacktrace"][0]["file"].endswith("bugsnag.mjs")
    assert [each["type"] for each in exception["causes"]] == ["RangeError"]
    assert record["attributes"]["metadata"] == {"order": {"id": 7}}
    assert record["attributes"]["user"] == {"email": "a@b.example", "name": "Ada"}
    assert record["time"] < record["received_at"]


def test_bugsnag_drops_what_is_refused(server: Server, refusing: Refusing) -> None:
    for refuses, message, status in refusing.each():
        release = uuid4().hex
        with Relay(refuses, server) as relay:
            told = bugsnag(relay.url, server, release, message, "next")
        assert relay.statuses == [status, 202]
        assert f"Bad statusCode from API: {status}" in told[0]
        (record,) = server.found(1, release=release)
        assert record["exception"]["value"] == "next"


def rollbar(url: str, server: Server, release: str, *messages: str) -> Any:
    told = {"key": server.key, "release": release, "messages": messages}
    return run_node("rollbar", endpoint=f"{url}/api/1/item/", **told).value


def test_rollbar(server: Server) -> None:
    release = uuid4().hex
    assert rollbar(server.url, server, release, "支付失败") == [None]
    (record,) = server.found(1, release=release)
    assert (record["message"], record["level"]) == ("支付失败", "error")
    assert record["environment"] == "prod"
    exception = record["exception"]
    assert (exception["type"], exception["value"]) == ("TypeError", "no card")
    assert exception["stacktrace"][-1]["filename"].endswith("rollbar.mjs")
    assert record["attributes"]["custom"] == {"order": 7}


def test_rollbar_drops_what_is_refused(server: Server, refusing: Refusing) -> None:
    for refuses, message, status in refusing.each():
        release = uuid4().hex
        with Relay(refuses, server) as relay:
            refused, sent = rollbar(relay.url, server, release, message, "next")
        assert (relay.statuses, sent) == ([status, 200], None)
        assert refused.startswith("Api error: ")
        assert server.found(1, release=release)[0]["message"] == "next"


def test_rollbar_sends_again_what_was_not_answered(server: Server) -> None:
    release = uuid4().hex
    with Relay(Lost(server), server) as relay:
        assert rollbar(relay.url, server, release, "m") == [None]
    assert relay.statuses == [200, 200]
    server.found(1, release=release)
