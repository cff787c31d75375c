"""The dashboard in a real Chromium, on a real server."""

import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from dashboard_page import Open, Page, opened
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from started import ROOT, Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
FRAMES = ["Error: boom", "    at pay (shop/pay.js:7:3)", "    at run (node_modules/x/y.js:1:1)"]


@pytest.fixture(scope="module")
def filled(server: Server) -> Server:
    """The server with 3,300 records: one of each hostile field, one error with a stack."""
    now = time.time()
    calm = [{"message": f"event {n}", "time": now - 60 - n, "logger": "net"} for n in range(3298)]
    fields = ("message", "logger", "user_id", "session_id", "release", "device_id")
    hostile = dict.fromkeys(fields, HOSTILE) | {"level": "warning", "time": now - 20}
    hostile["attributes"] = {HOSTILE: HOSTILE}
    hostile["exception"] = {"type": HOSTILE, "value": HOSTILE, "stacktrace": HOSTILE}
    error = {"message": "支付失败 payment failed", "level": "error", "time": now - 10}
    error |= {"user_id": "u-1", "attributes": {"http": {"status": 502}}}
    error["exception"] = {"type": "Error", "value": "boom", "stacktrace": FRAMES}
    server.report([hostile, error, *calm])
    wait_until(lambda: len(server.walk()) == 3300, "the records")
    return server


@pytest.fixture
def page(filled: Server, chrome: Chrome) -> Iterator[Open]:
    with opened(chrome, filled) as go:
        yield go


def test_one_signs_in_with_a_token(filled: Server, chrome: Chrome) -> None:
    chrome.get(f"{filled.url}/")
    chrome.execute_script("sessionStorage.clear()")
    chrome.refresh()
    page = Page(chrome)
    page.one(".link").click()
    page.one("input[name=token]").send_keys("wrong", Keys.ENTER)
    wait_until(lambda: "not valid" in page.text(".complaint"), "the refusal")
    page.one("input[name=token]").clear()
    page.one("input[name=token]").send_keys(filled.token, Keys.ENTER)
    assert "payment failed" in page.text(".row")
    chrome.refresh()
    page.one(".row")
    assert filled.token not in chrome.current_url
    page.one(".sign-out").click()
    page.one("input[name=name]")
    assert chrome.execute_script("return sessionStorage.length") == 0
    chrome.get_log("browser")


def test_a_newcomer_chooses_a_password_and_stays_signed_in(filled: Server, chrome: Chrome) -> None:
    made = filled.manage("account", "create", "ada", "--role", "viewer", "--json")
    chrome.get(f"{filled.url}/")
    page = Page(chrome)
    page.one("input[name=name]").send_keys("ada")
    page.one("input[name=password]").send_keys(made["password"], Keys.ENTER)
    page.one("input[name=old]").send_keys(made["password"])
    for name in ("fresh", "again"):
        page.one(f"input[name={name}]").send_keys("a passphrase of my own")
    page.press(Keys.ENTER)
    page.one(".list")
    chrome.delete_cookie("redlog_access")  # as when it has run out: the other one renews it
    chrome.refresh()
    page.one(".list")
    page.one(".sign-out").click()
    page.one("input[name=name]")
    assert wait_until(lambda: not chrome.get_cookies(), "the end of the cookies")
    chrome.get_log("browser")


def test_the_newest_come_first_and_a_query_finds(page: Open) -> None:
    shown = page()
    shown.one(".row.error")
    assert "payment failed" in shown.texts(".row")[0]
    wait_until(lambda: "3,300" in shown.text(".sum"), "the count")
    shown.ask("支付 level>=error")
    shown.shows(1)
    assert shown.address()["q"] == "支付 level>=error"
    shown.chrome.back()
    wait_until(lambda: len(shown.texts(".row")) > 10, "all of them again")
    assert shown.one(".query-input").get_attribute("value") == ""


