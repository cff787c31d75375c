"""The audit log: acts are added and read, never changed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from node import Node
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError, OperationalError

from database.access_tables import audit
from exceptions import BadParameter
from service.audit import OPERATOR, Audit, AuditQuery
from service.parameters import read_parameters
from utils.principal import Principal
from utils.record import dumps

ADA = Principal("account ada", "admin", "admin", (), (), 1, "s", "192.0.2.1")


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Node]:
    """A fresh node on each kind of database."""
    url = ""
    if request.param == "mariadb":
        server = request.getfixturevalue("mariadb")
        url = server.url(server.new_database())
    made = Node(tmp_path / "data", url)
    yield made
    made.close()


def acts_of(log: Audit, **query: Any) -> list[dict[str, Any]]:
    return list(json.loads(dumps(log.page(AuditQuery(**query))))["acts"])


def test_an_act_stands_there_with_who_what_and_from_where(node: Node) -> None:
    log = Audit(node.engine)
    log.record(ADA, "app.create", "app 1 商店 😀", {"name": "商店 😀"})
    log.record(OPERATOR, "token.create", "token ci")
    log.record("account bob", "login.failed", "account bob", address="2001:db8::1")
    failed, token, app = acts_of(log)
    assert app.pop("at").endswith("Z")
    assert app == {
        "id": 1,
        "actor": "account ada",
        "address": "192.0.2.1",
        "act": "app.create",
        "target": "app 1 商店 😀",
        "details": {"name": "商店 😀"},
    }
    assert (token["actor"], token["address"], token["details"]) == ("operator", None, None)
    assert (failed["actor"], failed["address"]) == ("account bob", "2001:db8::1")


def test_pages_show_every_act_once_the_newest_first(node: Node) -> None:
    log = Audit(node.engine)
    for number in range(7):
        log.record(("ada", "bob")[number % 2], ("a.x", "a.y")[number > 4], str(number))
    found, before = [], None
    while True:
        page = log.page(AuditQuery(before=before, limit=3))
        found += [entry.target for entry in page.acts]
        if page.next_before is None:
            break
        before = page.next_before
        log.record("ada", "a.x", "later")
    assert found == ["6", "5", "4", "3", "2", "1", "0"]
    assert [act["target"] for act in acts_of(log, actor="bob")] == ["5", "3", "1"]
    assert [act["target"] for act in acts_of(log, act="a.y")] == ["6", "5"]
    assert [act["target"] for act in acts_of(log, act="a.y", actor="bob")] == ["5"]


def test_what_is_too_long_is_cut(node: Node) -> None:
    log = Audit(node.engine)
    log.record("商" * 300, "login.failed", "店" * 300, address="1" * 100)
    (act,) = acts_of(log)
    assert (act["actor"], act["target"], act["address"]) == ("商" * 255, "店" * 255, "1" * 64)


MYSQL_TRIGGERS = (
    (Path(__file__).parents[2] / "README.md")
    .read_text("utf-8")
    .partition("CREATE TRIGGER audit_")[2]
    .partition("```")[0]
)


def test_the_database_refuses_to_change_or_remove_an_act(node: Node) -> None:
    log = Audit(node.engine)
    log.record(OPERATOR, "app.create", "app 1")
    if node.engine.dialect.name != "sqlite":  # what the README tells its administrator to do
        with node.engine.begin() as connection:
            for statement in f"CREATE TRIGGER audit_{MYSQL_TRIGGERS}".strip().split(";\n"):
                connection.execute(text(statement.replace("redlog.audit", "audit").rstrip(";")))
    for statement in (update(audit).values(actor="nobody"), delete(audit)):
        with (
            pytest.raises(DBAPIError, match="appended only"),
            node.engine.begin() as connection,
        ):
            connection.execute(statement)
    assert [act["actor"] for act in acts_of(log)] == ["operator"]


def test_an_act_that_can_not_be_added_is_told_and_stands_in_the_servers_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from utils.log import set_up_log

    node = Node(tmp_path / "data")
    with node.engine.begin() as connection:
        connection.execute(text("DROP TABLE audit"))
    set_up_log("info")
    with pytest.raises(OperationalError):
        Audit(node.engine).record(ADA, "app.delete", "app 1", {"name": "shop"})
    node.close()
    written = capsys.readouterr().err
    assert "CRITICAL" in written
    for part in ("account ada", "192.0.2.1", "app.delete", "app 1", "shop"):
        assert part in written


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ([("limit", "0")], "Expected `int` >= 1 for `limit`"),
        ([("limit", "1001")], "Expected `int` <= 1000 for `limit`"),
        ([("before", "9223372036854775808")], "for `before`"),
        ([("before", "x")], "Expected `int | null`, got `str` for `before`"),
        ([("since", "1")], "unknown field `since`"),
        ([("limit", "1"), ("limit", "2")], "a parameter is given twice"),
    ],
)
def test_a_bad_parameter_is_named(given: list[tuple[str, str]], complaint: str) -> None:
    with pytest.raises(BadParameter, match=complaint.replace("|", r"\|")):
        read_parameters(given, AuditQuery)
