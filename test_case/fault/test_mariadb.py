"""MariaDB under a running server: it works, it dies, it stalls, it comes back, it is shared."""

import os
import signal
import stat
import time
from collections import Counter

import pytest
from conftest import StartServer
from mariadb import MariaDB
from senders import Senders
from started import Server, wait_until

from utils.clock import day_of, now_us

pytestmark = [pytest.mark.server, pytest.mark.mariadb, pytest.mark.fault]
STALL_SECONDS = 30.0


def test_a_report_is_stored_found_and_counted(mariadb: MariaDB, make_server: StartServer) -> None:
    server = make_server(REDLOG_DATABASE__URL=mariadb.url(mariadb.new_database())).start()
    records = [
        {"message": f"支付失败 😀 {n}", "level": "error", "attributes": {"n": n}, "time": 1.7e9 + n}
        for n in range(250)
    ]
    body = {"batch_id": "b", "logs": records}
    for _ in range(2):
        answer = server.report(body)
        assert (answer.status_code, answer.json()["accepted"]) == (202, 250)
    server.wait_drained()
    found = server.walk(limit=99)
    assert [log["message"] for log in found] == [f"支付失败 😀 {n}" for n in range(249, -1, -1)]
    assert len({log["id"] for log in found}) == 250
    (one,) = server.query(**{"q": "付失败 😀 17", "attr.n": "17"})
    assert server.get(f"/api/v1/logs/{one['id']}").json() == one
    span = {"from": "2023-11-14", "to": "2023-11-16"}
    answer = server.get("/api/v1/logs/histogram", interval="1d", **span)
    assert [bucket["counts"] for bucket in answer.json()["buckets"]] == [{"error": 250}]
    totals = {"received": 500, "stored": 250, "duplicate": 250}
    wait_until(lambda: server.totals() == totals, "the counters")
    assert server.get("/readyz").json()["reasons"] == []
    assert server.stop() == 0
    assert "Traceback" not in server.log_text()


def test_nothing_is_lost_or_doubled_when_mariadb_is_killed_under_load(
    own_mariadb: MariaDB, make_server: StartServer
) -> None:
    server = make_server(
        REDLOG_DATABASE__URL=own_mariadb.url(own_mariadb.new_database()),
        REDLOG_WRITER__BATCH_BYTES="20000",
        REDLOG_WRITER__PROCESS_BYTES="2000",
    ).start()
    with Senders(server) as load:
        for _ in range(3):
            load.wait_for(150)
            own_mariadb.kill()
            load.wait_for(300)  # what comes meanwhile is accepted
            reasons = server.get("/readyz").json()["reasons"]
            assert any(reason.startswith("database: ") for reason in reasons)
            assert server.get("/api/v1/logs").status_code == 503
            os.kill(server.workers()[0], signal.SIGKILL)  # the next one has no key in its memory
            load.wait_for(100)
            own_mariadb.start()
        load.wait_for(100)
    load.check()
    assert server.get("/readyz").json()["reasons"] == []


def test_a_node_starts_and_accepts_while_its_database_is_down(
    own_mariadb: MariaDB, make_server: StartServer
) -> None:
    server = make_server(REDLOG_DATABASE__URL=own_mariadb.url(own_mariadb.new_database())).start()
    assert server.report({"message": "before"}).status_code == 202
    server.wait_drained()
    assert server.stop() == 0
    file = server.data / "known_keys.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert server.key not in file.read_text()
    own_mariadb.kill()
    server.start()
    assert server.report({"message": "meanwhile"}).status_code == 202
    answer = server.report({"message": "by nobody"}, key="rlk_unknown")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_accepting")
    assert "can't be reached" in " ".join(server.get("/readyz").json()["reasons"])
    own_mariadb.start()
    wait_until(
        lambda: server.get("/api/v1/logs").status_code == 200 and len(server.query()) == 2,
        "both records",
    )
    wait_until(
        lambda: server.report({"message": "m"}, key="rlk_unknown").status_code == 401,
        "an unknown key to be refused again",
    )


@pytest.mark.slow
def test_a_stalled_database_holds_up_no_report(
    own_mariadb: MariaDB, make_server: StartServer
) -> None:
    server = make_server(REDLOG_DATABASE__URL=own_mariadb.url(own_mariadb.new_database())).start()
    assert server.report([{"message": "0"}]).status_code == 202
    server.wait_drained()
    own_mariadb.signal(signal.SIGSTOP)
    slowest = 0.0
    sent = 1
    deadline = time.monotonic() + STALL_SECONDS
    while time.monotonic() < deadline:
        begun = time.monotonic()
        assert server.report([{"message": str(sent)}]).status_code == 202
        slowest = max(slowest, time.monotonic() - begun)
        sent += 1
    assert slowest < 2.0
    own_mariadb.signal(signal.SIGCONT)
    wait_until(lambda: server.totals().get("stored") == sent, "all of it to be stored")
    found = Counter(log["message"] for log in server.walk())
    assert found == Counter(str(n) for n in range(sent))


def test_two_nodes_share_one_database(mariadb: MariaDB, make_server: StartServer) -> None:
    """Batches are stored once whichever node they come to; counters add up; a drop is for both."""
    url = mariadb.url(mariadb.new_database())
    settings = {"REDLOG_DATABASE__URL": url, "REDLOG_WRITER__BATCH_BYTES": "5000"}
    first = make_server(**settings).start()
    second = _another_node(first, settings)
    try:
        for n in range(60):
            batches = [{"batch_id": f"b{n}", "logs": [{"message": f"{n}-{k}"} for k in range(9)]}]
            for node in (first, second):
                assert node.report(batches[0]).status_code == 202
        own = [(first, "first"), (second, "second")]
        for node, name in own:
            assert node.report([{"message": name}] * 5).status_code == 202
        first.wait_drained()
        second.wait_drained()
        totals = {"received": 1090, "stored": 550, "duplicate": 540}
        wait_until(lambda: first.totals() == totals, f"{totals}, not {first.totals()}")
        pages = [Counter(log["message"] for log in node.walk(limit=37)) for node, _ in own]
        assert pages[0] == pages[1]
        assert pages[0].pop("first") == pages[0].pop("second") == 5
        assert set(pages[0].values()) == {1} and len(pages[0]) == 540
        today = day_of(now_us())
        partitions = first.manage("partition", "list", "--json")
        assert [(p["name"], p["records"]) for p in partitions] == [(today, 550)]
        for n in range(30):  # both store into the day while it is dropped
            for node, name in own:
                assert node.report([{"message": f"{name} {n}"}]).status_code == 202
            if n == 15:
                assert "Dropped" in first.run("partition", "drop", today)
        first.wait_drained()
        second.wait_drained()
        left = [log["message"] for log in second.walk()]
        assert len(left) == len(set(left))
        assert {f"{name} {n}" for n in range(16, 30) for _, name in own} <= set(left)
        assert not set(left) & set(pages[0])
    finally:
        second.kill()


def _another_node(first: Server, settings: dict[str, str]) -> Server:
    """A node with a data directory and port of its own on the first one's database."""
    folder = first.data.parent
    return Server(folder / "second", folder / "second.log", settings, app=first.app).start()
