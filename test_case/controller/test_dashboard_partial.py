"""The dashboard when a query's time is up before all is searched."""

import time
from collections.abc import Iterator

import pytest
from dashboard_page import Open, Page, opened
from selenium.webdriver import Chrome
from started import Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]
RECORDS = 20_000
HOURS = 20


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose queries have a millisecond, with records over 20 hours, one of them rare."""
    folder = tmp_path_factory.mktemp("hurried")
    settings = {"REDLOG_QUERY__TIMEOUT_MS": "1"}
    server = Server(folder / "data", folder / "server.log", settings).start()
    step = HOURS * 3600 / RECORDS
    now = time.time()
    records = [{"message": f"event {n}", "time": now - 60 - n * step} for n in range(RECORDS)]
    records[RECORDS * 3 // 4] |= {"message": "rare", "level": "error"}
    for begin in range(0, RECORDS, 5000):
        server.report(records[begin : begin + 5000])
    server.wait_drained()
    yield server
    server.kill()


@pytest.fixture
def page(filled: Server, chrome: Chrome) -> Iterator[Open]:
    with opened(chrome, filled) as go:
        yield go


def share(page: Page) -> int:
    return int(page.one(".progress").get_attribute("aria-valuenow"))


def test_it_says_how_far_it_came_and_goes_on_until_something_is_found(page: Open) -> None:
    shown = page("?q=rare")
    assert shown.text(".searched").startswith("Searched back to ")
    begun = share(shown)
    assert begun < 100 and not shown.texts(".row")
    assert "≥" in shown.text(".sum")
    shown.one(".go-on").click()
    shown.one(".row.error")
    assert begun < share(shown) < 100
    shown.one(".go-on").click()  # to the end: there is no other one
    wait_until(lambda: shown.texts(".note") == ["No older records in this range."], "the end")
    assert len(shown.texts(".row")) == 1


def test_it_stops_when_told_to(page: Open) -> None:
    shown = page("?q=nowhere")
    shown.one(".go-on").click()
    begun = share(shown)
    wait_until(lambda: share(shown) > begun, "the progress")
    shown.one(".stop").click()
    shown.one(".go-on")
    stopped = share(shown)
    time.sleep(0.5)
    assert share(shown) == stopped < 100
    shown.ask("rare")  # and with another question all begins anew
    wait_until(lambda: shown.texts(".searched") and share(shown) < stopped, "another search")


@pytest.mark.parametrize("search", ["&theme=light", "&theme=dark&lang=zh"])
def test_axe_finds_nothing(page: Open, search: str) -> None:
    shown = page(f"?q=rare{search}", width=390)
    shown.one(".progress")
    shown.one(".histogram:not(.waiting)")
    assert shown.barriers() == "[]"
