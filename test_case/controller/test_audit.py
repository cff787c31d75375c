"""The audit log by HTTP: for admins only, and what they may ask of it."""

from typing import Any

import pytest
from started import Server

pytestmark = pytest.mark.server
AUDIT = "/api/v1/audit"


@pytest.fixture(scope="module")
def admin(server: Server) -> str:
    """An admin's token."""
    return str(server.manage("token", "create", "--scope", "admin", "--json")["token"])


def acts_of(server: Server, admin: str, **query: Any) -> list[dict[str, Any]]:
    answer = server.get(AUDIT, token=admin, **query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["acts"])


def test_what_an_operator_does_is_told_to_admins(server: Server, admin: str) -> None:
    assert server.report([{"message": "m"}]).status_code == 202
    server.wait_drained()
    (day,) = server.manage("partition", "list", "--json")
    server.run("partition", "drop", day["name"])
    (act,) = acts_of(server, admin, act="partition.drop")
    assert (act["actor"], act["target"]) == ("operator", f"partition {day['name']}")
    assert act in acts_of(server, admin, actor="operator", limit=1000)
    assert acts_of(server, admin, before=act["id"], act="partition.drop") == []


def test_only_who_administers_all_may_read_it(server: Server) -> None:
    limited = ("--scope", "admin", "--app", str(server.app["id"]))
    token = server.manage("token", "create", *limited, "--json")["token"]
    for refused, status in ((server.token, 403), (token, 403), ("nonsense", 401)):
        assert server.get(AUDIT, token=refused).status_code == status


@pytest.mark.parametrize("query", [{"limit": 0}, {"before": "x"}, {"since": 1}])
def test_a_bad_parameter_is_a_400(server: Server, admin: str, query: dict[str, Any]) -> None:
    answer = server.get(AUDIT, token=admin, **query)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
