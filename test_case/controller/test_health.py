"""Health routes: alive, ready and why not, metrics; and which routes a role answers."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from started import Server, wait_until

pytestmark = pytest.mark.server

StartServer = Callable[..., Server]
LOGS = "/api/v1/logs"
Samples = dict[tuple[str, ...], float]


def ask(server: Server, path: str, **options: Any) -> requests.Response:
    """Over a connection of its own, so that any worker may answer."""
    return requests.get(server.url + path, timeout=60, **options)


def samples_of(server: Server) -> Samples:
    """The metrics by (name, label values in the order of their names)."""
    answer = ask(server, "/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation
        for sample in family.samples:
            labels = [value for _, value in sorted(sample.labels.items())]
            samples[(sample.name, *labels)] = sample.value
    return samples


def grown(before: Samples, after: Samples) -> Samples:
    return {key: after[key] - before.get(key, 0) for key in after}


def test_healthz_answers_without_a_key(either_server: Server) -> None:
    answer = ask(either_server, "/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readyz_tells_what_it_looked_at(either_server: Server) -> None:
    answer = wait_until(lambda: (got := ask(either_server, "/readyz")).ok and got, "readiness")
    body = answer.json()
    assert (body["status"], body["reasons"]) == ("ok", [])
    checks = body["checks"]
    assert 0 <= checks["writer_silent_seconds"] < 30
    assert checks["backlog_bytes"] >= 0
    assert checks["free_bytes"] > 0
    assert checks["quarantined"] == 0


def have_counted(server: Server) -> set[int]:
    """The processes that have counted an answer: each has a file of its own."""
    files = (server.data / "run" / "metrics").glob("counter_*.db")
    return {int(path.stem.removeprefix("counter_")) for path in files}


def test_metrics_count_the_answers_of_all_workers(either_server: Server) -> None:
    with ThreadPoolExecutor(16) as threads:  # one after the other, one worker may get them all
        wait_until(
            lambda: (
                all(threads.map(lambda _: ask(either_server, "/healthz").ok, range(64)))
                and have_counted(either_server) == set(either_server.workers())
            ),
            "both workers to answer",
        )
    before = samples_of(either_server)
    for _ in range(40):
        assert ask(either_server, "/healthz").ok
        assert ask(either_server, LOGS).status_code == 401
        assert ask(either_server, "/nothing").status_code == 404
    counted = grown(before, samples_of(either_server))
    requests_ = "redlog_http_requests_total"
    assert counted[requests_, "/healthz", "200"] == 40
    assert counted[requests_, LOGS, "401"] == 40
    assert counted[requests_, "none", "404"] == 40
    assert counted[requests_, "/metrics", "200"] == 1


def test_metrics_count_records_by_outcome_whoever_stored_them(either_server: Server) -> None:
    before = samples_of(either_server)
    batch = {"batch_id": str(time.time_ns()), "logs": [{"message": "m"}] * 9 + [{"message": 1}]}
    headers = {"X-Redlog-Key": either_server.key}
    for _ in range(40):
        url = either_server.url + LOGS
        assert requests.post(url, json=batch, headers=headers, timeout=60).status_code == 202
    app, name = str(either_server.app["id"]), "redlog_records_total"

    def counted() -> Samples | None:
        found = grown(before, samples_of(either_server))
        return found if found.get((name, app, "received"), 0) >= 400 else None

    found = wait_until(counted, "all records to be counted")
    assert found[name, app, "received"] == 400
    assert found[name, app, "stored"] == 9
    assert found[name, app, "duplicate"] == 39 * 9
    assert found[name, app, "rejected:invalid_message"] == 40


def test_metrics_measure_the_node(either_server: Server) -> None:
    either_server.report([{"message": "m"}])

    def measured() -> Samples | None:
        found = samples_of(either_server)
        return found if found["redlog_partition_bytes",] > 0 else None

    found = wait_until(measured, "a partition to be measured")
    assert found["redlog_partitions",] == 1
    assert found["redlog_disk_free_bytes",] > 0
    assert found["redlog_quarantined",] == 0
    assert found["redlog_journal_backlog_bytes",] >= 0
    wait_until(
        lambda: samples_of(either_server)["redlog_writer_last_seen_seconds",] > time.time() - 5,
        "the writer's sign of life",
    )


# When it is not well.


def assert_not_accepting(answer: requests.Response) -> None:
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (503, "not_accepting")
    assert problem["detail"]
    assert int(answer.headers["Retry-After"]) >= 1


def reasons_of(server: Server) -> list[str]:
    answer = ask(server, "/readyz")
    body = answer.json()
    assert (answer.status_code, body["status"]) == (503, "failing")
    return list(body["reasons"])


@pytest.mark.parametrize("worker_class", ["gthread", "meinheld"])
def test_with_little_free_disk_it_is_not_ready_and_accepts_nothing(
    make_server: StartServer, worker_class: str
) -> None:
    if worker_class == "meinheld":
        pytest.importorskip("meinheld", reason="./start.sh builds it")
    server = make_server(
        REDLOG_JOURNAL__MIN_FREE_BYTES=str(2**60), REDLOG_SERVER__WORKER_CLASS=worker_class
    ).start()
    for _ in range(4):
        assert_not_accepting(server.report([{"message": "m"}]))
    (reason,) = wait_until(
        lambda: [r for r in reasons_of(server) if r.startswith("disk:")], "the disk as a reason"
    )
    assert str(2**60) in reason
    assert ask(server, "/healthz").ok
    assert server.query() == []
    assert server.totals() == {}


def test_with_a_full_journal_it_is_not_ready_and_keeps_what_it_accepted(
    make_server: StartServer,
) -> None:
    server = make_server(REDLOG_JOURNAL__MAX_BYTES="100000", REDLOG_WRITER__ENABLED="false").start()
    body = [{"message": "x" * 1000, "level": "error"}] * 20  # which is never shed
    answers = [server.report(body) for _ in range(30)]
    accepted = sum(answer.status_code == 202 for answer in answers)
    assert 5 <= accepted < 30
    assert_not_accepting(answers[-1])
    (reason,) = wait_until(lambda: reasons_of(server), "the journal as a reason")
    assert reason.startswith("journal:")
    assert server.manage("journal", "status", "--json")["waiting_records"] == {
        str(server.app["id"]): accepted * 20
    }


def test_without_a_writer_this_node_only_journals_and_is_ready(make_server: StartServer) -> None:
    server = make_server(REDLOG_WRITER__ENABLED="false").start()
    assert server.report([{"message": "m"}]).status_code == 202
    answer = ask(server, "/readyz")
    assert (answer.status_code, answer.json()["reasons"]) == (200, [])
    assert answer.json()["checks"]["writer_silent_seconds"] == -1
    assert answer.json()["checks"]["backlog_bytes"] > 0


def test_a_writer_that_can_not_store_is_a_reason_and_reports_are_still_accepted(
    make_server: StartServer,
) -> None:
    server = make_server()
    (server.data / "logs").write_text("a file where the folder should be")
    server.start()
    assert server.report([{"message": "kept"}]).status_code == 202
    (reason,) = wait_until(
        lambda: not (got := ask(server, "/readyz")).ok and got.json()["reasons"],
        "the writer as a reason",
    )
    assert reason.startswith("writer:")
    (server.data / "logs").unlink()
    wait_until(lambda: ask(server, "/readyz").ok, "it to recover")
    (record,) = wait_until(server.query, "the record")
    assert record["message"] == "kept"


# Roles.


@pytest.mark.parametrize(("role", "reads", "reports"), [("ingest", 405, 202), ("query", 200, 405)])
def test_a_role_answers_its_own_routes_only(
    make_server: StartServer, role: str, reads: int, reports: int
) -> None:
    server = make_server(REDLOG_SERVER__ROLE=role).start()
    assert server.report([{"message": "m"}]).status_code == reports
    assert server.get(LOGS).status_code == reads
    for path in (f"{LOGS}/histogram", f"{LOGS}/19990101-1"):
        expected = 404 if role == "ingest" or path.endswith("-1") else 200
        answer = server.get(path)
        assert answer.status_code == expected
        if expected == 404:
            assert answer.headers["Content-Type"] == "application/problem+json"
    for path in ("/healthz", "/readyz", "/metrics"):
        wait_until(lambda path=path: ask(server, path).ok, path)


def test_what_is_not_there_and_what_is_not_allowed_are_problems(either_server: Server) -> None:
    for path, method, status, code in (
        ("/nothing", "GET", 404, "not_found"),
        (LOGS, "DELETE", 405, "method_not_allowed"),
        ("/healthz", "POST", 405, "method_not_allowed"),
    ):
        answer = requests.request(method, either_server.url + path, timeout=60)
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
        assert problem["type"]
        assert problem["title"]
        assert problem["detail"]
        assert ("Allow" in answer.headers) == (status == 405)
