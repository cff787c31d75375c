"""A full disk: reports are refused, nothing acknowledged is lost, and it goes on by itself."""

import resource
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from conftest import StartServer
from disk import MIB, fill, small_disk
from started import Server, wait_until

pytestmark = [pytest.mark.fault, pytest.mark.server]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MiB."""
    with small_disk(tmp_path / "disk", 24) as missing:
        if missing:
            pytest.skip(missing)
        yield tmp_path / "disk"


class Client:
    """Reports records of 20 kB, each with a batch id, and knows which were acknowledged."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.acknowledged: list[str] = []
        self._sent = 0

    def report(self) -> requests.Response:
        """Report one more record."""
        self._sent += 1
        name = f"m{self._sent}"
        record = {"message": f"{name} {'.' * 20_000}"}
        answer = self.server.report({"batch_id": name, "logs": [record]})
        assert answer.status_code in (202, 503), answer.text
        if answer.status_code == 202:
            self.acknowledged.append(name)
        return answer

    def report_until_refused(self) -> requests.Response:
        """Report until the disk is full."""
        for _ in range(5_000):
            answer = self.report()
            if answer.status_code == 503:
                return answer
        raise AssertionError("never refused")

    def check(self) -> None:
        """All that was acknowledged is found, once, and nothing else."""
        self.server.wait_drained()
        found = Counter(str(log["message"]).split()[0] for log in self.server.walk(limit=200))
        assert found == Counter(self.acknowledged)
        totals = wait_until(
            lambda: (t := self.server.totals()).get("stored") == found.total() and t, "the counters"
        )
        assert totals == {"received": found.total(), "stored": found.total()}


def two_workers(server: Server) -> list[int]:
    """The pids of both workers, when both have begun."""
    wait_until(lambda: len(server.workers()) == 2, "both workers")
    return server.workers()


@pytest.mark.parametrize("min_free", [2 * MIB, 0], ids=["a reserve", "no reserve"])
def test_a_full_disk_refuses_reports_and_loses_none(
    disk: Path, tmp_path: Path, min_free: int
) -> None:
    settings = {"REDLOG_JOURNAL__MIN_FREE_BYTES": str(min_free)}
    server = Server(disk / "data", tmp_path / "server.log", settings).start()
    try:
        workers = two_workers(server)
        client = Client(server)
        for _ in range(10):
            client.report()
        fill(disk / "ballast", leave=min_free + MIB)
        answer = client.report_until_refused()
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert answer.json()["code"] == "not_accepting"
        assert answer.headers["Content-Type"] == "application/problem+json"
        fill(disk / "ballast", leave=min_free // 4)  # storing gives the journal's part back
        for _ in range(30):
            client.report()
        if min_free:
            assert requests.get(f"{server.url}/readyz", timeout=30).status_code == 503
        assert server.get("/api/v1/logs", limit=1).status_code == 200

        (disk / "ballast").unlink()
        wait_until(lambda: client.report().status_code == 202, "reports to be accepted")
        client.check()
        wait_until(
            lambda: requests.get(f"{server.url}/readyz", timeout=30).status_code == 200, "readiness"
        )
        assert server.workers() == workers
    finally:
        server.kill()


def test_files_that_may_not_grow_refuse_reports_and_lose_none(make_server: StartServer) -> None:
    """As a disk full, without root: the workers' files may not outgrow a limit (EFBIG)."""
    server = make_server(REDLOG_WRITER__POLL_MS="20").start()
    workers = two_workers(server)
    client = Client(server)
    for _ in range(10):
        client.report()
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    for pid in workers:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (600_000, hard))
    client.report_until_refused()
    for _ in range(60):
        client.report()
    for pid in workers:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
    wait_until(lambda: client.report().status_code == 202, "reports to be accepted")
    client.check()
    assert server.workers() == workers
