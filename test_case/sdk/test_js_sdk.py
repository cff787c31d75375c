"""The JavaScript SDK in a real Chromium and against a real server: each record is stored once."""

import json
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from chromium import open_chromium
from conftest import StartServer
from front import UNANSWERED, UNAVAILABLE, UNREACHABLE, Front
from selenium.webdriver import Chrome
from started import ROOT, Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]
UTC = timezone.utc
SAID = "redlog"  # the logger of what the SDK says itself


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with open_chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def front(server: Server) -> Iterator[Front]:
    """Of a test's own, so its pages have an origin of their own, and what is stored there."""
    made = Front(server)
    yield made
    made.close()


class Page:
    """A page with the SDK in a tab, whose records are known by a `device_id`."""

    def __init__(self, chrome: Chrome, front: Front, device: str = "") -> None:
        self.chrome = chrome
        self.front = front
        self.device = device or uuid4().hex

    def open(self, before: str = "", **options: Any) -> "Page":
        """Load it in the current tab and make `log` there; `before` is run before that."""
        self.chrome.get(self.front.page)
        context = {"device_id": self.device}
        given = {"key": self.front.server.key, "context": context, **options}
        wait_until(lambda: self.run("return !!window.redlog"), "the script")
        self.run(f"if (!window.log) {{ {before}; window.log = redlog.init({json.dumps(given)}) }}")
        return self

    def run(self, script: str, *arguments: Any) -> Any:
        return self.chrome.execute_script(script, *arguments)

    def write(self, count: int, start: int = 0, level: str = "info") -> None:
        """Log that many numbered records at once."""
        script = "for (let n = 0; n < arguments[0]; n++) log[arguments[2]](`m${n + arguments[1]}`)"
        self.run(script, count, start, level)

    def flush(self) -> bool:
        """Whether all of it was acknowledged."""
        script = "const done = arguments[0]; log.flush().then(done, done)"
        return bool(self.chrome.execute_async_script(script))

    def stored(self) -> list[dict[str, Any]]:
        self.front.server.wait_drained()
        return self.front.server.walk(device_id=self.device)

    def said(self) -> list[dict[str, Any]]:
        """What the SDK says itself."""
        return [record for record in self.stored() if record.get("logger") == SAID]

    def messages(self) -> Counter[str]:
        """Those of the page, by how often they are stored."""
        own = (record for record in self.stored() if record.get("logger") != SAID)
        return Counter(record["message"] for record in own)

    def wait_for(self, count: int) -> None:
        """Wait for just these records, each once."""
        expected = Counter(f"m{n}" for n in range(count))
        wait_until(lambda: len(self.messages()) >= count, f"{count} records")
        assert self.messages() == expected


@contextmanager
def tab(chrome: Chrome) -> Iterator[None]:
    """Another tab, closed at the end as a person closes it."""
    home = chrome.current_window_handle
    chrome.switch_to.new_window("tab")
    yield
    chrome.close()
    chrome.switch_to.window(home)


@pytest.fixture
def page(chrome: Chrome, front: Front) -> Page:
    return Page(chrome, front)


def emulate(chrome: Chrome, offline: bool) -> None:
    told = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    chrome.execute_cdp_cmd("Network.enable", {})
    chrome.execute_cdp_cmd("Network.emulateNetworkConditions", told)


def kill(chrome: Chrome) -> None:
    """kill -9 of the browser, as in a crash."""
    threads = Path(f"/proc/{chrome.service.process.pid}/task").glob("*/children")
    (pid,) = "".join(thread.read_text() for thread in threads).split()
    os.kill(int(pid), signal.SIGKILL)


def test_offline_then_online(page: Page) -> None:
    page.open(flushMs=50)
    emulate(page.chrome, offline=True)
    page.write(300)
    assert page.flush() is False
    page.write(200, 300)
    emulate(page.chrome, offline=False)
    page.wait_for(500)


def test_reload_with_a_full_queue(page: Page) -> None:
    with page.front.failing(UNREACHABLE):
        page.open(maxQueue=2000)
        page.write(2500)
        assert page.flush() is False
    page.open()
    kept = wait_until(lambda: page.said() and page.flush() and page.messages(), "what was kept")
    lost = sum(each["attributes"]["dropped"]["queue_full"] for each in page.said())
    assert 500 <= lost < 1000
    assert (len(kept), kept.total()) == (2500 - lost, 2500 - lost)
    assert set(kept) > {f"m{n}" for n in range(lost + 200, 2500)}  # the oldest may be under way


