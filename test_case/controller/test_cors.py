"""Pages of other origins: who is let in to report and to query, also when it goes wrong."""

from typing import Any

import pytest
import requests
from started import Server

pytestmark = pytest.mark.server

PAGE = "https://page.example"
DASHBOARD = "https://dash.example"
LOGS = "/api/v1/logs"
READ = [LOGS, f"{LOGS}/histogram", f"{LOGS}/19990101-1"]


def preflight(server: Server, path: str, method: str, headers: str, origin: str = PAGE) -> Any:
    """What the browser asks first; it sends neither key nor token."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    answer = requests.options(server.url + path, headers=asked, timeout=60)
    assert answer.ok
    return answer.headers


def report(server: Server, origin: str, body: bytes = b'{"message": "m"}', **headers: str) -> Any:
    sent = {"Origin": origin, "X-Redlog-Key": server.key, **headers}
    return requests.post(server.url + LOGS, data=body, headers=sent, timeout=60)


def read(server: Server, origin: str, path: str = LOGS, **parameters: str) -> Any:
    sent = {"Origin": origin, "Authorization": f"Bearer {server.token}"}
    return requests.get(server.url + path, headers=sent, params=parameters, timeout=60)


def names(header: str) -> set[str]:
    return {name.strip().lower() for name in header.split(",")}


def assert_names(headers: Any, origin: str) -> None:
    """Whether just this origin is let in, with credentials, as a beacon wants it."""
    assert headers["Access-Control-Allow-Origin"] == origin
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert "origin" in names(headers["Vary"])


# With the default settings.


def test_a_preflight_for_a_report_is_answered_without_a_key(either_server: Server) -> None:
    wanted = "x-redlog-key, content-type, content-encoding, idempotency-key, authorization"
    headers = preflight(either_server, LOGS, "POST", wanted)
    assert_names(headers, PAGE)
    assert "post" in names(headers["Access-Control-Allow-Methods"])
    assert names(headers["Access-Control-Allow-Headers"]) >= names(wanted)
    assert int(headers["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize("path", READ)
def test_a_preflight_for_a_query_is_answered_without_credentials(
    either_server: Server, path: str
) -> None:
    headers = preflight(either_server, path, "GET", "authorization")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in headers
    assert "get" in names(headers["Access-Control-Allow-Methods"])
    assert "authorization" in names(headers["Access-Control-Allow-Headers"])


def test_a_report_names_its_origin_and_a_query_lets_all_in(either_server: Server) -> None:
    reported = report(either_server, PAGE)
    assert reported.status_code == 202
    assert_names(reported.headers, PAGE)
    found = read(either_server, PAGE)
    assert found.status_code == 200
    assert found.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in found.headers


BAD_REPORTS: list[tuple[int, bytes, dict[str, str]]] = [
    (400, b"garbage", {}),
    (401, b"{}", {"X-Redlog-Key": "wrong"}),
    (413, b" " * (10 * 2**20 + 1), {}),
    (415, b"{}", {"Content-Encoding": "rot13"}),
    (422, b"{}", {}),
]


@pytest.mark.parametrize(("status", "body", "headers"), BAD_REPORTS, ids=lambda v: str(v)[:30])
def test_a_page_can_read_why_its_report_was_refused(
    either_server: Server, status: int, body: bytes, headers: dict[str, str]
) -> None:
    answer = report(either_server, PAGE, body, **headers)
    assert answer.status_code == status
    assert_names(answer.headers, PAGE)
    assert "retry-after" in names(answer.headers["Access-Control-Expose-Headers"])


def test_a_page_can_read_why_its_query_was_refused(either_server: Server) -> None:
    bare = requests.get(either_server.url + LOGS, headers={"Origin": PAGE}, timeout=60)
    for status, answer in (
        (400, read(either_server, PAGE, limit="0")),
        (401, bare),
        (404, read(either_server, PAGE, f"{LOGS}/19990101-1")),
        (404, read(either_server, PAGE, "/api/v1/nothing")),
        (405, requests.delete(either_server.url + LOGS, headers={"Origin": PAGE}, timeout=60)),
    ):
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "retry-after" in names(answer.headers["Access-Control-Expose-Headers"])


def test_without_an_origin_there_is_nothing_to_allow(either_server: Server) -> None:
    for answer in (
        either_server.report([{"message": "m"}]),
        either_server.get(LOGS),
        either_server.get(LOGS, limit="0"),
    ):
        assert not [name for name in answer.headers if name.startswith("Access-Control")]


# With origins by setting.


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server that lets one origin report and two others query."""
    folder = tmp_path_factory.mktemp("closed")
    settings = {
        "REDLOG_CORS__INGEST_ORIGINS": PAGE,
        "REDLOG_CORS__DASHBOARD_ORIGINS": f"{DASHBOARD}, http://localhost:8080",
    }
    server = Server(folder / "data", folder / "server.log", settings).start()
    yield server
    server.kill()


def let_in(headers: Any) -> str | None:
    origin: str | None = headers.get("Access-Control-Allow-Origin")
    return origin


@pytest.mark.parametrize("path", READ)
def test_only_dashboard_origins_may_query(closed: Server, path: str) -> None:
    for origin in (DASHBOARD, "http://localhost:8080"):
        assert let_in(read(closed, origin, path).headers) == origin
        assert let_in(preflight(closed, path, "GET", "authorization", origin)) == origin
    for origin in (
        *(PAGE, "null", "https://evil.example", "http://dash.example", f"{DASHBOARD}:8443"),
        *(f"{DASHBOARD}.evil.example", "https://dashXexample", "http://localhost"),
    ):
        assert let_in(read(closed, origin, path).headers) is None
        assert let_in(preflight(closed, path, "GET", "authorization", origin)) is None


def test_only_ingest_origins_may_report(closed: Server) -> None:
    assert_names(report(closed, PAGE).headers, PAGE)
    assert_names(preflight(closed, LOGS, "POST", "x-redlog-key"), PAGE)
    for origin in (DASHBOARD, "null", f"{PAGE}.evil.example", "https://evil.example"):
        answers = (report(closed, origin), report(closed, origin, b"garbage"))
        headers = [answer.headers for answer in answers]
        for found in (*headers, preflight(closed, LOGS, "POST", "x-redlog-key", origin)):
            assert let_in(found) is None
            assert "Access-Control-Allow-Credentials" not in found
