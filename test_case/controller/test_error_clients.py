"""Rollbar's and Bugsnag's clients for Python against a real server: what is stored of errors."""

import warnings
from typing import Any
from uuid import uuid4

import pytest
from started import Server, wait_until

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of what they import: a module of old
    import bugsnag
    import rollbar

pytestmark = [
    pytest.mark.server,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]


def stored(server: Server, release: str, number: int) -> list[dict[str, Any]]:
    found = wait_until(
        lambda: len(got := server.query(release=release, order="oldest")) >= number and got,
        "the records",
    )
    assert len(found) == number
    return list(found)


def fail() -> None:
    try:
        raise KeyError("card")
    except KeyError as error:
        raise ValueError("no card") from error


def test_rollbar(server: Server) -> None:
    release = uuid4().hex
    rollbar.init(
        server.key,
        "prod",
        handler="blocking",
        endpoint=f"{server.url}/api/1/",
        code_version=release,
    )
    uuid = rollbar.report_message("almost out of 茶", "warning", extra_data={"order": 7})
    try:
        fail()
    except ValueError:
        rollbar.report_exc_info()
    said, thrown = stored(server, release, 2)
    assert (said["message"], said["level"]) == ("almost out of 茶", "warning")
    assert (said["environment"], said["attributes"]["order"]) == ("prod", 7)
    assert uuid
    exception = thrown["exception"]
    assert (thrown["message"], thrown["level"]) == ("ValueError: no card", "error")
    assert exception["stacktrace"][-1]["method"] == "fail"
    assert [each["type"] for each in exception["causes"]] == ["KeyError"]
    assert thrown["time"] <= thrown["received_at"]


def test_bugsnag(server: Server) -> None:
    release = uuid4().hex
    bugsnag.configure(
        api_key="0" * 32,
        endpoint=f"{server.url}/k/{server.key}/notify",
        session_endpoint=f"{server.url}/k/{server.key}/sessions",
        app_version=release,
        release_stage="prod",
        asynchronous=False,
        auto_capture_sessions=False,
    )
    try:
        fail()
    except ValueError as error:
        bugsnag.notify(error, severity="info", user={"id": "u-1"}, metadata={"order": {"id": 7}})
    (record,) = stored(server, release, 1)
    assert (record["message"], record["level"]) == ("ValueError: no card", "info")
    assert (record["user_id"], record["environment"]) == ("u-1", "prod")
    exception = record["exception"]
    assert exception["stacktrace"][0]["method"] == "fail"
    assert [each["type"] for each in exception["causes"]] == ["KeyError"]
    assert record["attributes"]["metadata"]["order"] == {"id": 7}