def test_ten_thousand_records_at_once(page: Page) -> None:
    page.open()
    page.write(10_000)
    assert page.flush() is True
    page.wait_for(10_000)
    first = page.stored()[0]
    timeline = page.front.server.get("/api/v1/timeline", session_id=first["session_id"]).json()
    assert (timeline["gaps"], timeline["gaps_known"]) == ([], True)


def test_a_tab_closed_in_the_middle(page: Page) -> None:
    """Each record that the page had logged is there, without anybody who opens it again."""
    with tab(page.chrome):
        page.open(flushMs=100)
        page.run("window.n = 0; setInterval(() => log.info(`m${n++}`), 1)")
        wait_until(lambda: page.messages(), "the first records")
        logged = page.run("return n")
    wait_until(lambda: len(page.messages()) >= logged, "the last words")
    assert page.messages() == Counter(f"m{n}" for n in range(len(page.messages())))


def test_a_page_left_with_more_than_it_may_send(page: Page) -> None:
    """The browser takes 64 KiB; the rest waits in the storage for the next page."""
    page.open(context={"device_id": page.device, "user_id": "u" * 100})
    page.run("for (let n = 0; n < 2000; n++) log.info(`m${n}`, {filling: 'x'.repeat(200)})")
    page.chrome.get("about:blank")
    page.open()
    page.wait_for(2000)


def test_a_page_that_comes_back_without_a_reload(page: Page) -> None:
    """What was sent as it was left is not forgotten, and not sent for ever."""
    page.open()
    page.write(10)
    hidden = "Object.defineProperty(document, 'visibilityState', {value: arguments[0]}); "
    changed = "document.dispatchEvent(new Event('visibilitychange'))"
    page.run(f"{hidden.replace('{value', '{configurable: true, value')}{changed}", "hidden")
    wait_until(lambda: page.front.reports, "the report")
    page.run(f"{hidden}{changed}", "visible")
    page.write(10, 10)
    assert page.flush() is True
    page.wait_for(20)
    assert page.front.reports == ["202", "202"]


def test_a_browser_that_crashes(front: Front, tmp_path: Path) -> None:
    """kill -9: an error is in the storage at once, all else after `flushMs`."""
    with open_chromium(tmp_path) as chrome, front.failing(UNREACHABLE):
        page = Page(chrome, front).open(flushMs=60_000)
        page.write(50)
        page.write(1, 50, "error")
        wait_until(lambda: front.reports, "the first try")
        kill(chrome)
    with open_chromium(tmp_path) as chrome:
        Page(chrome, front, page.device).open()
        page.wait_for(51)


def test_a_server_that_is_unavailable_for_a_while(page: Page) -> None:
    page.open(flushMs=50)
    with page.front.failing(UNAVAILABLE):
        page.write(300)
        wait_until(lambda: len(page.front.reports) >= 2, "another try")
        page.write(300, 300)
        assert page.flush() is False
    page.wait_for(600)


def test_a_server_that_is_killed_meanwhile(chrome: Chrome, make_server: StartServer) -> None:
    server = make_server().start()
    front = Front(server)
    page = Page(chrome, front).open(batchSize=20)
    page.write(5000)
    wait_until(lambda: front.reports.count("202") > 20, "some receipts")
    server.kill()
    page.write(100, 5000)
    wait_until(lambda: UNREACHABLE in front.reports, "a report in vain")
    server.start()
    wait_until(page.flush, "the acknowledgement")
    page.wait_for(5100)
    front.close()


def test_replies_that_are_lost(page: Page) -> None:
    """What was stored is sent again, and not stored again."""
    page.open(batchSize=10)
    with page.front.failing(UNANSWERED):
        page.write(50)
        assert page.flush() is False
    wait_until(page.flush, "the acknowledgement")
    page.wait_for(50)
    assert UNANSWERED in page.front.reports


@pytest.mark.parametrize("days", [-2, 2])
def test_a_clock_two_days_off(page: Page, days: int) -> None:
    page.open(f"const now = Date.now; Date.now = () => now() + {days} * 86400e3")
    page.write(20)
    assert page.flush() is True
    page.wait_for(20)
    for record in page.stored():
        off = datetime.fromisoformat(record["time"].replace("Z", "+00:00")) - datetime.now(UTC)
        assert abs(off) < timedelta(minutes=2)
        assert abs(record["skew_ms"] + days * 86_400_000) < 120_000


def test_two_tabs(page: Page) -> None:
    """Both log while the server is away; what one leaves behind is sent by the other, once."""
    chrome, front = page.chrome, page.front
    with front.failing(UNREACHABLE):
        page.open(flushMs=50)
        with tab(chrome):
            other = Page(chrome, front).open(flushMs=50)
            other.write(300)
            page_of_other = other.flush()
            assert page_of_other is False
        page.write(300)
        assert page.flush() is False
    wait_until(page.flush, "the acknowledgement")
    page.wait_for(300)
    other.wait_for(300)


