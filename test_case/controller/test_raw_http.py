"""Malformed and smuggled HTTP: nobody is answered twice, no worker dies, and nginx lets none in."""

from collections.abc import Iterator

import pytest
from nginx import in_front_of
from raw_requests import CASES, LAX, Case, get, statuses_of
from started import ROOT, Server

pytestmark = pytest.mark.server


def by_name(case: Case) -> str:
    return case.name.replace(" ", "-")


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_a_request_is_answered_once_or_refused(either_server: Server, case: Case) -> None:
    workers = either_server.workers()
    request = case.request.replace(b"KEY", either_server.key.encode())
    worker_class = either_server.environment["REDLOG_SERVER__WORKER_CLASS"]
    assert statuses_of(either_server.port, request) == getattr(case, worker_class)
    assert statuses_of(either_server.port, get()) == (200,)
    assert either_server.workers() == workers


def test_what_is_malformed_is_not_logged(either_server: Server) -> None:
    secret = b"Bearer-rlk-0123456789"
    for line in (secret, b"(Authorization): " + secret, b"X-A\0: " + secret):
        statuses_of(either_server.port, get(line + b"\r\n"))
    assert secret.decode() not in either_server.log_text()
    assert "Traceback" not in either_server.log_text()


def test_what_meinheld_takes_and_gunicorn_does_not_is_told() -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    assert [case.name for case in LAX if f"| {case.name} |" not in text] == []


@pytest.fixture(scope="module")
def front(either_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """nginx in front of the server; its port."""
    folder, patient = tmp_path_factory.mktemp("nginx"), "proxy_ignore_client_abort on;"
    with in_front_of(either_server, folder, patient) as port:
        yield port


@pytest.mark.parametrize("case", LAX, ids=by_name)
def test_nginx_in_front_refuses_it_or_makes_it_well_formed(
    either_server: Server, front: int, case: Case
) -> None:
    workers = either_server.workers()
    statuses = statuses_of(front, case.request.replace(b"KEY", either_server.key.encode()))
    assert statuses in ((), (400,), (505,), (200,), (202,))
    assert statuses_of(front, get()) == (200,)
    assert either_server.workers() == workers
