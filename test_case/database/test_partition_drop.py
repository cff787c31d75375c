"""`manage.py partition drop`: with and without a running server, and while records come in."""

import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import StartServer
from node import Node, frame
from senders import Senders
from started import ROOT, Server, wait_until

from utils.clock import DAY, day_of, now_us

pytestmark = pytest.mark.server
NOW = now_us()
TODAY, YESTERDAY = day_of(NOW), day_of(NOW - DAY)


@pytest.fixture
def server(make_server: StartServer) -> Server:
    """A server, not started yet, with some records of yesterday and of today."""
    made = make_server()
    node = Node(made.data)
    app_id = int(made.app["id"])
    for at in (NOW - DAY, NOW):
        node.write_segment(frame([f"{day_of(at)}-{n}" for n in range(5)], at=at, app_id=app_id))
    node.drain()
    node.close()
    return made


def drop(server: Server, day: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "partition", "drop", day],
        env=server.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def days_of(server: Server) -> list[str]:
    return [row["name"] for row in server.manage("partition", "list", "--json")]


def held_open(server: Server, day: str) -> list[str]:
    """The day's files that the server's processes hold open, deleted ones too."""
    links = []
    for pid in server.workers():
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                links.append(str(path.readlink()))
    return [link for link in links if f"{day}.db" in link]


def test_without_a_server_the_command_drops_it(server: Server) -> None:
    assert days_of(server) == [TODAY, YESTERDAY]
    done = drop(server, YESTERDAY)
    assert (done.returncode, done.stdout) == (0, f"Dropped {YESTERDAY}.\n")
    assert days_of(server) == [TODAY]
    assert list((server.data / "logs").glob(f"{YESTERDAY}*")) == []
    server.start()
    assert len(server.query()) == 5


def test_a_running_server_drops_it_and_lets_go_of_the_disk(server: Server) -> None:
    server.start()
    wait_until(lambda: len(server.workers()) == 2, "both workers")
    wait_until(
        lambda: len(server.query()) == 10 and len(held_open(server, YESTERDAY)) > 2,
        "both workers to have read the day",
    )
    done = drop(server, YESTERDAY)
    assert (done.returncode, done.stdout) == (0, f"Dropped {YESTERDAY}.\n")
    wait_until(lambda: held_open(server, YESTERDAY) == [], "the disk to come back", 5)
    assert list((server.data / "logs").glob(f"{YESTERDAY}*")) == []
    assert [log["message"][:8] for log in server.query()] == [TODAY] * 5
    assert days_of(server) == [TODAY]


def test_a_day_that_is_not_there_is_one_clear_line(server: Server) -> None:
    done = drop(server, "19990101")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "redlog: there is no partition 19990101\n"
    assert days_of(server) == [TODAY, YESTERDAY]


@pytest.mark.fault
def test_today_is_dropped_while_records_come_in(server: Server) -> None:
    """What came before stays dropped, what comes after is stored, also when all is killed."""
    server.start()
    with Senders(server) as load:
        load.wait_for(300)
        before = set(load.acknowledged)
        wait_until(lambda: before <= {log["message"] for log in server.walk()}, "their drain")
        done = drop(server, TODAY)
        assert (done.returncode, done.stderr) == (0, "")
        already = set(load.acknowledged)
        load.wait_for(300)
        server.kill()
        server.start()
        load.wait_for(100)
    server.wait_drained()
    found = Counter(log["message"] for log in server.walk())
    assert max(found.values()) == 1
    assert not before & set(found)
    assert set(load.acknowledged) - already <= set(found)
    assert {message for message in found if message.startswith(TODAY)} == set()
    totals = server.totals()
    assert totals["received"] == totals["stored"] + totals.get("duplicate", 0)
