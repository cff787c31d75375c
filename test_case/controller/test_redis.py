"""A server of two workers with Redis, without it, and while Redis dies, stalls and comes back."""

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from conftest import StartServer
from redis_server import RedisServer
from started import PATIENCE, ROOT, Server, wait_until

pytestmark = pytest.mark.server

with_and_without_redis = pytest.mark.parametrize(
    "url_of",
    [
        pytest.param(lambda request: "", id="without"),
        pytest.param(
            lambda request: request.getfixturevalue("redis_server").url,
            id="redis",
            marks=pytest.mark.redis,
        ),
    ],
)
UrlOf = Callable[[pytest.FixtureRequest], str]


def run(server: Server, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """A command of manage.py."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=server.environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def report(server: Server, records: int = 1) -> requests.Response:
    """A report over a connection of its own, so that any worker may answer."""
    return requests.post(
        f"{server.url}/api/v1/logs",
        json=[{"message": "m"}] * records,
        headers={"X-Redlog-Key": server.key},
        timeout=PATIENCE,
    )


def read(server: Server, token: str) -> requests.Response:
    """A query over a connection of its own."""
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{server.url}/api/v1/logs", headers=headers, timeout=PATIENCE)


def readiness(server: Server) -> dict[str, Any]:
    answer = requests.get(f"{server.url}/readyz", timeout=PATIENCE)
    assert (answer.status_code == 503) == (answer.json()["status"] == "failing")
    return dict(answer.json())


def is_ready(server: Server, status: str) -> bool:
    """Whether every worker that answers says so: several are asked."""
    return all(readiness(server)["status"] == status for _ in range(6))


# Rate limits.


@with_and_without_redis
def test_both_workers_together_let_the_limit_through(
    make_server: StartServer, url_of: UrlOf, request: pytest.FixtureRequest
) -> None:
    server = make_server(
        REDLOG_REDIS__URL=url_of(request), REDLOG_LIMITS__REQUESTS_PER_MINUTE="20"
    ).start()
    wait_until(lambda: is_ready(server, "ok"), "the writer and Redis")
    answers = [report(server) for _ in range(30)]
    let = [answer for answer in answers if answer.status_code == 202]
    assert 20 <= len(let) <= 22  # at a minute's end the one before begins to fade
    refused = answers[-1]
    assert refused.status_code == 429
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "rate_limited"
    assert refused.json()["detail"] == "the limit of the app is 20 requests a minute"
    assert 1 <= int(refused.headers["Retry-After"]) <= 120


@with_and_without_redis
def test_records_are_limited_and_what_is_refused_does_not_count(
    make_server: StartServer, url_of: UrlOf, request: pytest.FixtureRequest
) -> None:
    server = make_server(
        REDLOG_REDIS__URL=url_of(request), REDLOG_LIMITS__RECORDS_PER_MINUTE="100"
    ).start()
    wait_until(lambda: is_ready(server, "ok"), "the writer and Redis")
    assert report(server, 60).status_code == 202
    refused = report(server, 60)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert report(server, 40).status_code == 202
    assert report(server, 101).status_code == 413  # waiting would never help
    server.wait_drained()
    wait_until(lambda: server.totals().get("received") == 100, "the counters")


# Revoked tokens.


@with_and_without_redis
def test_a_revoked_token_is_refused_by_both_workers_within_a_second(
    make_server: StartServer, url_of: UrlOf, request: pytest.FixtureRequest
) -> None:
    server = make_server(REDLOG_REDIS__URL=url_of(request)).start()
    by_id = server.manage("token", "create", "--json")
    by_itself = server.manage("token", "create", "--json")
    for _ in range(6):  # both workers know them as good
        assert read(server, by_id["token"]).status_code == 200
        assert read(server, by_itself["token"]).status_code == 200
    assert run(server, "token", "revoke", by_id["id"]).stdout == f"Revoked {by_id['id']}.\n"
    revoked = run(server, "token", "revoke", stdin=by_itself["token"] + "\n")
    assert revoked.stdout == f"Revoked {by_itself['id']}.\n"
    time.sleep(1.0)
    for token in (by_id["token"], by_itself["token"]):
        answers = [read(server, token) for _ in range(6)]
        assert {answer.status_code for answer in answers} == {401}
        assert {answer.json()["code"] for answer in answers} == {"revoked_token"}
    assert read(server, server.token).status_code == 200


def test_what_is_no_token_can_not_be_revoked(make_server: StartServer) -> None:
    server = make_server()
    for arguments, stdin in ((["nonsense"], ""), ([], "nonsense\n"), ([], "")):
        refused = run(server, "token", "revoke", *arguments, stdin=stdin)
        assert refused.returncode == 1
        assert refused.stderr.startswith("redlog: that is no token")


# Redis dies, stalls and comes back.


@pytest.mark.redis
@pytest.mark.fault
def test_redis_killed_and_started_again(
    make_server: StartServer, redis_server: RedisServer
) -> None:
    server = make_server(
        REDLOG_REDIS__URL=redis_server.url, REDLOG_LIMITS__REQUESTS_PER_MINUTE="1000000"
    ).start()
    wait_until(lambda: is_ready(server, "ok"), "the writer and Redis")
    redis_server.kill()
    assert [report(server).status_code for _ in range(10)] == [202] * 10
    wait_until(lambda: is_ready(server, "degraded"), "the loss to be told")
    assert readiness(server)["reasons"][0].startswith("redis: away since 20")
    assert "redlog_redis_up 0.0" in requests.get(f"{server.url}/metrics", timeout=PATIENCE).text
    assert len(server.query(limit="20")) == 10 or wait_until(
        lambda: len(server.query(limit="20")) == 10, "the records"
    )
    redis_server.start()
    wait_until(lambda: is_ready(server, "ok"), "Redis to be used again")
    assert "redlog_redis_up 1.0" in requests.get(f"{server.url}/metrics", timeout=PATIENCE).text
    assert report(server).status_code == 202


@pytest.mark.redis
@pytest.mark.fault
def test_a_stalled_redis_never_slows_reports(
    make_server: StartServer, redis_server: RedisServer
) -> None:
    server = make_server(
        REDLOG_REDIS__URL=redis_server.url, REDLOG_LIMITS__REQUESTS_PER_MINUTE="1000000"
    ).start()
    wait_until(lambda: is_ready(server, "ok"), "the writer and Redis")
    redis_server.pause()
    took = []
    for _ in range(100):
        started = time.perf_counter()
        assert report(server).status_code == 202
        took.append(time.perf_counter() - started)
    took.sort()
    assert took[-3] < 0.1, took  # the first report of each worker may wait for the timeout
    assert took[-1] < 1.0, took
    assert is_ready(server, "degraded")
    redis_server.resume()
    wait_until(lambda: is_ready(server, "ok"), "Redis to be used again")


@pytest.mark.redis
def test_a_redis_that_comes_later_is_no_reason_not_to_start(
    make_server: StartServer, redis_server: RedisServer
) -> None:
    redis_server.kill()
    server = make_server(REDLOG_REDIS__URL=redis_server.url).start()
    place = f"127.0.0.1:{redis_server.port}"
    assert f"the Redis at {place} is away: Connection refused; starting" in server.log_text()
    assert report(server).status_code == 202
    wait_until(lambda: is_ready(server, "degraded"), "the writer")
    doctor = run(server, "doctor")
    assert doctor.returncode == 1 and f"WRONG  the Redis at {place} is away" in doctor.stdout
    redis_server.start()
    wait_until(lambda: is_ready(server, "ok"), "Redis to be used")
    doctor = run(server, "doctor")
    assert (doctor.returncode, doctor.stderr) == (0, "")
    assert f"redis: {redis_server.client.info('server')['redis_version']}\n" in doctor.stdout


@pytest.mark.redis
def test_a_wrong_password_stops_the_start_and_stays_secret(
    make_server: StartServer, make_redis: Callable[..., RedisServer]
) -> None:
    server = make_server()
    wrong = make_redis(password="right").url.replace("right", "wr0ng-Secret")
    server.environment["REDLOG_REDIS__URL"] = wrong
    started = run(server, "gunicorn-server")
    assert started.returncode == 1
    assert started.stderr.count("\n") == 1
    assert started.stderr.startswith("redlog: setting redis.url: the Redis at 127.0.0.1:")
    assert started.stderr.endswith(" refuses this user or password\n")
    doctor = run(server, "doctor")
    assert doctor.returncode == 1 and "refuses this user or password" in doctor.stdout
    assert "wr0ng" not in started.stdout + started.stderr + doctor.stdout + doctor.stderr
