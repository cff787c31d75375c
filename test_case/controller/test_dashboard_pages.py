"""The dashboard's pages beside the records: the ways to them, who sees which, for everybody."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from dashboard_page import Open, Page, opened
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys
from started import ROOT, Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]
LIMITS = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


@pytest.fixture(scope="module")
def tokens(server: Server) -> dict[str, str]:
    """A token of each role."""
    app = str(server.app["id"])
    made = {
        "viewer": server.manage("token", "create", "--app", app, "--json"),
        "member": server.manage("token", "create", "--scope", "admin", "--app", app, "--json"),
        "admin": server.manage("token", "create", "--scope", "admin", "--name", "boss", "--json"),
    }
    server.report([{"message": "an event"}] * 3)
    wait_until(lambda: len(server.walk()) == 3, "the records")
    return {role: str(token["token"]) for role, token in made.items()}


@pytest.fixture
def page(server: Server, chrome: Chrome) -> Iterator[Open]:
    with opened(chrome, server) as go:
        yield go


def fetched(page: Page) -> list[str]:
    """The files of pages that were fetched since the page was opened."""
    script = "return performance.getEntriesByType('resource').map(each => each.name)"
    return [name for name in page.chrome.execute_script(script) if "/page/" in name]


def test_pages_are_parts_of_the_address_and_the_records_stay(
    page: Open, tokens: dict[str, str]
) -> None:
    shown = page("?q=event&app=1&range=1h", token=tokens["admin"])
    shown.shows(3)
    assert fetched(shown) == []
    assert shown.texts(".menu nav a") == ["Logs", "Apps", "Accounts", "Counters", "Server"]
    shown.one(".menu nav a:nth-child(2)").click()
    assert shown.text("h1") == "Apps"
    assert shown.address() == {"page": "apps", "app": "1", "range": "1h"}
    assert shown.chrome.title == "RedLog · Apps"
    assert any(name.endswith("/page/apps.js") for name in fetched(shown))
    shown.press("j", "p", "?", "/")  # keys of the records
    assert shown.address() == {"page": "apps", "app": "1", "range": "1h"}
    shown.one(".menu nav a:nth-child(1)").click()
    shown.shows(3)
    assert shown.address() == {"q": "event", "app": "1", "range": "1h"}
    shown.chrome.back()
    wait_until(lambda: shown.texts("h1") == ["Apps"], "the page again")
    shown.chrome.refresh()
    assert shown.text("h1") == "Apps"
    assert shown.text('.menu a[aria-current="page"]') == "Apps"


def test_each_role_sees_its_own_pages(page: Open, tokens: dict[str, str]) -> None:
    for role, pages in (
        ("viewer", ["Logs", "Counters"]),
        ("member", ["Logs", "Apps", "Counters"]),
        ("admin", ["Logs", "Apps", "Accounts", "Counters", "Server"]),
    ):
        shown = page("", token=tokens[role])
        shown.shows(3)
        assert shown.texts(".menu nav a") == pages
    assert shown.text(".who") == "token boss"
    for address in ("apps", "apps&id=1", "accounts", "accounts&id=1"):
        shown = page(f"?page={address}", token=tokens["viewer"])
        assert "administrator" in shown.text(".leaf .note")  # and nothing is asked, and refused
    shown = page("?page=nowhere", token=tokens["admin"])
    assert "no such page" in shown.text(".page .note")


def test_a_page_that_could_not_be_fetched_comes_by_itself(
    page: Open, tokens: dict[str, str]
) -> None:
    shown = page("", token=tokens["admin"])
    shown.shows(3)
    shown.chrome.execute_cdp_cmd("Network.enable", {})
    shown.chrome.execute_cdp_cmd("Network.emulateNetworkConditions", LIMITS | {"offline": True})
    shown.one(".menu nav a:nth-child(2)").click()
    assert "does not answer" in shown.text('.page [role="alert"]')
    shown.chrome.execute_cdp_cmd("Network.emulateNetworkConditions", LIMITS | {"offline": False})
    assert shown.text("h1") == "Apps"
    shown.expected.append("ERR_INTERNET_DISCONNECTED")


def test_an_answer_that_failed_is_asked_for_again(page: Open, tokens: dict[str, str]) -> None:
    shown = page("?page=apps", token=tokens["admin"])
    shown.one(".table")
    shown.chrome.execute_cdp_cmd("Network.enable", {})
    shown.chrome.execute_cdp_cmd("Network.emulateNetworkConditions", LIMITS | {"offline": True})
    shown.one(".table tbody a").click()
    assert "does not answer" in shown.text('.banner[role="alert"]')
    shown.chrome.execute_cdp_cmd("Network.emulateNetworkConditions", LIMITS | {"offline": False})
    assert "X-Redlog-Key" in shown.text("pre")
    shown.expected.append("ERR_INTERNET_DISCONNECTED")


def test_on_a_phone_the_pages_are_behind_a_button(page: Open, tokens: dict[str, str]) -> None:
    shown = page("", width=390, token=tokens["admin"])
    shown.shows(3)
    menu = shown.one("#menu")
    assert not menu.is_displayed()
    shown.one(".menu-button").click()
    assert menu.is_displayed()
    assert shown.barriers() == "[]"
    shown.one(".menu nav a:nth-child(2)").click()
    assert shown.text("h1") == "Apps"
    assert not menu.is_displayed()


class Silent(SimpleHTTPRequestHandler):
    """Files of a folder, with nothing said."""

    def log_message(self, *_: Any) -> None:
        """Be silent."""


def test_pages_work_from_another_origin(
    server: Server, chrome: Chrome, tokens: dict[str, str]
) -> None:
    handler = partial(Silent, directory=str(ROOT / "resource" / "dashboard"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        chrome.get(f"http://127.0.0.1:{http.server_port}/?api={server.url}&page=apps&id=1")
        page = Page(chrome)
        page.one("input[name=token]").send_keys(tokens["admin"], Keys.ENTER)
        assert f"curl {server.url}/api/v1/logs" in page.text("pre")
        assert page.address() == {"page": "apps", "id": "1", "api": server.url}
        chrome.get(f"{server.url}/healthz")
        chrome.execute_script("sessionStorage.clear()")
        chrome.delete_all_cookies()
        chrome.get(f"{server.url}/?api=javascript:alert(1)//")
        page.one("input[name=name]")  # that is no server: the page's own one is asked
        chrome.get("about:blank")
        http.shutdown()
    chrome.get_log("browser")


ADDRESSES = [
    *("apps", "apps&id=1", "apps&id=1&part=keys", "apps&id=1&part=settings"),
    *("apps&id=1&part=scrubbing", "accounts", "accounts&id=1", "accounts&part=invitations"),
    *("accounts&part=tokens", "accounts&part=audit", "account", "register"),
    *("counters", "counters&range=15m", "server"),
]
# Names of texts that are shown because there is no such text; data stands in cells.
UNTRANSLATED = """
    const leaves = [...document.querySelectorAll("body *")].filter(each => !each.children.length);
    const named = leaves.filter(each => !each.matches("td, tbody th, code, pre"));
    const texts = named.map(each => each.textContent);
    return texts.filter(text => /^[a-z-]+(\\.[a-z_-]+)+$/.test(text));
"""
WIDTHS = "return [document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]"


@pytest.mark.parametrize("address", ADDRESSES)
def test_everybody_can_use_it(page: Open, tokens: dict[str, str], address: str) -> None:
    """Both languages and themes, desk and phone; axe finds nothing, nothing stands at the side."""
    for language, theme, width in (("en", "dark", 390), ("zh", "light", 1280)):
        search = f"?page={address}&lang={language}&theme={theme}"
        shown = page(search, width=width, token=tokens["admin"])
        shown.one("h1")
        wait_until(lambda shown=shown: not shown.texts(".waiting"), "the answers")
        assert shown.barriers() == "[]"
        assert shown.chrome.execute_script(WIDTHS) == [width] * 3
        assert shown.chrome.execute_script(UNTRANSLATED) == []
