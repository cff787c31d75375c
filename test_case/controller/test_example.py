"""The example dashboard in a real Chromium, from an origin of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from chromium import open_chromium
from conftest import StartServer
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from started import ROOT, Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'


class Silent(SimpleHTTPRequestHandler):
    """Files of a folder, with nothing said."""

    def log_message(self, *_: Any) -> None:
        """Be silent."""


@contextmanager
def served() -> Iterator[str]:
    """The example on a port of its own, as by `python -m http.server`; its origin."""
    handler = partial(Silent, directory=str(ROOT / "examples" / "dashboard"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with open_chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


def texts(chrome: Chrome, css: str) -> list[str]:
    script = "return [...document.querySelectorAll(arguments[0])].map(each => each.innerText)"
    return list(chrome.execute_script(script, css))


def sign_in(chrome: Chrome, server: Server, token: str, query: str = "") -> None:
    for name, value in (("server", server.url), ("token", token), ("q", query)):
        field = chrome.find_element(By.NAME, name)
        field.clear()
        field.send_keys(value)
    chrome.find_element(By.NAME, "q").send_keys(Keys.ENTER)


def status(chrome: Chrome, text: str) -> None:
    wait_until(lambda: text in texts(chrome, "[role=status]")[0], text)


def newest(chrome: Chrome, *messages: str) -> None:
    """Wait until these messages stand on top."""

    def is_so() -> bool:
        rows = texts(chrome, "li")[: len(messages)]
        return len(rows) == len(messages) and all(
            row.endswith(message) for row, message in zip(rows, messages, strict=True)
        )

    wait_until(is_so, f"{messages}, not {texts(chrome, 'li')}")


def test_another_origin_shows_the_newest_and_what_comes(
    make_server: StartServer, chrome: Chrome
) -> None:
    with served() as origin, served() as stranger:
        server = make_server(REDLOG_CORS__DASHBOARD_ORIGINS=origin).start()
        server.report([{"message": f"old {n}"} for n in range(3)])
        wait_until(lambda: len(server.query()) == 3, "the records")
        chrome.get(f"{origin}/?lang=en")
        sign_in(chrome, server, "wrong")
        status(chrome, "access token")
        sign_in(chrome, server, server.token)
        status(chrome, "Live")
        newest(chrome, "old 2", "old 1", "old 0")
        server.report({"message": HOSTILE, "level": "error"})
        newest(chrome, HOSTILE, "old 2")
        assert texts(chrome, "li.error") == texts(chrome, "li")[:1]
        assert chrome.title == "RedLog: the newest records"

        chrome.get(f"{origin}/?lang=zh")  # in the same tab one stays signed in
        status(chrome, "实时")
        assert texts(chrome, "button") == ["显示"]
        newest(chrome, HOSTILE, "old 2")
        sign_in(chrome, server, server.token, "支付")
        newest(chrome)
        status(chrome, "实时")
        server.report([{"message": "other"}, {"message": "支付失败"}])
        newest(chrome, "支付失败")
        assert len(texts(chrome, "li")) == 1

        chrome.get(f"{stranger}/?lang=en")
        sign_in(chrome, server, server.token)
        status(chrome, "Trying again: ")
        assert texts(chrome, "li") == []
        chrome.get("about:blank")


def test_it_goes_on_when_the_server_does(make_server: StartServer, chrome: Chrome) -> None:
    server = make_server().start()
    with served() as origin:
        chrome.get(f"{origin}/?lang=en")
        sign_in(chrome, server, server.token)
        status(chrome, "Live")
        server.report({"message": "before"})
        newest(chrome, "before")
        server.kill()
        status(chrome, "Trying again: ")
        server.start()
        server.report({"message": "after"})
        newest(chrome, "after", "before")
        status(chrome, "Live")
        chrome.get("about:blank")


def test_without_a_free_stream_it_asks_now_and_then(
    make_server: StartServer, chrome: Chrome
) -> None:
    server = make_server(REDLOG_QUERY__STREAMS="0").start()
    server.report({"message": "first"})
    with served() as origin:
        chrome.get(f"{origin}/?lang=en")
        sign_in(chrome, server, server.token)
        status(chrome, "every 5 seconds")
        newest(chrome, "first")
        server.report({"message": "second"})
        newest(chrome, "second", "first")
        chrome.get("about:blank")
