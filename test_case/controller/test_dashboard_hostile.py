"""Whatever is reported, and whatever things are called: the dashboard shows it as text.

Also where no policy of the server would stop a script: the folder on another host.
"""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from dashboard_page import Page
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from started import ROOT, Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]
HOSTILE = '"><img src=x onerror="window.__pwned=1"><svg onload=alert(1)>'
LONG = HOSTILE + (
    "</title><script>window.__pwned=2</script><a href='javascript:alert(2)'>${alert(3)}</a>"
)
TEXTS = ("logger", "environment", "release", "platform", "device_id", "session_id", "user_id",
         "trace_id", "span_id")  # fmt: skip
OPEN_ALL = "document.querySelectorAll('.drawer .value').forEach(each => each.click())"
FILTER = "document.querySelector('[data-field=user_id] .for').click()"
MARKUP = "#app :is(img, script, iframe, [onload], [onerror]), title *, a[href^='javascript:']"
FRAME = {"function": LONG, "filename": LONG, "lineno": 1, "colno": 1, "context_line": LONG}


@pytest.fixture(scope="module")
def token(server: Server) -> str:
    """A server with two records, an app and a saved search that are hostile; its token, too."""
    made = server.manage("token", "create", "--scope", "admin", "--name", HOSTILE, "--json")
    hostile = server.manage("app", "create", HOSTILE, "--json")
    record: dict[str, Any] = dict.fromkeys(TEXTS, HOSTILE)
    record |= {"message": LONG, "level": "error", "attributes": {LONG: LONG}}
    record["attributes"]["deep"] = [{LONG: LONG}]
    record |= {"exception": {"type": LONG, "value": LONG, "stacktrace": [FRAME]}}
    text = {**record, "exception": {"type": HOSTILE, "value": LONG, "stacktrace": LONG}}
    assert server.report([record, text], key=hostile["ingest_key"]).status_code == 202
    wait_until(lambda: len(server.query()) == 2, "the records")
    search = {"app": hostile["id"], "name": LONG[:128], "query": {"q": f'"{HOSTILE[2:9]}"'}}
    headers = {"Authorization": f"Bearer {made['token']}"}
    url = f"{server.url}/api/v1/searches"
    assert requests.post(url, json=search, headers=headers, timeout=60).status_code == 201
    return str(made["token"])


class Silent(SimpleHTTPRequestHandler):
    """Files of a folder, without a policy and with nothing said."""

    def log_message(self, *_: Any) -> None:
        """Be silent."""


