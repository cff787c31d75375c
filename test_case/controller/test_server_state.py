"""The state of the server by HTTP: for admins, and true."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest
from started import Server, wait_until

from database.engine import HEAD

pytestmark = pytest.mark.server
STATE = "/api/v1/server"


def admin_of(server: Server) -> str:
    return str(server.manage("token", "create", "--scope", "admin", "--json")["token"])


def test_an_admin_sees_how_the_server_fares(server: Server) -> None:
    admin = admin_of(server)
    assert server.report([{"message": "m"}] * 7).status_code == 202

    def measured() -> Any:
        state = server.get(STATE, token=admin).json()
        return state if state["partitions"] and state["partitions"][0]["bytes"] else None

    state = wait_until(measured, "the partition to be measured")
    assert (state["status"], state["reasons"]) == ("ok", [])
    assert (state["role"], state["workers"], state["worker_class"]) == ("all", 2, "gthread")
    (day,) = state["partitions"]
    (listed,) = server.manage("partition", "list", "--json")
    assert (day["day"], day["kind"]) == (listed["name"], "sqlite")
    wait_until(lambda: measured()["partitions"][0]["records"] == 7, "the count")
    journal, writer, disk = state["journal"], state["writer"], state["disk"]
    assert (journal["sync"], journal["max_bytes"]) == ("interval", 2**30)
    assert journal["soft_bytes"] == 2**29 and journal["backlog_bytes"] >= 0
    assert writer["enabled"] and 0 <= writer["silent_seconds"] < 30
    assert (writer["quarantined"], writer["error"]) == (0, None)
    assert 0 < disk["free_bytes"] <= disk["total_bytes"]
    assert disk["total_bytes"] == shutil.disk_usage(server.data).total
    database = state["database"]
    assert (database["kind"], database["schema"], database["wanted_schema"]) == (
        "sqlite",
        HEAD,
        HEAD,
    )
    assert database["version"].startswith("3.")
    assert state["redis"] == {"configured": False, "complaint": None}
    nodes = wait_until(lambda: server.get(STATE, token=admin).json()["nodes"], "the node")
    assert [(node["name"], node["is_this"]) for node in nodes] == [("local", True)]


def test_what_is_wrong_is_told(make_server: Callable[..., Server]) -> None:
    settings = {"REDLOG_REDIS__URL": "redis://127.0.0.1:1/0"}
    server = make_server(REDLOG_JOURNAL__MIN_FREE_BYTES=str(2**60), **settings).start()
    admin = admin_of(server)

    def failing() -> Any:
        state = server.get(STATE, token=admin).json()
        return state if len(state["reasons"]) == 2 else None

    state = wait_until(failing, "both reasons")
    assert state["status"] == "failing"
    assert state["reasons"][0].startswith("disk: ")
    assert state["reasons"][1].startswith("redis: away since ")
    assert state["redis"] == {"configured": True, "complaint": state["reasons"][1]}
    assert state["disk"]["min_free_bytes"] == 2**60


def test_nobody_else_sees_it(server: Server) -> None:
    limited = ("--scope", "admin", "--app", str(server.app["id"]))
    member = server.manage("token", "create", *limited, "--json")["token"]
    for refused, status in ((server.token, 403), (member, 403), ("nonsense", 401)):
        assert server.get(STATE, token=refused).status_code == status