def test_two_tabs_that_send_at_the_same_time(page: Page) -> None:
    chrome, front = page.chrome, page.front
    page.open()
    with tab(chrome):
        other = Page(chrome, front, page.device).open()
        page.run("window.close = 0")
        other.run("for (let n = 0; n < 1000; n++) log.info(`m${n}`); log.flush()")
        chrome.switch_to.window(chrome.window_handles[0])
        page.write(1000, 1000)
        assert page.flush() is True
        chrome.switch_to.window(chrome.window_handles[-1])
        assert page.flush() is True
    page.wait_for(2000)
    assert 10 <= len(front.reports) <= 12, "the lock spares most of the work"


def test_what_nobody_caught_the_console_and_the_steps_before(page: Page) -> None:
    options = {"captureErrors": True, "captureConsole": True, "breadcrumbs": True}
    page.open("document.body.innerHTML = '<button id=pay>'", **options)
    as_its_own = "{text: arguments[0]}"  # of what a driver runs, a page is told no errors
    page.run(
        f"document.head.append(Object.assign(document.createElement('script'), {as_its_own}))",
        """document.getElementById("pay").click(); history.pushState(0, "", "?secret=1");
        console.warn("odd", {a: 1});
        setTimeout(() => { throw new TypeError("boom") });
        Promise.reject("no");""",
    )
    wait_until(lambda: page.flush() and len(page.stored()) == 3, "the records")
    records = {record["message"]: record for record in page.stored()}
    assert set(records) == {'odd {"a":1}', "boom", "unhandled rejection: no"}
    boom = records["boom"]
    assert (boom["level"], boom["exception"]["type"]) == ("error", "TypeError")
    steps = [(each["kind"], each["what"]) for each in boom["attributes"]["breadcrumbs"]]
    assert steps[:3] == [
        ("click", "button#pay"),
        ("navigation", page.front.page),
        ("warn", 'odd {"a":1}'),
    ]


def test_it_says_nothing_in_the_console_and_throws_nothing(page: Page) -> None:
    """The browser itself tells of requests that fail; the page's own handlers hear nothing."""
    hearing = "onerror = onunhandledrejection = (event) => heard.push(`${event}`)"
    page.open(f"window.heard = []; {hearing}")
    page.chrome.get_log("browser")  # type: ignore[no-untyped-call]
    with page.front.failing(UNREACHABLE):
        page.write(10)
        assert page.flush() is False
    with page.front.failing(UNAVAILABLE):
        page.flush()
    page.run("log.info({get a() { throw 1 }}); log.info(window, document.body); log.info()")
    assert page.run("return heard") == []
    told = page.chrome.get_log("browser")  # type: ignore[no-untyped-call]
    assert {line["source"] for line in told} <= {"network"}


@pytest.mark.parametrize("browser", ["", "delete Request.prototype.keepalive"])
def test_without_a_storage_a_page_that_is_left_sends_what_it_has(page: Page, browser: str) -> None:
    """By a request that outlives it, or by a beacon where there is none."""
    page.open(browser, storage=None)
    page.write(100)
    page.chrome.get("about:blank")
    page.wait_for(100)


def test_as_a_module(page: Page) -> None:
    page.chrome.get(page.front.page)
    script = """
        const [url, key, context, done] = arguments;
        delete globalThis.redlog;
        import(`${url}/sdk/redlog.js`).then(async () => {
            const log = redlog.init({url, key, context});
            log.info("m0");
            return log.flush();
        }).then(done, (error) => done(`${error}`));
    """
    context = {"device_id": page.device}
    key = page.front.server.key
    said = page.chrome.execute_async_script(script, page.front.url, key, context)
    assert said is True
    page.wait_for(1)


@pytest.mark.parametrize("readme", ["sdk/js/README.md", "README.md", "README.zh-CN.md"])
def test_as_the_readme_says(page: Page, readme: str) -> None:
    text = (ROOT / readme).read_text("utf-8")
    for block in re.findall(r"```html\n(.*?)```", text, re.DOTALL):
        block = block.replace("https://logs.example.com", page.front.url)
        page.front.html = block.replace("rlk_…", page.front.server.key)
        page.chrome.get(page.front.page)
        page.run("log.setContext({device_id: arguments[0]}); log.info('m0')", page.device)
        assert page.flush() is True
        page.wait_for(1)
        page.device = uuid4().hex
