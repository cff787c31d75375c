"""The dashboard's page of the server: whether it is well, and what it holds."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dashboard_page import Open, Page, opened
from selenium.webdriver import Chrome
from started import Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]


def admin_of(server: Server) -> str:
    return str(server.manage("token", "create", "--scope", "admin", "--json")["token"])


@pytest.fixture
def page(server: Server, chrome: Chrome) -> Iterator[Open]:
    with opened(chrome, server) as go:
        yield go


def rows(page: Page, label: str) -> dict[str, list[str]]:
    """The cells of a table by the first one of each row."""
    page.one(f'.table[aria-label="{label}"]')
    found = page.texts(f'.table[aria-label="{label}"] :is(tbody, tfoot) tr')
    return {cells[0]: cells[1:] for cells in (row.split("\t") for row in found)}


def test_a_server_that_is_well_says_so(page: Open, server: Server) -> None:
    shown = page("?page=server", token=admin_of(server))
    assert shown.text(".verdict .headline") == "All is well: reports are accepted and stored."
    assert "None yet" in str(shown.texts(".note"))
    server.report([{"message": "m"}] * 1200)
    wait_until(lambda: rows(shown, "Partitions")["All"][0] == "1,200", "the partition")
    (day,) = server.manage("partition", "list", "--json")
    name = f"{day['name'][:4]}-{day['name'][4:6]}-{day['name'][6:]}"
    assert rows(shown, "Partitions")[name][0] == "1,200"
    assert rows(shown, "Partitions")[name][2] == "sqlite"
    parts = rows(shown, "Server")
    assert parts["Writer"][0] == "stores"
    assert parts["Journal"][0].strip().endswith("wait") and "1 GiB" in parts["Journal"][1]
    assert "free" in parts["Disk"][0] and "128 MiB" in parts["Disk"][1]
    assert parts["Database"][0].startswith("sqlite 3.") and "as wanted" in parts["Database"][1]
    assert parts["Redis"][0] == "none is set up"
    assert parts["This node"] == ["role all", "2 workers (gthread)"]
    assert rows(shown, "Nodes")["local"][1] == "this one"


def test_one_that_is_not_says_why(make_server: Callable[..., Any], chrome: Chrome) -> None:
    settings = {"REDLOG_REDIS__URL": "redis://127.0.0.1:1/0"}
    server = make_server(REDLOG_JOURNAL__MIN_FREE_BYTES=str(2**60), **settings).start()
    with opened(chrome, server) as go:
        shown = go("?page=server", token=admin_of(server))
        wait_until(lambda: len(shown.texts(".verdict .complaint")) == 2, "both reasons")
        disk, redis = shown.texts(".verdict .complaint")
        assert disk.startswith("disk: ") and redis.startswith("redis: away since ")
        assert shown.text(".verdict.failing .headline") == "Something is wrong."
        assert rows(shown, "Server")["Redis"][0] == "away"
        assert shown.barriers() == "[]"


def test_it_is_for_admins(page: Open) -> None:
    shown = page("?page=server")  # a viewer's token; nothing is asked, and refused
    assert "for administrators" in shown.text(".leaf .note")
