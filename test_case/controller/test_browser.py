"""A page on another origin in a real Chromium: it reports in every way a page can, and reads."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest
from selenium.webdriver import Chrome
from started import Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]


class Page(BaseHTTPRequestHandler):
    """Answers everything with an empty page."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>page</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Be silent."""


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """Where the page comes from: another port, so another origin than the server's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


@pytest.fixture
def page(chrome: Chrome, origin: str) -> Chrome:
    """The browser, with the page of another origin just opened."""
    chrome.get(f"{origin}/{uuid4().hex}")
    return chrome


CALL = """
    const [a, b, c] = arguments, done = arguments[arguments.length - 1];
    (async () => { SCRIPT })().then(value => done({value}), error => done({error: `${error}`}));
"""


def run(page: Chrome, script: str, *arguments: Any) -> Any:
    """What an async function of the page returns; `arguments` are its a, b and c."""
    done = page.execute_async_script(CALL.replace("SCRIPT", script), *arguments)
    assert "error" not in done, done
    return done["value"]


def stored(server: Server, session: str) -> list[str]:
    """The messages of a session, as soon as there are some."""
    found = wait_until(lambda: server.query(session_id=session), "the page's records")
    return [record["message"] for record in found]


@pytest.fixture
def session() -> str:
    return uuid4().hex


def logs(server: Server) -> str:
    return f"{server.url}/api/v1/logs"


BEACONS = {
    "text": "JSON.stringify(c)",
    "a blob of JSON": "new Blob([JSON.stringify(c)], {type: 'application/json'})",
    "a blob of lines": "new Blob([JSON.stringify(c)], {type: 'application/x-ndjson'})",
}


@pytest.mark.parametrize("body", BEACONS.values(), ids=BEACONS)
def test_a_beacon_is_stored(either_server: Server, page: Chrome, session: str, body: str) -> None:
    record = {"message": "信标", "session_id": session}
    script = f"return navigator.sendBeacon(a + '?key=' + b, {body})"
    assert run(page, script, logs(either_server), either_server.key, record) is True
    assert stored(either_server, session) == ["信标"]


@pytest.mark.parametrize("body", BEACONS.values(), ids=BEACONS)
def test_a_beacon_is_stored_when_its_page_is_left(
    either_server: Server, page: Chrome, session: str, body: str
) -> None:
    record = {"message": "goodbye", "session_id": session}
    script = f"addEventListener('pagehide', () => navigator.sendBeacon(a + '?key=' + b, {body}))"
    run(page, script, logs(either_server), either_server.key, record)
    page.get("about:blank")
    assert stored(either_server, session) == ["goodbye"]


REPORT = """
    const answer = await fetch(a, {
        method: 'POST', keepalive: true, body: JSON.stringify(c),
        headers: {'Content-Type': 'application/json', 'X-Redlog-Key': b},
    });
    return {
        status: answer.status, body: await answer.json(),
        retryAfter: answer.headers.get('Retry-After'),
    };
"""


def test_a_fetch_with_keepalive_gets_its_receipt(
    either_server: Server, page: Chrome, session: str
) -> None:
    batch = {"batch_id": session, "logs": [{"message": "fetched", "session_id": session}, 1]}
    answer = run(page, REPORT, logs(either_server), either_server.key, batch)
    assert answer["status"] == 202
    receipt = answer["body"]
    assert (receipt["accepted"], receipt["batch_id"]) == (1, session)
    assert [rejection["reason"] for rejection in receipt["rejected"]] == ["not_an_object"]
    assert stored(either_server, session) == ["fetched"]


def test_a_page_reads_logs_back_with_a_token(
    either_server: Server, page: Chrome, session: str
) -> None:
    either_server.report([{"message": "读回", "session_id": session}])
    stored(either_server, session)
    read = """
        const headers = {Authorization: 'Bearer ' + b};
        const answer = await fetch(a + '?session_id=' + c, {headers});
        return {status: answer.status, body: await answer.json()};
    """
    answer = run(page, read, logs(either_server), either_server.token, session)
    assert answer["status"] == 200
    assert [record["message"] for record in answer["body"]["logs"]] == ["读回"]

    refused = run(page, read, logs(either_server), "wrong", session)
    assert (refused["status"], refused["body"]["code"]) == (401, "bad_token")


def test_a_page_reads_why_it_was_refused(either_server: Server, page: Chrome) -> None:
    answer = run(page, REPORT, logs(either_server), "rlk_wrong", [])
    assert (answer["status"], answer["body"]["code"]) == (401, "bad_key")


def test_a_page_reads_when_to_come_back(make_server: Any, page: Chrome) -> None:
    server = make_server(REDLOG_JOURNAL__MIN_FREE_BYTES=str(2**60)).start()
    answer = run(page, REPORT, logs(server), server.key, [{"message": "m"}])
    assert (answer["status"], answer["body"]["code"]) == (503, "not_accepting")
    assert int(answer["retryAfter"]) >= 1
