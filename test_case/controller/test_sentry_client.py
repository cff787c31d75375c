"""Sentry's SDK for Python against a real server: what is stored, and what a refusal does to it."""

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import sentry_sdk
from sentry_sdk.integrations.logging import LoggingIntegration
from started import Server, wait_until

pytestmark = [
    pytest.mark.server,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]


class Sdk:
    """The SDK, set up for a server, and the headers and statuses of the replies that it saw."""

    def __init__(self, server: Server, **options: Any) -> None:
        self.release = uuid4().hex
        self.replies: list[tuple[int, dict[str, str]]] = []
        sentry_sdk.init(
            f"http://{server.key}@127.0.0.1:{server.port}/1",
            release=self.release,
            environment="prod",
            default_integrations=False,
            integrations=[LoggingIntegration(event_level=logging.ERROR)],
            **options,
        )
        transport = sentry_sdk.get_client().transport
        assert transport is not None
        request: Callable[..., Any] = transport._request  # type: ignore[attr-defined]

        def watched(*arguments: Any, **named: Any) -> Any:
            response = request(*arguments, **named)
            self.replies.append((response.status, dict(response.headers)))
            return response

        transport._request = watched  # type: ignore[attr-defined]

    @property
    def statuses(self) -> list[int]:
        """Of envelopes and of the client reports that follow a loss."""
        return [status for status, _ in self.replies]

    @property
    def is_sending(self) -> bool:
        """Whether it holds nothing back."""
        transport = sentry_sdk.get_client().transport
        return transport is not None and transport.is_healthy()


