"""The dashboard's columns: chosen fields beside time, level and message."""

import time
from collections.abc import Iterator

import pytest
from dashboard_page import Open, opened
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys
from started import Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]
HOSTILE = "<b>x</b>"


@pytest.fixture(scope="module")
def filled(server: Server) -> Server:
    """Two records."""
    now = time.time()
    error = {"message": "refused", "time": now - 1, "logger": HOSTILE, "user_id": "u-1"}
    error |= {"attributes": {"http": {"status": 502}}, "exception": {"type": "Boom"}}
    server.report([error, {"message": "fine", "time": now - 2, "logger": "net"}])
    wait_until(lambda: len(server.walk()) == 2, "the records")
    return server


@pytest.fixture
def page(filled: Server, chrome: Chrome) -> Iterator[Open]:
    with opened(chrome, filled) as go:
        yield go


def test_fields_become_columns_and_stand_in_the_address(page: Open) -> None:
    shown = page()
    shown.one(".row")
    assert not shown.texts(".head")
    shown.one(".columns-toggle").click()
    add = shown.one(".sheet .add-field input")
    for field in ("user_id", "attr.http.status", "exception.type"):
        add.send_keys(field, Keys.ENTER)
    fields = ["user_id", "attr.http.status", "exception.type"]
    wait_until(lambda: shown.texts(".head span") == ["Time", "Level", *fields, "Message"], "them")
    assert shown.texts(".row .column") == ["u-1", "502", "Boom", "", "", ""]
    assert shown.address()["columns"] == ",".join(fields)
    shown.chrome.find_elements("css selector", ".columns li button:not(.drop)")[2].click()
    moved = "user_id,exception.type,attr.http.status"
    wait_until(lambda: shown.address()["columns"] == moved, "the order")
    shown.one(".columns .drop").click()
    add.send_keys("no such field", Keys.ENTER)
    assert "attr.<path>" in shown.text(".columns .complaint")
    shown.press(Keys.ESCAPE)
    wait_until(lambda: not shown.texts(".sheet"), "the closed menu")
    assert shown.texts(".row .column") == ["Boom", "502", "", ""]


def test_an_address_shows_its_columns(page: Open) -> None:
    shown = page("?columns=logger,<b>,attr.http.status,attr.constructor.name,logger")
    values = [HOSTILE, "502", "", "net", "", ""]  # what every object inherits is no value of it
    wait_until(lambda: shown.texts(".row .column") == values, "the columns")
    heads = shown.chrome.find_elements("css selector", ".head span")
    cells = shown.chrome.find_elements("css selector", ".rows .row:first-child > span")
    assert [head.rect["x"] for head in heads] == [cell.rect["x"] for cell in cells]


def test_a_field_of_the_drawer_becomes_a_column(page: Open) -> None:
    shown = page("?q=refused")
    shown.one(".row").click()
    shown.one('[data-field="attr.http.status"] .value').click()
    shown.one(".as-column").click()
    wait_until(lambda: shown.texts(".row .column") == ["502"], "the column")
    shown.one('.as-column[aria-pressed="true"]').click()
    wait_until(lambda: not shown.texts(".row .column"), "the list without it")
    assert "columns" not in shown.address()


def test_a_phone_shows_them_before_the_message(page: Open) -> None:
    shown = page("?columns=user_id,attr.http.status", width=360)
    wait_until(lambda: shown.texts(".source")[:1] == [f"{HOSTILE} · u-1 · 502"], "the values")
    assert not shown.texts(".head")
    assert shown.chrome.execute_script("return document.documentElement.scrollWidth") == 360


def test_the_selected_row_is_not_below_the_head(page: Open, filled: Server) -> None:
    filled.report([{"message": f"many {n}"} for n in range(60)])
    shown = page("?columns=user_id&q=many")
    shown.shows(60)
    shown.press(*["j"] * 40)
    script = "return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()"

    def edge(css: str, side: str) -> float:
        return float(shown.chrome.execute_script(script, css)[side])

    selected = '.row[aria-selected="true"]'
    assert shown.one(f"{selected}[aria-rowindex='40']")
    wait_until(lambda: edge(selected, "bottom") <= edge(".list", "bottom") + 1, "the row")
    shown.press(*["k"] * 30)
    assert shown.one(f"{selected}[aria-rowindex='10']")
    wait_until(lambda: edge(selected, "top") >= edge(".head", "bottom") - 1, "the row")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(page: Open, theme: str) -> None:
    shown = page(f"?columns=user_id,attr.http.status&theme={theme}")
    shown.one(".row .column")
    shown.one(".columns-toggle").click()
    shown.one(".sheet .add-field input")
    assert shown.barriers() == "[]"
