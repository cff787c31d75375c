"""The dashboard's facets: values at the side, each a filter."""

import time
from collections.abc import Iterator

import pytest
from dashboard_page import Open, Page, opened
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from started import Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]
HOSTILE = "<b>x</b>"


@pytest.fixture(scope="module")
def filled(server: Server) -> Server:
    """80 records: 50 of "net" (ten of them with status 502), 20 of "ui", 10 of hostile names."""
    now = time.time()
    loggers = ["net"] * 50 + ["ui"] * 20 + [HOSTILE] * 10
    records = [
        {"message": f"event {n}", "time": now - n, "logger": logger, "user_id": f"u-{n}"}
        for n, logger in enumerate(loggers)
    ]
    for record in records[:10]:
        record["attributes"] = {"http": {"status": 502}}
    server.report(records)
    wait_until(lambda: len(server.walk()) == 80, "the records")
    return server


@pytest.fixture
def page(filled: Server, chrome: Chrome) -> Iterator[Open]:
    with opened(chrome, filled) as go:
        yield go


def values_of(page: Page, field: str) -> dict[str, str]:
    """The values of a facet with their counts."""
    pairs = page.texts(f'[data-facet="{field}"] .pick')
    return dict(text.split("\n") for text in pairs)


def button(page: Page, field: str, value: str, kind: str = "pick") -> object:
    rows = page.chrome.find_elements(By.CSS_SELECTOR, f'[data-facet="{field}"] li')
    row = next(row for row in rows if row.text.startswith(value))
    ActionChains(page.chrome).move_to_element(row).perform()
    return row.find_element(By.CSS_SELECTOR, f".{kind}")


def has(page: Page, field: str, values: dict[str, str]) -> None:
    wait_until(lambda: values_of(page, field) == values, f"{field}: {values}")


def test_a_value_filters_for_and_out(page: Open) -> None:
    shown = page()
    has(shown, "logger", {"net": "50", "ui": "20", HOSTILE: "10"})
    button(shown, "logger", "net").click()
    shown.shows(50)
    assert shown.address()["q"] == "logger:net"
    has(shown, "logger", {"net": "50"})
    button(shown, "logger", "net").click()  # and no longer
    shown.shows(80)
    button(shown, "logger", "ui", "out").click()
    shown.shows(60)
    assert shown.address()["q"] == "-logger:ui"
    has(shown, "logger", {"net": "50", HOSTILE: "10"})
    chain = ActionChains(shown.chrome).key_down(Keys.ALT).click(button(shown, "logger", "net"))
    chain.key_up(Keys.ALT).perform()
    shown.shows(10)
    assert shown.address()["q"] == "-logger:ui -logger:net"


def test_counts_are_those_of_the_query_and_the_levels(page: Open) -> None:
    shown = page("?q=attr.http.status:502")
    has(shown, "logger", {"net": "10"})
    shown.ask("level:error")
    wait_until(lambda: "No record here has it." in shown.texts(".facet .hint"), "nothing")


def test_fields_are_added_folded_and_removed(page: Open) -> None:
    shown = page("?facets=logger")
    has(shown, "logger", {"net": "50", "ui": "20", HOSTILE: "10"})
    add = shown.one(".add-field input")
    add.send_keys("attr.http.status", Keys.ENTER)
    has(shown, "attr.http.status", {"502": "10"})
    assert shown.address()["facets"] == "attr.http.status,logger"
    add.send_keys("no such field", Keys.ENTER)
    assert "attr.<path>" in shown.text(".add-field .complaint")
    shown.one('[data-facet="logger"] .fold').click()
    wait_until(lambda: not values_of(shown, "logger"), "the folded field")
    assert shown.address()["facets"] == "attr.http.status,~logger"
    shown.one('[data-facet="attr.http.status"] .drop').click()
    shown.one('[data-facet="logger"] .drop').click()
    wait_until(lambda: not shown.texts("[data-facet]"), "none")
    assert shown.address()["facets"] == "none"


def test_more_values_are_there_on_request(page: Open) -> None:
    shown = page("?facets=user_id")
    wait_until(lambda: len(values_of(shown, "user_id")) == 8, "a few")
    shown.one(".facet .link").click()
    wait_until(lambda: len(values_of(shown, "user_id")) == 50, "many")


def test_they_go_away_and_stay_away(page: Open) -> None:
    shown = page()
    shown.one(".facet")
    shown.one(".facets-toggle").click()
    wait_until(lambda: not shown.texts(".facet"), "the list alone")
    shown.chrome.refresh()
    shown.one(".row")
    assert shown.one(".facets-toggle").get_attribute("aria-expanded") == "false"


def test_a_failure_is_told_and_can_be_tried_again(page: Open) -> None:
    shown = page("?facets=~logger")
    shown.expected.append("ERR_INTERNET_DISCONNECTED")
    shown.one(".row")
    shown.goes_offline()
    shown.one('[data-facet="logger"] .fold').click()
    assert "Not counted." in shown.text(".facet .hint")
    shown.comes_back()
    shown.one(".facet .hint .link").click()
    has(shown, "logger", {"net": "50", "ui": "20", HOSTILE: "10"})


def test_a_query_that_is_wrong_has_nothing_to_count(page: Open) -> None:
    shown = page("?q=(net")
    shown.expected.append("400 (BAD REQUEST)")
    shown.one("#query-fault")
    wait_until(lambda: len(shown.texts(".facet")) > 1, "the fields")
    assert not shown.texts(".facet .hint")
    shown.ask("logger:net")
    has(shown, "logger", {"net": "50"})


def test_a_phone_shows_them_on_request(page: Open) -> None:
    shown = page(width=390)
    shown.one(".row")
    assert not shown.texts(".facet")
    shown.one(".facets-toggle").click()
    button(shown, "logger", "net").click()
    shown.shows(50)
    assert shown.chrome.execute_script("return document.documentElement.scrollWidth") == 390
    shown.press(Keys.ESCAPE)
    wait_until(lambda: not shown.texts(".facet"), "the list alone")


def test_new_records_count_after_a_while(page: Open, filled: Server) -> None:
    shown = page("?q=late")
    wait_until(lambda: "No record here has it." in shown.texts(".facet .hint"), "nothing")
    filled.report([{"message": "late", "logger": "late"}] * 3)
    has(shown, "logger", {"late": "3"})


@pytest.mark.parametrize(
    ("search", "width"), [("?theme=light&q=logger:net", 1280), ("?theme=dark&lang=zh", 390)]
)
def test_axe_finds_nothing(page: Open, search: str, width: int) -> None:
    shown = page(search, width)
    shown.one(".histogram:not(.waiting)")
    if width < 700:
        shown.one(".facets-toggle").click()
    shown.one('[data-facet="logger"] .pick')
    assert shown.barriers() == "[]"