def test_a_fault_is_underlined_where_it_is(page: Open) -> None:
    shown = page()
    shown.expected.append("400 (BAD REQUEST)")
    shown.one(".row")
    shown.ask("🙂 usr_id:7")
    wait_until(lambda: "did you mean user_id?" in shown.text("#query-fault"), "the complaint")
    assert "character 3" in shown.text("#query-fault")
    mark = shown.chrome.execute_script("return document.querySelector('mark').textContent")
    assert mark == "usr_id:7"
    shown.ask("payment")
    shown.shows(1)
    assert shown.text("#query-fault") == ""


def test_names_and_values_are_completed(page: Open) -> None:
    shown = page()
    shown.one(".row")
    shown.press("/")
    shown.press("lev")
    wait_until(lambda: shown.texts(".options li") == ["level:"], "the field")
    shown.press(Keys.TAB)
    shown.press("err")
    wait_until(lambda: shown.texts(".options li") == ["level:error"], "the value")
    shown.press(Keys.ARROW_DOWN, Keys.ENTER, Keys.ENTER)
    shown.shows(1)
    assert shown.address()["q"] == "level:error"


def test_dragging_over_the_histogram_narrows_the_range(page: Open) -> None:
    shown = page("?range=1h")
    shown.one(".histogram:not(.waiting)")
    area = shown.one(".u-over")
    width = area.size["width"]
    drag = ActionChains(shown.chrome).move_to_element_with_offset(area, width // 4, 0)
    drag.click_and_hold().move_by_offset(width // 5, 0).release().perform()
    wait_until(lambda: "from" in shown.address(), "the new range")
    asked = shown.address()
    assert asked["from"] < asked["to"] and "range" not in asked
    shown.one('.custom[aria-pressed="true"]')
    shown.chrome.back()
    shown.one('.ranges > button:nth-child(2)[aria-pressed="true"]')


def test_a_value_of_the_drawer_becomes_a_filter(page: Open) -> None:
    shown = page()
    shown.one(".row.error").click()
    assert "record" in shown.address()
    assert shown.texts(".stack .title") == ["Error: boom\n"]
    assert [line.strip() for line in shown.texts(".stack .frame")] == [FRAMES[1].strip()]
    assert [line.strip() for line in shown.texts(".stack .foreign")] == [FRAMES[2].strip()]
    shown.one('[data-field="attr.http.status"] .value').click()
    shown.one('[data-field="attr.http.status"] .for').click()
    shown.shows(1)
    assert shown.address()["q"] == "attr.http.status:502"
    shown.one('[data-field="attr.http.status"] .out').click()
    wait_until(lambda: shown.address()["q"] == "-attr.http.status:502", "the contrary")
    wait_until(lambda: "payment failed" not in " ".join(shown.texts(".row")), "the others")
    shown.press(Keys.ESCAPE)
    assert "record" not in shown.address()


def test_an_address_opens_its_record(page: Open, filled: Server) -> None:
    (record,) = filled.query(level="error")
    shown = page(f"?q=event&record={record['id']}")
    assert "payment failed" in shown.text(".whole-message")


def test_the_list_scrolls_through_all_with_few_rows_in_the_page(page: Open) -> None:
    shown = page()
    shown.one(".row")
    script = "const list = document.querySelector('.list'); list.scrollTop = list.scrollHeight"

    def at_end() -> bool:
        shown.chrome.execute_script(script)
        return bool(shown.chrome.find_elements(By.CSS_SELECTOR, '.loaded[data-loaded="3300"]'))

    wait_until(at_end, "the end of the list")
    shown.shows(3300)
    shown.chrome.execute_script(script)
    wait_until(lambda: "event 3297" in shown.texts(".row")[-1], "the oldest record")
    assert len(shown.texts(".row")) < 80
    assert shown.one(".row:last-child").get_attribute("aria-rowindex") == "3300"


def test_the_keyboard_leads_through_the_list(page: Open) -> None:
    shown = page()
    shown.one(".row")
    shown.press("j", "j", Keys.ENTER)
    assert HOSTILE[:10] in shown.text(".whole-message")
    shown.press("k")
    wait_until(lambda: "payment failed" in shown.text(".whole-message"), "the one above")
    shown.press("?")
    assert "Keyboard" in shown.text(".help")
    shown.press(Keys.ESCAPE, Keys.ESCAPE)
    wait_until(lambda: not shown.texts(".drawer"), "the closed panel")
    shown.press("t")
    wait_until(lambda: shown.address() == {"live": "off"}, "the pause")


def test_new_records_appear_by_themselves(page: Open, filled: Server) -> None:
    shown = page("?q=fresh")
    shown.one(".empty")
    filled.report([{"message": "fresh from the press", "time": time.time() - 7 * 86_400}])
    filled.report([{"message": "fresh air"}])
    wait_until(lambda: "fresh air" in shown.texts(".row")[:1].__str__(), "the new record")
    assert len(shown.texts(".row")) == 1  # the other one is older than the range


def test_it_comes_back_when_the_server_does(page: Open) -> None:
    shown = page("?q=event")
    shown.one(".row")
    shown.goes_offline()
    shown.ask("payment")
    assert "does not answer" in shown.text(".banner")
    shown.comes_back()
    shown.shows(1)
    wait_until(lambda: not shown.texts(".banner"), "the end of the complaint")
    shown.expected.append("ERR_INTERNET_DISCONNECTED")


def test_it_speaks_chinese_and_remembers(page: Open) -> None:
    shown = page()
    shown.one(".row")
    shown.one(".language").click()
    wait_until(lambda: shown.text(".query .main") == "查询", "Chinese")
    assert shown.one("html").get_attribute("lang") == "zh-CN"
    shown.chrome.refresh()
    shown.one(".row")
    assert shown.text(".query .main") == "查询"


def test_a_fault_is_told_in_the_language_of_the_page(page: Open) -> None:
    shown = page("?lang=zh")
    shown.expected.append("400 (BAD REQUEST)")
    shown.one(".row")
    shown.ask("usr_id:7")
    wait_until(lambda: shown.text("#query-fault"), "the complaint")
    assert shown.text("#query-fault") == "第 1 个字符：没有字段 usr_id；您是否想输入 user_id？"
    shown.one(".language").click()
    shown.ask("levl:x")
    english = "at character 1: levl is no field; did you mean level?"
    wait_until(lambda: shown.text("#query-fault") == english, "the complaint")
    shown.ask("payment")
    shown.shows(1)


@pytest.mark.parametrize("search", ["", "?q=payment&lang=zh", "?q=nothing-like-it"])
def test_a_phone_has_nothing_at_its_side(page: Open, search: str) -> None:
    shown = page(search, width=360)
    shown.one(".row, .empty")
    widths = "return [document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]"
    assert shown.chrome.execute_script(widths) == [360, 360, 360]
    if shown.texts(".row"):
        shown.one(".row").click()
        shown.one(".drawer")
        assert shown.chrome.execute_script(widths) == [360, 360, 360]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(page: Open, theme: str) -> None:
    shown = page(f"?theme={theme}&q=-nothing")
    shown.one(".row.error").click()
    shown.one(".drawer .value").click()
    shown.one(".histogram:not(.waiting)")
    assert shown.barriers() == "[]"
    shown.press("?")
    shown.one(".help")
    shown.one(".custom").click()
    assert shown.barriers() == "[]"


class Silent(SimpleHTTPRequestHandler):
    """Files of a folder, with nothing said."""

    def log_message(self, *_: Any) -> None:
        """Be silent."""


def test_it_works_from_another_origin(filled: Server, chrome: Chrome) -> None:
    handler = partial(Silent, directory=str(ROOT / "resource" / "dashboard"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        chrome.get(f"http://127.0.0.1:{http.server_port}/?api={filled.url}")
        page = Page(chrome)
        page.one("input[name=token]").send_keys(filled.token, Keys.ENTER)
        assert "payment failed" in " ".join(page.one(".list .rows") and page.texts(".row"))
        assert page.address() == {"api": filled.url}
        http.shutdown()
    chrome.get_log("browser")
