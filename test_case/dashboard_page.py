"""The dashboard as somebody sees it, in a real Chromium."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from started import ROOT, Server, wait_until

AXE = """
    const done = arguments[arguments.length - 1];
    axe.run().then(found => done(found.violations.map(each => [
        each.id, each.nodes.map(node => node.html.slice(0, 200) + ' ' + node.failureSummary),
    ])));
"""
Open = Callable[..., "Page"]


class Page:
    """The dashboard as somebody sees it."""

    def __init__(self, chrome: Chrome) -> None:
        self.chrome = chrome
        self.expected: list[str] = []  # what the console may say

    def one(self, css: str) -> Any:
        """The element, as soon as there is one."""
        return wait_until(lambda: self.chrome.find_elements(By.CSS_SELECTOR, css), css)[0]

    def text(self, css: str) -> Any:
        """The text of the first such element, as soon as there is one."""
        return wait_until(lambda: self.texts(css), css)[0]

    def texts(self, css: str) -> list[str]:
        script = "return [...document.querySelectorAll(arguments[0])].map(each => each.innerText)"
        return list(self.chrome.execute_script(script, css))

    def press(self, *keys: str) -> None:
        ActionChains(self.chrome).send_keys(*keys).perform()

    def ask(self, query: str) -> None:
        """Write a query and send it."""
        self.press("/")
        select_all = ActionChains(self.chrome).key_down(Keys.CONTROL).send_keys("a")
        select_all.key_up(Keys.CONTROL).send_keys(query, Keys.ENTER).perform()

    def address(self) -> dict[str, str]:
        """The parameters of the address."""
        query = parse_qs(urlsplit(self.chrome.current_url).query)
        return {name: values[0] for name, values in query.items()}

    def shows(self, count: int) -> None:
        """Wait until so many rows are loaded and no request is under way."""
        css = f'.loaded[data-loaded="{count}"]'
        self.one(css)
        self.one('.list[aria-busy="false"]')

    def goes_offline(self, is_away: bool = True) -> None:
        """Let no request through."""
        network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.chrome.execute_cdp_cmd("Network.enable", {})
        conditions = network | {"offline": is_away}
        self.chrome.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)

    def comes_back(self) -> None:
        self.goes_offline(False)

    def barriers(self) -> str:
        """What axe finds that some can't use: "[]" for nothing."""
        script = (ROOT / "test_case" / "data" / "axe.min.js").read_text("utf-8")
        self.chrome.execute_script(script)
        return json.dumps(self.chrome.execute_async_script(AXE), indent=1)


@contextmanager
def opened(chrome: Chrome, server: Server) -> Iterator[Open]:
    """Opens the dashboard, signed in by a token; at the end the console must be clean."""
    page = Page(chrome)

    def go(search: str = "", width: int = 1280, token: str = "") -> Page:
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 700}
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        chrome.get(server.url)
        page.one(".door, .list")  # whoever it finds signed in, it has found by now
        chrome.execute_script("localStorage.clear(); sessionStorage.clear()")
        script = "sessionStorage.setItem('redlog.token ', arguments[0])"
        chrome.execute_script(script, token or server.token)
        chrome.get(f"{server.url}/{search}")
        return page

    chrome.get_log("browser")
    yield go
    said = [line["message"] for line in chrome.get_log("browser")]
    page.expected += ["/api/v1/me - Failed", "/api/v1/refresh - Failed"]  # nobody was signed in
    assert [line for line in said if not any(text in line for text in page.expected)] == []
