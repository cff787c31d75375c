"""Overload: more comes in than can be stored. The lesser levels go first, then reports wait."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest
import requests
from conftest import StartServer
from started import Server, wait_until

pytestmark = [pytest.mark.fault, pytest.mark.server]

RECORDS = [{"message": "." * 100, "level": "info" if n % 5 else "error"} for n in range(100)]


@contextmanager
def store_away(server: Server) -> Iterator[None]:
    """The day's file is locked by another, for as long as it takes."""
    (day,) = (server.data / "logs").glob("*.db")
    other = apsw.Connection(str(day))
    other.set_busy_timeout(10_000)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


class Flood:
    """Clients that send all they can, whatever they are told; what they were told."""

    def __init__(self, server: Server, clients: int = 4) -> None:
        self.server = server
        self.told: Counter[str] = Counter()
        self.retry_after: set[int] = set()
        self.unexpected: list[str] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(clients)]

    def __enter__(self) -> "Flood":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        with requests.Session() as http:
            while not self._stop.is_set():
                answer = http.post(
                    f"{self.server.url}/api/v1/logs",
                    json=RECORDS,
                    headers={"X-Redlog-Key": self.server.key},
                    timeout=30,
                )
                with self._lock:
                    self._note(answer)

    def _note(self, answer: requests.Response) -> None:
        if answer.status_code == 202:
            receipt = answer.json()
            self.told += Counter(accepted=receipt["accepted"], shed=receipt["shed"])
        elif answer.status_code == 503:
            self.told["refused"] += 1
            self.retry_after.add(int(answer.headers["Retry-After"]))
        else:
            self.unexpected.append(answer.text)

    def wait_for(self, what: str, number: int) -> None:
        """Wait until as many more records, or refused reports, were told to be that."""
        wanted = self.told[what] + number
        wait_until(lambda: self.told[what] >= wanted, f"{number} {what}")


def memory(server: Server) -> int:
    """The workers' private memory in bytes."""
    kilobytes = 0
    for pid in server.workers():
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(("Private_Clean", "Private_Dirty")):
                kilobytes += int(line.split()[1])
    return kilobytes * 1024


@pytest.mark.slow
@pytest.mark.parametrize("worker_class", ["gthread", "meinheld"])
def test_it_sheds_then_refuses_then_recovers_by_itself(
    make_server: StartServer, worker_class: str
) -> None:
    if worker_class == "meinheld":
        pytest.importorskip("meinheld", reason="meinheld is not built here (no C compiler)")
    server = make_server(
        REDLOG_SERVER__WORKER_CLASS=worker_class, REDLOG_JOURNAL__MAX_BYTES="1000000"
    ).start()
    assert server.report(RECORDS).json()["shed"] == 0
    server.wait_drained()
    with Flood(server) as flood:
        with store_away(server):
            flood.wait_for("shed", 1000)
            flood.wait_for("refused", 100)
            before = memory(server)
            flood.wait_for("refused", 1000)
            assert memory(server) < before + (8 << 20)
        flood.wait_for("accepted", 1000)
    server.wait_drained()
    wait_until(lambda: server.report(RECORDS).json().get("shed") == 0, "all to be as before", 5)
    assert flood.unexpected == []
    assert all(1 <= seconds <= 60 for seconds in flood.retry_after)
    check_sums(server, flood)


def check_sums(server: Server, flood: Flood) -> None:
    """received = stored + shed, as the clients were told; no record of weight was shed."""

    def counters() -> dict[str, int]:
        server.wait_drained()
        return server.totals()

    totals: dict[str, Any] = wait_until(
        lambda: (t := counters()).get("stored") == len(server.walk()) and t, "the counters", 20
    )
    assert totals["shed"] >= flood.told["shed"] > 0
    assert totals["shed"] % 80 == 0  # per report: 80 of 100 are below warning
    assert totals["received"] == totals["stored"] + totals["shed"]
    assert set(totals) == {"received", "stored", "shed"}
    errors = len(server.walk(min_level="error"))
    assert errors * 5 == totals["received"]  # not one of the errors was shed
    assert flood.told["accepted"] + flood.told["shed"] <= totals["received"]


def test_what_was_shed_is_counted_after_kill_9(make_server: StartServer) -> None:
    server = make_server(REDLOG_WRITER__ENABLED="false", REDLOG_JOURNAL__SOFT_BYTES="20000").start()
    told: Counter[str] = Counter()
    for _ in range(20):
        receipt = server.report(RECORDS).json()
        told += Counter(accepted=receipt["accepted"], shed=receipt["shed"])
        time.sleep(0.02)
    all_gone = server.report([{"message": "info"}] * 7)
    assert (all_gone.status_code, all_gone.json()["accepted"]) == (202, 0)
    assert all_gone.json()["shed"] == 7
    server.kill()
    server.environment["REDLOG_WRITER__ENABLED"] = "true"
    server.start()
    server.wait_drained()
    wanted = {"received": 2007, "stored": told["accepted"], "shed": told["shed"] + 7}
    wait_until(lambda: server.totals() == wanted, "the counters")
    assert len(server.walk()) == told["accepted"]
