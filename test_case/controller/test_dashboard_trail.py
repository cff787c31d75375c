"""What stands beside a record in the dashboard: its session with the gaps, and what was around."""

import time
from collections.abc import Iterator

import pytest
from dashboard_page import Open, Page, opened
from selenium.webdriver import Chrome
from started import Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]
HOSTILE = "<b>x</b>"
SEQS = [1, 2, 3, 7, 8, 10]


@pytest.fixture(scope="module")
def filled(server: Server) -> Server:
    """A session of which 4 to 6 and 9 never arrived, another one before it on the same device,
    records without either between them, and a long session.
    """
    now = time.time() - 600
    midnight = time.mktime((*time.localtime()[:3], 0, 0, 0, 0, 0, -1))
    if now - 9000 < midnight:  # all on one day, whose name stands above it
        now = midnight - 600
    own = {"session_id": HOSTILE, "device_id": "d-1"}
    records = [{**own, "message": f"tap {n}", "seq": n, "time": now + n} for n in SEQS]
    records[3] |= {"message": "支付失败 payment failed", "level": "error"}
    earlier = {"session_id": "first", "device_id": "d-1", "message": "begin", "seq": 1}
    others = [{"message": f"other {n}", "time": now + n + 0.5} for n in SEQS]
    many = [{"session_id": "long", "message": f"step {n}", "seq": n} for n in range(1500)]
    long = [record | {"time": now - 9000 + 5 * n} for n, record in enumerate(many)]
    server.report([{**earlier, "time": now - 60}, *records, *others, *long])
    wait_until(lambda: len(server.walk()) == 1513, "the records")
    return server


@pytest.fixture
def page(filled: Server, chrome: Chrome) -> Iterator[Open]:
    with opened(chrome, filled) as go:
        yield go


def trail(page: Page) -> list[str]:
    """The rows: messages, and what stands between them."""
    script = """return [...document.querySelectorAll(".trail li")].map(
        (row) => (row.querySelector(".what") ?? row).textContent)"""
    return list(page.chrome.execute_script(script))


def shows(page: Page, rows: list[str]) -> None:
    wait_until(lambda: trail(page) == rows, f"{rows}; there are {trail(page)}")


def day_of(page: Page) -> str:
    return str(page.texts(".row .day")[0])


def open_failure(page: Page) -> None:
    page.one(".row.error").click()
    page.one(".drawer .whole-message")


WHOLE = ["tap 1", "tap 2", "tap 3", "3 never arrived: 4 to 6", "支付失败 payment failed", "tap 8"]


def test_a_session_is_shown_with_what_never_arrived(page: Open) -> None:
    shown = page("?q=payment")
    open_failure(shown)
    shown.one("[data-tab=timeline]").click()
    rows = [day_of(shown), *WHOLE, "1 never arrived: 9", "tap 10"]
    shows(shown, rows)
    assert "4 never arrived" in shown.text(".trail .hint")
    wait_until(lambda: "payment failed" in shown.text(".trail .here .what"), "the open one")
    assert shown.address()["tab"] == "timeline"
    shown.chrome.refresh()
    shows(shown, rows)
    shown.chrome.find_elements("css selector", ".trail li button")[0].click()
    wait_until(lambda: shown.texts(".whole-message") == ["tap 1"], "its fields")


def test_a_device_is_shown_session_by_session(page: Open) -> None:
    shown = page("?q=payment&of=device")
    open_failure(shown)
    shown.one("[data-tab=timeline]").click()
    shows(shown, [day_of(shown), "first", "begin", HOSTILE, *WHOLE, "1 never arrived: 9", "tap 10"])


def test_what_was_around_of_the_same_session_device_or_app(page: Open) -> None:
    shown = page("?q=payment")
    open_failure(shown)
    shown.one("[data-tab=around]").click()
    day = day_of(shown)
    session = ["tap 1", "tap 2", "tap 3", "支付失败 payment failed", "tap 8", "tap 10"]
    shows(shown, [day, *session])
    shown.chrome.find_elements("css selector", ".kinds button")[1].click()
    shows(shown, [day, "begin", *session])
    shown.chrome.find_elements("css selector", ".kinds button")[2].click()
    others = [f"other {n}" for n in SEQS]
    mixed = [each for pair in zip(session, others, strict=True) for each in pair]
    shows(shown, [day, *(f"step {n}" for n in range(1497, 1500)), "begin", *mixed])
    assert shown.address()["of"] == "app"


def test_more_of_it_is_there_on_request(page: Open) -> None:
    shown = page('?q="step 700"')
    shown.one(".row").click()
    shown.one("[data-tab=around]").click()
    day = day_of(shown)
    shows(shown, [day, *(f"step {n}" for n in range(690, 711))])
    shown.one(".later").click()
    shows(shown, [day, *(f"step {n}" for n in range(690, 751))])
    shown.one(".earlier").click()
    shows(shown, [day, *(f"step {n}" for n in range(650, 751))])


def test_a_long_session_begins_an_hour_before_the_record(page: Open) -> None:
    shown = page('?q="step 1400"&tab=timeline')
    shown.one(".row").click()
    wait_until(lambda: "step 1400" in shown.texts(".here .what"), "the record")
    assert trail(shown)[1:] == [f"step {n}" for n in range(680, 1500)]
    shown.one(".earlier").click()
    wait_until(lambda: trail(shown)[1:2] == ["step 0"], "all of it")
    assert len(trail(shown)) == 1001
    shown.one(".later").click()
    wait_until(lambda: len(trail(shown)) == 1501, "the rest")


def test_a_record_of_no_session_has_no_timeline(page: Open) -> None:
    shown = page('?q="other 1"&tab=timeline')
    shown.one(".row").click()
    shown.one(".drawer .whole-message")
    assert not shown.texts("[data-tab=timeline]")


@pytest.mark.parametrize("search", ["?q=payment&theme=light", "?q=payment&theme=dark&lang=zh"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(page: Open, search: str, width: int) -> None:
    shown = page(f"{search}&tab=timeline", width)
    shown.one(".row.error").click()
    shown.one(".trail .gap")
    shown.one(".histogram:not(.waiting)")
    assert shown.barriers() == "[]"
    assert shown.chrome.execute_script("return document.documentElement.scrollWidth") == width
