"""The dashboard's page of counters: where the records went, in numbers that add up."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dashboard_page import Open, Page, opened
from selenium.webdriver import Chrome
from selenium.webdriver.support.ui import Select
from started import Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]
EQUATION = re.compile(r"([\d,]+) (\w+)")


@pytest.fixture(scope="module")
def counted(server: Server) -> Server:
    """A server whose second app was sent 2,508 records of every kind but shed ones."""
    second = server.manage("app", "create", "商店", "--json")
    server.run("app", "set", str(second["id"]), "min_level=info")
    good = [{"message": f"m {n}"} for n in range(1200)]
    bad = [{"message": 1}, {"message": 2}, {"level": "info"}, {"message": "m", "level": "loud"}]
    lesser = [{"message": "m", "level": "debug"}] * 50
    for _ in range(2):
        body = {"batch_id": "one", "logs": good + bad + lesser}
        assert server.report(body, key=second["ingest_key"]).status_code == 202
    losses = [{"reason": "network_error", "category": "error", "quantity": 3}]
    report = f'{{}}\n{{"type":"client_report"}}\n{json.dumps({"discarded_events": losses})}'
    url = f"{server.url}/k/{second['ingest_key']}/api/2/envelope/"
    assert server.http.post(url, data=report, timeout=60).status_code == 200
    wait_until(lambda: server.totals("商店").get("received") == 2508, "the counters")
    wait_until(lambda: server.totals("商店").get("lost:network_error") == 3, "what was lost")
    return server


@pytest.fixture
def page(counted: Server, chrome: Chrome) -> Iterator[Open]:
    with opened(chrome, counted) as go:
        yield go


def equation(page: Page) -> dict[str, int]:
    """The numbers of the sentence by what they count."""
    found = EQUATION.findall(str(page.text(".equation")))
    return {name: int(number.replace(",", "")) for number, name in found}


def table(page: Page) -> dict[str, list[str]]:
    """The cells of the table by what they are about."""
    page.one(".table tfoot")
    rows = page.texts(".table tbody tr") + page.texts(".table tfoot tr")
    return {cells[0].strip(): cells[1:] for cells in (row.split("\t") for row in rows)}


def test_the_numbers_add_up(page: Open) -> None:
    shown = page("?page=counters&app=2")
    expected = {"received": 2508, "stored": 1200, "duplicate": 1200, "filtered": 100}
    expected |= {"rejected": 8, "shed": 0, "pending": 0}
    wait_until(lambda: equation(shown) == expected, "the numbers")
    assert expected["received"] == sum(expected.values()) - expected["received"]
    cells = table(shown)
    assert {name: int(cells[name][0].replace(",", "")) for name in expected} == expected
    reasons = {name: cells[name][2] for name in cells if name not in expected}
    assert reasons == {
        "invalid_message": "4 of them",
        "missing_message": "2 of them",
        "invalid_level": "2 of them",
    }
    assert cells["stored"][1] == "47.8 %"
    assert shown.chrome.find_elements("css selector", ".banner") == []


def test_what_devices_lost_is_told_with_its_reason(page: Open) -> None:
    shown = page("?page=counters&app=2")
    told = "3 more were lost on the devices, which told so, and why: network_error 3"
    assert " ".join(str(shown.text(".lost")).split()) == told
    shown = page("?page=counters&app=1")
    wait_until(lambda: equation(shown), "the numbers")
    assert shown.chrome.find_elements("css selector", ".lost") == []


def test_the_chart_tells_when(page: Open) -> None:
    shown = page("?page=counters&app=2&range=1h&zone=utc")
    shown.one(".chart rect.stored")
    titles = "return [...document.querySelectorAll('.chart title')].map(each => each.textContent)"
    (said,) = shown.chrome.execute_script(titles)[:1]
    assert re.match(r"\d\d-\d\d \d\d:\d\d: stored [\d,]+", said)
    assert "1 min a column" in shown.text("figcaption")
    assert "at most" in shown.one(".chart svg").get_attribute("aria-label")


def test_app_and_range_stand_in_the_address(page: Open) -> None:
    shown = page("?page=counters")  # a viewer's
    wait_until(lambda: equation(shown)["received"] == 0, "the first app")
    Select(shown.one(".leaf select")).select_by_visible_text("商店")
    wait_until(lambda: equation(shown)["received"] == 2508, "the second app")
    assert shown.address() == {"page": "counters", "app": "2"}
    shown.one(".ranges button").click()
    assert shown.address() == {"page": "counters", "app": "2", "range": "15m"}
    shown = page("?page=counters&app=2&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z")
    wait_until(lambda: equation(shown)["received"] == 0, "an earlier range")
    shown = page("?page=counters&app=2&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z")
    assert "from must be before to" in shown.text(".banner")
    shown.expected.append("400 (BAD REQUEST)")


def test_new_numbers_come_by_themselves(page: Open, counted: Server) -> None:
    shown = page("?page=counters&app=1")
    wait_until(lambda: equation(shown)["received"] == 0, "nothing")
    counted.report([{"message": "m"}] * 5)
    wait_until(lambda: equation(shown)["stored"] == 5, "the records")


def test_what_waits_is_among_them(make_server: Callable[..., Any], chrome: Chrome) -> None:
    server = make_server(REDLOG_WRITER__ENABLED="false").start()
    assert server.report([{"message": "m"}] * 30).status_code == 202
    with opened(chrome, server) as go:
        shown = go("?page=counters")
        wait_until(lambda: equation(shown)["pending"] == 30, "the numbers")
        assert equation(shown)["received"] == 30
        assert table(shown)["received"][0] == "30"
