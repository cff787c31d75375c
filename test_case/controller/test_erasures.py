"""To forget somebody, by HTTP and at the command line, with and without a running server."""

import os
import signal
import subprocess
import sys
from typing import Any

import pytest
import requests
from conftest import StartServer
from node import Node, raw_frame
from started import ROOT, Server, wait_until

from utils.clock import DAY, now_us
from utils.record import dumps

pytestmark = pytest.mark.server
ERASURES = "/api/v1/erasures"
EVE = "eve-4711@example.org"


@pytest.fixture(scope="module")
def admin(server: Server) -> str:
    """An admin's token."""
    return str(server.manage("token", "create", "--scope", "admin", "--json")["token"])


def ask(server: Server, token: str, body: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.post(f"{server.url}{ERASURES}", data=dumps(body), headers=headers, timeout=60)


def when_done(server: Server, token: str, number: int) -> dict[str, Any]:
    """What became of an erasure."""

    def done() -> dict[str, Any] | None:
        told = dict(server.get(f"{ERASURES}/{number}", token=token).json())
        return told if told["state"] == "done" else None

    return dict(wait_until(done, "the erasure"))


def files_that_tell(server: Server, text: str) -> list[str]:
    """The files of the server in which a text stands."""
    files = [path for path in server.data.rglob("*") if path.is_file()]
    return [str(path) for path in files if text.encode() in path.read_bytes()]


def forget(server: Server, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "forget", *arguments],
        env=server.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def report_eve(server: Server, user: str = EVE, number: int = 10) -> None:
    records = [{"message": f"of {user}", "user_id": user}, {"message": "of another"}]
    assert server.report(records * number).status_code == 202


def test_after_it_is_done_nothing_is_found_and_no_file_tells(server: Server, admin: str) -> None:
    report_eve(server)
    found = wait_until(lambda: server.query(user_id=EVE, limit=100), "its records")
    report_eve(server)  # some of these may still wait in the journal
    answer = ask(server, admin, {"user_id": EVE})
    assert answer.status_code == 202
    asked = answer.json()
    assert (asked["state"], asked["field"], asked["apps"]) == ("pending", "user_id", None)
    done = when_done(server, admin, asked["id"])
    app_id = str(server.app["id"])
    assert (done["removed"], done["records"]) == (20, {app_id: 20})
    assert done["finished_at"] >= done["requested_at"] == asked["requested_at"]
    assert EVE not in str(done)

    assert server.query(user_id=EVE) == []
    assert server.query(q=EVE) == []
    assert server.get(f"/api/v1/logs/{found[0]['id']}").status_code == 404
    assert server.get("/api/v1/logs/histogram", user_id=EVE).json()["buckets"] == []
    assert [log["message"] for log in server.walk()] == ["of another"] * 20
    assert files_that_tell(server, EVE) == []
    assert done in server.get(ERASURES, token=admin).json()["erasures"]
    totals = server.totals()
    assert totals["received"] == totals["stored"] == 40  # they tell what came


def test_at_the_command_line_it_waits_for_the_server(server: Server, admin: str) -> None:
    for name in ("d-1", "d-2"):
        assert server.report([{"message": name, "device_id": name}]).status_code == 202
    app_id = str(server.app["id"])
    told = server.manage("forget", "--device-id", "d-1", "--app", app_id, "--json")
    assert (told["state"], told["records"]) == ("done", {app_id: 1})
    assert told["apps"] == [server.app["id"]]
    assert told["requested_by"] == "operator"
    assert server.query(device_id="d-1") == []
    wait_until(lambda: server.query(device_id="d-2"), "the other one")
    acts = server.get("/api/v1/audit", token=admin, act="erasure.request").json()["acts"]
    assert acts[0]["target"] == f"erasure {told['id']}"
    assert acts[0]["details"] == {"field": "device_id", "apps": [server.app["id"]]}


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        ([], 2, "name one of --user-id and --device-id"),
        (["--user-id", ""], 2, "name one of --user-id and --device-id"),
        (["--user-id", "a", "--device-id", "b"], 2, "name one of --user-id and --device-id"),
        (["--user-id", "a", "--app", "99"], 1, "redlog: there is no app 99"),
    ],
)
def test_what_the_command_line_does_not_take(
    server: Server, arguments: list[str], code: int, complaint: str
) -> None:
    done = forget(server, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert complaint in done.stderr


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "bad_request_body"),
        ({"user_id": "a", "device_id": "b"}, 400, "bad_request_body"),
        ({"user_id": ""}, 400, "bad_request_body"),
        ({"user_id": "a" * 129}, 400, "bad_request_body"),
        ({"user_id": 1}, 400, "bad_request_body"),
        ({"user_id": None}, 400, "bad_request_body"),
        ({"user_id": "a", "app": "1"}, 400, "bad_request_body"),
        ({"user_id": "a", "until": 1}, 400, "bad_request_body"),
        ([], 400, "bad_request_body"),
        ({"user_id": "a", "app": 99}, 404, "not_found"),
    ],
)
def test_what_is_no_request(server: Server, admin: str, body: Any, status: int, code: str) -> None:
    answer = ask(server, admin, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_member_forgets_in_their_apps_and_sees_no_other_erasures(
    server: Server, admin: str
) -> None:
    other = server.manage("app", "create", "other", "--json")
    assert server.report([{"message": "theirs", "user_id": "u"}], key=other["ingest_key"]).ok
    assert server.report([{"message": "ours", "user_id": "u"}]).ok
    limited = ("--scope", "admin", "--app", str(other["id"]), "--json")
    token = str(server.manage("token", "create", *limited)["token"])
    asked = ask(server, token, {"user_id": "u"}).json()
    assert asked["apps"] == [other["id"]]
    assert when_done(server, token, asked["id"])["records"] == {str(other["id"]): 1}
    wait_until(lambda: server.query(user_id="u"), "ours")
    assert [log["message"] for log in server.query(user_id="u")] == ["ours"]

    assert ask(server, token, {"user_id": "u", "app": server.app["id"]}).status_code == 404
    of_all = ask(server, admin, {"user_id": "nobody"}).json()["id"]
    assert server.get(f"{ERASURES}/{of_all}", token=token).status_code == 404
    assert server.get(f"{ERASURES}/999", token=token).status_code == 404
    listed = server.get(ERASURES, token=token).json()["erasures"]
    assert [each["id"] for each in listed] == [asked["id"]]
    assert ask(server, server.token, {"user_id": "u"}).status_code == 403  # it only reads
    assert ask(server, "nonsense", {"user_id": "u"}).status_code == 401


def test_without_a_server_the_command_drains_first_and_does_it_itself(
    make_server: StartServer,
) -> None:
    server = make_server()
    node, app_id = Node(server.data), int(server.app["id"])
    payload = dumps([{"message": EVE, "user_id": EVE}, {"message": "n"}])
    for ago in (0, 1, 6):
        at = now_us() - ago * DAY
        node.write_segment(raw_frame(payload, 2, at=at, app_id=app_id), at=at)
    node.close()
    done = forget(server, "--user-id", EVE)
    assert done.returncode == 0, done.stderr
    assert "state: done\n" in done.stdout and "removed: 3\n" in done.stdout
    assert files_that_tell(server, EVE) == []
    assert list((server.data / "journal").glob("*.seg")) == []
    server.start()
    assert len(server.query()) == 3


def test_kill_9_in_the_middle_delays_it_only(make_server: StartServer) -> None:
    server = make_server()
    admin = str(server.manage("token", "create", "--scope", "admin", "--json")["token"])
    node, app_id = Node(server.data), int(server.app["id"])
    for ago in range(3):
        at = now_us() - ago * DAY
        rest = [{"message": f"{n}", "user_id": f"u-{n}"} for n in range(6000)]
        eve = [{"message": EVE, "user_id": EVE}] * 1000
        node.write_segment(
            raw_frame(dumps(rest), len(rest), at=at, app_id=app_id),
            raw_frame(dumps(eve), len(eve), at=at, app_id=app_id),
            at=at,
        )
    node.drain()
    node.close()
    server.start()
    number = ask(server, admin, {"user_id": EVE}).json()["id"]

    def has_begun() -> bool:
        return bool(server.get(f"{ERASURES}/{number}", token=admin).json()["removed"])

    wait_until(has_begun, "its beginning")
    for pid in server.workers():
        os.kill(pid, signal.SIGKILL)
    server.kill()
    server.start()
    done = when_done(server, admin, number)
    assert 2000 <= done["removed"] <= 3000  # what a killed process did last may not be counted
    assert server.query(user_id=EVE) == []
    assert files_that_tell(server, EVE) == []
    assert [p["records"] for p in server.manage("partition", "list", "--json")] == [6000] * 3