@pytest.fixture(scope="module", params=["own", "another"])
def address(request: pytest.FixtureRequest, server: Server) -> Iterator[str]:
    """Where the dashboard is opened: `address?…`, at its own server or at another one."""
    if request.param == "own":
        yield f"{server.url}/?"
        return
    handler = partial(Silent, directory=str(ROOT / "resource" / "dashboard"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}/?api={server.url}&"
        http.shutdown()


@pytest.fixture
def page(server: Server, token: str, address: str, chrome: Chrome) -> Page:
    """The dashboard, signed in and opened."""
    base = server.url if "api=" in address else ""
    chrome.get(address.partition("?")[0] + ("icon.svg" if base else "healthz"))
    script = "sessionStorage.setItem('redlog.token ' + arguments[0], arguments[1])"
    chrome.execute_script(script, base, token)
    chrome.get(f"{address}lang=en")
    return Page(chrome)


def assert_nothing_ran(page: Page) -> None:
    """No script ran, none was tried, and no markup came of any text; an alert would raise here."""
    assert page.chrome.execute_script("return window.__pwned") is None
    script = "return [...document.querySelectorAll(arguments[0])].map(each => each.outerHTML)"
    assert page.chrome.execute_script(script, MARKUP) == []
    assert page.chrome.title.startswith("RedLog")
    blocked = [line["message"] for line in page.chrome.get_log("browser")]
    assert [line for line in blocked if "Content Security Policy" in line] == []


def test_every_field_of_a_record_is_text(page: Page) -> None:
    rows = wait_until(lambda: page.texts(".row"), "the records")
    assert all(LONG in row and HOSTILE in row for row in rows)
    for index in range(2):
        page.chrome.find_elements(By.CSS_SELECTOR, ".row")[index].click()
        wait_until(lambda: page.texts(".whole-message") == [LONG], "the record")
        assert LONG in page.text(".exception")
        assert LONG in page.text(".stack")
        shown = page.texts(".drawer .value")
        assert [shown.count(LONG), shown.count(HOSTILE)] == [2, len(TEXTS) + 1]  # and the app
        assert LONG in page.texts(".field dt")
        page.chrome.execute_script(OPEN_ALL)
        page.one('[data-field="user_id"] .for')
        page.chrome.execute_script(FILTER)
        wait_until(lambda: "user_id" in page.address().get("q", ""), "the filter")
        page.shows(2)
        assert_nothing_ran(page)
        page.one(".clear").click()
        page.shows(2)


def test_names_of_apps_searches_and_tokens_are_text(page: Page) -> None:
    page.one(".row")
    assert HOSTILE in page.texts(".apps option")
    page.one(".searches .switch").click()
    saved = page.one(".saved")
    assert page.text(".saved b") == LONG[:128] and page.text(".saved i") == HOSTILE
    assert HOSTILE in saved.get_attribute("title")
    assert HOSTILE in page.texts(".searches option")
    page.one(".searches li > button:nth-child(3)").click()
    assert LONG[:128] in page.text(".sure")
    assert_nothing_ran(page)


def test_nobody_is_called_like_that(server: Server, token: str) -> None:
    """Names of accounts hold no signs of markup."""
    headers = {"Authorization": f"Bearer {token}"}
    body = {"name": HOSTILE, "role": "viewer"}
    url = f"{server.url}/api/v1/accounts"
    answer = requests.post(url, json=body, headers=headers, timeout=60)
    assert (answer.status_code, answer.json()["field"]) == (400, "name")


def open_at(page: Page, address: str, asked: dict[str, str]) -> None:
    """Open an address and wait until it shows something."""
    page.chrome.get(f"{address}{urlencode(asked)}")
    page.one(".list, main.page h1, main.page .note[role=alert], .door")


def test_the_ways_around_a_record_are_text(page: Page, server: Server, address: str) -> None:
    record = server.query()[0]["id"]
    facets = ",".join((*TEXTS, "app"))
    columns = f"{facets},exception.type,exception.value"
    asked = {"record": record, "columns": columns, "facets": facets}
    cells = 2 * len(TEXTS)
    for more in ({}, {"tab": "around"}, {"tab": "timeline"}):
        open_at(page, address, asked | more)
        wait_until(lambda: "".join(page.texts(".row")).count(HOSTILE[:20]) > cells, "the columns")
        wait_until(lambda: HOSTILE in "".join(page.texts(".drawer")), "the record")
        assert_nothing_ran(page)


PAGES = [
    *({"page": "apps", "part": part} for part in ("", "keys", "settings", "scrubbing")),
    *({"page": "accounts", "part": part} for part in ("", "invitations", "tokens", "audit")),
    *({"page": name} for name in ("account", "counters", "server", "register", LONG)),
    *({"page": "apps", name: LONG} for name in ("id", "part")),
    *({"page": "accounts", "part": "audit", name: LONG} for name in ("act", "actor", "before")),
    *({"page": name, "part": "constructor"} for name in ("apps", "accounts", "account")),
    {"page": "constructor"},
]


@pytest.mark.parametrize("asked", PAGES, ids=lambda asked: "-".join(asked.values())[:30])
def test_the_pages_show_text(
    page: Page, server: Server, address: str, asked: dict[str, str]
) -> None:
    apps = server.get("/api/v1/apps").json()["apps"]
    hostile = next(app for app in apps if app["name"] == HOSTILE)
    about = {"id": str(hostile["id"])} if asked["page"] == "apps" else {}
    open_at(page, address, about | asked)
    if asked["page"] == "apps" and "id" not in asked:
        wait_until(lambda: HOSTILE in "".join(page.texts("main")), "the app's name")
    if asked in ({"page": "accounts", "part": "tokens"}, {"page": "accounts", "part": "audit"}):
        wait_until(lambda: HOSTILE in "".join(page.texts("main")), "the token's name")
    assert_nothing_ran(page)


NAMES = ("q", "record", "app", "level", "from", "zone", "range", "lang", "columns", "facets", "tab")


@pytest.mark.parametrize("name", NAMES)
def test_an_address_is_text(page: Page, address: str, name: str) -> None:
    open_at(page, address, {name: LONG})
    if name == "q":
        wait_until(lambda: page.text("#query-fault"), "the refusal")
        assert page.one(".query-input").get_attribute("value") == LONG
    if name == "from":
        page.one(".banner")
    assert_nothing_ran(page)
