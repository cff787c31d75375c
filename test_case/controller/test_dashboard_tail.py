"""The dashboard's live tail: records that come by a stream, and by asking where there is none."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dashboard_page import Open, Page, opened
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys
from started import Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]
LIST_REQUESTS = """return performance.getEntriesByType("resource").filter(
    ({ name }) => name.includes("/api/v1/logs?")).length"""


@pytest.fixture(scope="module")
def filled(server: Server) -> Server:
    """A server with 300 records of the last five minutes."""
    now = time.time()
    server.report([{"message": f"event {n}", "time": now - n} for n in range(300)])
    wait_until(lambda: len(server.walk()) == 300, "the records")
    return server


@pytest.fixture
def page(filled: Server, chrome: Chrome) -> Iterator[Open]:
    with opened(chrome, filled) as go:
        yield go


def report(server: Server, message: str, **fields: Any) -> None:
    server.report([{"message": message, **fields}])


def tails(page: Page) -> None:
    """Wait until the stream is open and what came before it is there."""
    page.one('.live[data-tailing="true"]')
    page.one('.list[aria-busy="false"]')


def messages(page: Page) -> list[str]:
    return [text.strip() for text in page.texts(".row .message")]


def test_records_come_by_themselves_and_in_order(page: Open, filled: Server) -> None:
    shown = page("?q=news OR late")
    tails(shown)
    wait_until(lambda: shown.texts(".empty"), "the empty list")
    asked = shown.chrome.execute_script(LIST_REQUESTS)
    report(filled, "news 1")
    report(filled, "another thing")
    wait_until(lambda: messages(shown) == ["news 1"], "the first")
    report(filled, "news 2")
    wait_until(lambda: messages(shown) == ["news 2", "news 1"], "the second above it")
    report(filled, "late", time=time.time() - 3600)
    wait_until(lambda: messages(shown) == ["news 2", "news 1", "late"], "the late one below")
    report(filled, "too late", time=time.time() - 48 * 3600)
    report(filled, "news 3")
    wait_until(lambda: messages(shown)[0] == "news 3", "the next")
    assert messages(shown) == ["news 3", "news 2", "news 1", "late"]
    assert shown.chrome.execute_script(LIST_REQUESTS) == asked  # all of it by the stream
    wait_until(lambda: "/s" in shown.text(".live"), "how many a second")


def test_a_key_pauses_and_resumes_it(page: Open, filled: Server) -> None:
    shown = page("?q=paused")
    tails(shown)
    shown.press("t")
    assert "Paused" in shown.text(".live")
    assert shown.address()["live"] == "off"
    report(filled, "while paused")
    wait_until(lambda: filled.query(q="paused"), "the stored record")
    assert not messages(shown)
    shown.press("t")
    wait_until(lambda: messages(shown) == ["while paused"], "what came meanwhile")
    report(filled, "no longer paused")
    wait_until(lambda: messages(shown)[0] == "no longer paused", "the next")


def test_what_is_read_stays_where_it_is(page: Open, filled: Server) -> None:
    shown = page("?q=event OR above")
    tails(shown)
    shown.chrome.execute_script("document.querySelector('.list').scrollTop = 26 * 100")
    seen = "return document.elementFromPoint(600, 500).closest('.row')?.querySelector('.message')"
    wait_until(lambda: shown.chrome.execute_script(f"return Boolean({seen[7:]})"), "the rows")
    first = shown.chrome.execute_script(f"{seen}.innerText")
    filled.report([{"message": f"above {n}"} for n in range(70)])
    wait_until(lambda: int(shown.one(".loaded").get_attribute("data-loaded")) >= 370, "them")
    assert shown.chrome.execute_script(f"{seen}.innerText") == first


def test_whoever_signed_in_by_name_follows_too(filled: Server, chrome: Chrome) -> None:
    made = filled.manage("account", "create", "follower", "--role", "admin", "--json")
    chrome.get(f"{filled.url}/")
    chrome.execute_script("localStorage.clear(); sessionStorage.clear()")
    chrome.get(f"{filled.url}/?q=signed")
    page = Page(chrome)
    page.one("input[name=name]").send_keys("follower")
    page.one("input[name=password]").send_keys(made["password"], Keys.ENTER)
    page.one("input[name=old]").send_keys(made["password"])
    for name in ("fresh", "again"):
        page.one(f"input[name={name}]").send_keys("a passphrase of my own")
    page.press(Keys.ENTER)
    tails(page)
    report(filled, "signed in")
    wait_until(lambda: messages(page) == ["signed in"], "the record")
    chrome.delete_all_cookies()
    chrome.get_log("browser")


def test_it_goes_on_after_a_restart(page: Open, filled: Server) -> None:
    shown = page("?q=around")
    shown.expected += ["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED", "ERR_CONNECTION_RESET"]
    tails(shown)
    report(filled, "around 1")
    wait_until(lambda: messages(shown) == ["around 1"], "the first")
    filled.stop()
    filled.start()
    report(filled, "around 2")
    wait_until(lambda: messages(shown) == ["around 2", "around 1"], "the second")
    tails(shown)
    report(filled, "around 3")
    wait_until(lambda: messages(shown) == ["around 3", "around 2", "around 1"], "the third")


def test_where_there_is_no_stream_the_list_is_asked(tmp_path: Path, chrome: Chrome) -> None:
    settings = {"REDLOG_QUERY__STREAMS": "0"}
    server = Server(tmp_path / "data", tmp_path / "server.log", settings).start()
    with opened(chrome, server) as go:
        shown = go()
        shown.expected.append("503 (SERVICE UNAVAILABLE)")
        shown.one(".empty")
        report(server, "without a stream")
        wait_until(lambda: messages(shown) == ["without a stream"], "the record")
        assert shown.one(".live").get_attribute("data-tailing") == "false"
        assert "5 seconds" in shown.one(".live").get_attribute("title")
    server.kill()


GAP = """
    const fetchIt = window.fetch;
    const said = 'retry: 60000\\nid: x\\n\\nevent: gap\\nid: y\\ndata: {"records": 1234}\\n\\n';
    window.fetch = (url, options) =>
        String(url).includes("/tail") ? Promise.resolve(new Response(said)) : fetchIt(url, options);
"""


def test_what_was_left_out_is_told(page: Open) -> None:
    shown = page("?live=off")
    shown.one(".row")
    shown.chrome.execute_script(GAP)
    shown.press("t")
    assert shown.text(".missed") == "1,234 missed"
    shown.press("t")
    shown.one(".missed").click()
    wait_until(lambda: shown.one('.list[aria-busy="false"]'), "the list anew")