@pytest.fixture
def logger() -> logging.Logger:
    made = logging.getLogger(f"shop.{uuid4().hex}")
    made.setLevel(logging.DEBUG)
    return made


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Nothing of the SDK outlives a test."""
    yield
    sentry_sdk.get_client().close(timeout=2)
    sentry_sdk.get_global_scope().set_client(None)
    sentry_sdk.get_isolation_scope().clear()
    sentry_sdk.get_current_scope().clear()


def stored(server: Server, sdk: Sdk, number: int) -> list[dict[str, Any]]:
    found = wait_until(
        lambda: len(got := server.query(release=sdk.release, order="oldest")) >= number and got,
        "the records",
    )
    assert len(found) == number
    return list(found)


def test_an_error_comes_whole(server: Server, logger: logging.Logger) -> None:
    sdk = Sdk(server, traces_sample_rate=1.0)
    sentry_sdk.set_user({"id": "u-1", "email": "a@b.example"})
    sentry_sdk.set_tag("page", "pay")
    logger.info("a crumb")
    try:
        try:
            raise KeyError("card")
        except KeyError as error:
            raise ValueError("no card") from error
    except ValueError:
        sentry_sdk.get_isolation_scope().add_attachment(bytes=b"a\r\n\nb", filename="a.txt")
        logger.exception("payment of %s failed", "茶", extra={"order": 7})
    event_id = sentry_sdk.last_event_id()
    sentry_sdk.flush()
    (record,) = stored(server, sdk, 1)
    assert (record["message"], record["level"]) == ("payment of 茶 failed", "error")
    assert (record["logger"], record["environment"]) == (logger.name, "prod")
    assert (record["user_id"], record["platform"]) == ("u-1", "python")
    assert re.fullmatch("[0-9a-f]{32}", record["trace_id"])
    exception, attributes = record["exception"], record["attributes"]
    assert (exception["type"], exception["value"]) == ("ValueError", "no card")
    frame = exception["stacktrace"][-1]
    assert frame["function"] == "test_an_error_comes_whole" and frame["lineno"] > 0
    assert exception["causes"][0]["type"] == "KeyError"
    assert attributes["event_id"] == event_id
    assert (attributes["tags"]["page"], attributes["extra"]["order"]) == ("pay", 7)
    assert attributes["breadcrumbs"][-1]["message"] == "a crumb"
    assert attributes["user"] == {"email": "a@b.example"}
    (file,) = attributes["attachments"]
    assert (file["filename"], file["content_type"], file["bytes"]) == ("a.txt", "text/plain", 5)
    assert server.get(f"/api/v1/logs/{record['id']}/attachments/0").content == b"a\r\n\nb"
    assert record["time"] < record["received_at"] and "skew_ms" not in record


def test_logs_messages_and_sessions_come_too(server: Server) -> None:
    sdk = Sdk(server, enable_logs=True)
    sentry_sdk.get_isolation_scope().start_session(session_mode="application")
    sentry_sdk.logger.warning("almost out of {name}", name="茶")
    sentry_sdk.capture_message("hello", "info")
    sentry_sdk.get_isolation_scope().end_session()
    sentry_sdk.flush()
    by_message = {record["message"]: record for record in stored(server, sdk, 3)}
    assert by_message["hello"]["level"] == "info"
    warned, ended = by_message["almost out of 茶"], by_message["session exited"]
    assert (warned["level"], warned["environment"]) == ("warning", "prod")
    assert warned["attributes"]["sentry.message.parameter.name"] == "茶"
    assert ended["logger"] == "sentry.session" and ended["session_id"]


def test_what_is_not_kept_is_not_sent_again(server: Server) -> None:
    sdk = Sdk(server, traces_sample_rate=1.0)
    with sentry_sdk.start_transaction(name="first"):
        pass
    sentry_sdk.flush()
    assert "transaction" in sdk.replies[-1][1]["X-Sentry-Rate-Limits"]
    with sentry_sdk.start_transaction(name="second"):
        pass
    sentry_sdk.capture_message("still here")
    sentry_sdk.flush()
    stored(server, sdk, 1)
    assert sdk.statuses == [200, 200] or sdk.statuses == [200, 200, 200]  # with a client report


def limited(make_server: Any, **settings: str) -> Server:
    server: Server = make_server(**settings)
    return server.start()


def test_a_429_stops_what_is_kept_here_and_what_is_dropped_is_counted(make_server: Any) -> None:
    """The SDK holds back by category, and says how many it dropped, but for those that met it."""
    server = limited(make_server, REDLOG_LIMITS__RECORDS_PER_MINUTE="2")
    sdk = Sdk(server, enable_logs=True)
    for number in range(5):
        sentry_sdk.capture_message(f"m {number}")
        sentry_sdk.flush()
    refused = sdk.replies[2]
    assert sdk.statuses[:3] == [200, 200, 429]
    assert "error" in refused[1]["X-Sentry-Rate-Limits"] and int(refused[1]["Retry-After"]) > 0
    transport = sentry_sdk.get_client().transport
    transport._flush_client_reports(force=True)  # type: ignore[union-attr]
    sentry_sdk.flush()
    lost = wait_until(lambda: of_lost(server), "the counters")
    assert lost == {"lost:ratelimit_backoff": 2}
    assert len(server.query(release=sdk.release)) == 2
    assert server.totals()["received"] == 2


def of_lost(server: Server) -> dict[str, int]:
    return {name: count for name, count in server.totals().items() if name.startswith("lost:")}


def test_a_413_costs_that_event_only(make_server: Any) -> None:
    server = limited(make_server, REDLOG_INGEST__MAX_BODY_BYTES="20000")
    sdk = Sdk(server, max_value_length=100_000)
    sentry_sdk.capture_message("x" * 30_000)
    sentry_sdk.flush()
    sentry_sdk.capture_message("small")
    sentry_sdk.flush()
    assert sdk.statuses[0] == 413 and set(sdk.statuses[1:]) == {200}
    assert sdk.is_sending
    assert [record["message"] for record in stored(server, sdk, 1)] == ["small"]
    assert wait_until(lambda: of_lost(server), "the counters") == {"lost:send_error": 1}


def test_a_503_stops_it_for_as_long_as_told(make_server: Any) -> None:
    server = limited(make_server, REDLOG_JOURNAL__MIN_FREE_BYTES=str(2**60))
    sdk = Sdk(server)
    sentry_sdk.capture_message("m")
    sentry_sdk.flush()
    assert sdk.statuses[0] == 503 and not sdk.is_sending
    assert sdk.replies[0][1]["X-Sentry-Rate-Limits"].endswith(":key:not_accepting")
