"""Saved searches and links in the dashboard, in a real Chromium on a real server."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from dashboard_page import Open, Page, opened
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from started import Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]
PATH = "/api/v1/searches"


@pytest.fixture(scope="module")
def tokens(server: Server) -> dict[str, str]:
    """A token of an admin, of a member of the first app, and of one who may only look.

    The server has two apps with some records, one of them an error.
    """
    own = str(server.app["id"])
    wanted = {"admin": ("admin",), "member": ("admin", "--app", own), "viewer": ("read",)}
    made = {
        name: str(server.manage("token", "create", "--scope", *options, "--json")["token"])
        for name, options in wanted.items()
    }
    server.manage("app", "create", "other", "--json")
    calm = [{"message": f"event {n}", "time": time.time() - 60 - n} for n in range(40)]
    server.report([{"message": "payment failed", "level": "error", "user_id": "u 1"}, *calm])
    wait_until(lambda: len(server.query()) == 41, "the records")
    return made


@pytest.fixture
def page(server: Server, tokens: dict[str, str], chrome: Chrome) -> Iterator[Open]:
    """Opens the dashboard as a member of the first app; no searches are there yet."""
    for each in api(server, tokens, "GET")["searches"]:
        api(server, tokens, "DELETE", f"/{each['id']}")
    with opened(chrome, server) as go:
        yield lambda search="", width=1280, who="member": go(search, width, tokens[who])


def api(server: Server, tokens: dict[str, str], method: str, path: str = "", **body: Any) -> Any:
    """Ask the route as the admin."""
    headers = {"Authorization": f"Bearer {tokens['admin']}"}
    url = server.url + PATH + path
    answer = requests.request(method, url, json=body or None, headers=headers, timeout=60)
    assert answer.ok, answer.text
    return answer.json() if answer.content else None


def save(shown: Page, name: str) -> None:
    """Save the view; the panel must be open."""
    shown.one(".searches input[name=name]").clear()
    shown.one(".searches input[name=name]").send_keys(name, Keys.ENTER)


def button(shown: Page, label: str) -> Any:
    return shown.one(f'.searches button[aria-label="{label}"]')


def named(shown: Page) -> list[str]:
    return shown.texts(".saved b")


def focused(shown: Page) -> str:
    return str(shown.chrome.execute_script("return document.activeElement.className"))


def test_a_view_is_saved_and_opened_by_the_keyboard(
    page: Open, server: Server, tokens: dict[str, str]
) -> None:
    shown = page(f"?app={server.app['id']}&range=1h&q=payment&level=error")
    shown.shows(1)
    shown.press("s")
    assert "None yet" in shown.text("#searches .hint")
    assert shown.one('.switch[aria-expanded="true"]')
    save(shown, "  Failed payments 支付 ")
    assert shown.text(".saved b") == "Failed payments 支付"
    assert "Saved, for all" in shown.text('.searches [role="status"]')
    (kept,) = api(server, tokens, "GET")["searches"]
    assert kept["query"] == {"from": "-1h", "q": "payment", "level": "error", "untrusted": "hide"}
    assert (kept["app"], kept["created_by"].partition(" ")[0]) == (server.app["id"], "token")
    assert shown.one('.saved[aria-current="true"]')
    shown.press(Keys.ESCAPE)
    wait_until(lambda: not shown.texts("#searches"), "the closed panel")
    assert focused(shown) == "switch"
    shown = page(who="viewer")
    shown.one(".row")
    shown.press("s")
    shown.one(".saved")
    shown.press(Keys.TAB, Keys.ENTER)
    shown.shows(1)
    app = str(server.app["id"])
    assert shown.address() == {"app": app, "range": "1h", "q": "payment", "level": "error"}
    assert not shown.texts("#searches")


def test_who_may_only_look_changes_nothing(
    page: Open, server: Server, tokens: dict[str, str]
) -> None:
    api(server, tokens, "POST", app=server.app["id"], name="a", query={})
    shown = page(who="viewer")
    shown.one(".switch").click()
    assert shown.text(".saved b") == "a"
    assert not shown.texts(".searches form") and not shown.texts(".searches li > :not(.saved)")
    assert shown.texts("#searches .ways button")[0] == "Copy link"


def test_a_search_is_renamed_replaced_and_deleted(
    page: Open, server: Server, tokens: dict[str, str]
) -> None:
    for name in ("b", "c"):
        api(server, tokens, "POST", app=server.app["id"], name=name, query={"q": name})
    shown = page("?q=event")
    shown.expected.append("409 (CONFLICT)")
    shown.one(".switch").click()
    wait_until(lambda: named(shown) == ["b", "c"], "both")
    button(shown, "Rename b").click()
    shown.press("c", Keys.ENTER)  # the whole name was selected
    wait_until(lambda: "of that name" in "".join(shown.texts(".complaint")), "the refusal")
    shown.press(Keys.ESCAPE)
    button(shown, "Rename b").click()
    shown.press("z", Keys.ENTER)
    wait_until(lambda: named(shown) == ["c", "z"], "the new order")
    wait_until(lambda: focused(shown) == "saved", "the keyboard where it was")
    save(shown, "z")
    shown.one(".replace").click()
    wait_until(lambda: shown.texts('.saved[aria-current="true"] b') == ["z"], "the new query")
    kept = {each["name"]: each for each in api(server, tokens, "GET")["searches"]}
    assert kept["z"]["query"]["q"] == "event"
    button(shown, "Delete c").click()
    assert "for everybody" in shown.text(".sure")
    shown.press(Keys.ESCAPE)
    button(shown, "Delete c").click()
    shown.one(".sure .delete").click()
    wait_until(lambda: named(shown) == ["z"], "the end of it")
    wait_until(lambda: not shown.texts(".sure"), "the end of the question")
    assert [each["name"] for each in api(server, tokens, "GET")["searches"]] == ["z"]
    assert shown.one("#searches") == shown.chrome.switch_to.active_element


def test_searches_of_all_apps_name_theirs(
    page: Open, server: Server, tokens: dict[str, str]
) -> None:
    shown = page(who="admin")
    shown.one(".switch").click()
    choice = shown.one(".searches select[name=app]")
    choice.find_elements(By.TAG_NAME, "option")[1].click()
    save(shown, "of the other")
    assert shown.text(".saved i") == "other"
    shown.one(".saved").click()
    (kept,) = api(server, tokens, "GET")["searches"]
    wait_until(lambda: shown.address() == {"app": str(kept["app"])}, "the other app's view")
    shown = page(f"?app={server.app['id']}", who="admin")
    shown.one(".switch").click()
    assert "None yet" in shown.text("#searches .hint")
    assert not shown.texts(".searches select")


def test_what_has_no_place_in_a_view_becomes_a_part_of_the_query(
    page: Open, server: Server, tokens: dict[str, str]
) -> None:
    query = {"q": "payment OR nothing", "user_id": "u 1", "min_level": "warning", "from": "-30m"}
    api(server, tokens, "POST", app=server.app["id"], name="made by hand", query=query)
    shown = page("?untrusted=hide")
    shown.one(".row")
    shown.one(".switch").click()
    shown.one(".saved").click()
    shown.shows(1)
    opened_view = shown.address()
    assert opened_view["q"] == '(payment OR nothing) user_id:"u 1" level>=warning'
    assert (opened_view["from"], opened_view["untrusted"]) == ("-30m", "show")
    assert shown.one('.custom[aria-pressed="true"]')


COPIED = """
    navigator.clipboard.writeText = (text) => Promise.resolve(document.title = text);
"""


def test_a_link_may_stay_with_the_times_that_are_shown(page: Open, server: Server) -> None:
    shown = page("?range=15m&q=payment")
    shown.shows(1)
    shown.one(".histogram:not(.waiting)")
    shown.chrome.execute_script(COPIED)
    shown.one(".switch").click()
    plain, fixed = shown.chrome.find_elements(By.CSS_SELECTOR, "#searches .ways button")
    plain.click()
    link = f"{server.url}/?range=15m&q=payment"
    wait_until(lambda: shown.chrome.title == link, "the link as it is")
    fixed.click()
    wait_until(lambda: "from=" in shown.chrome.title, "the fixed link")
    shown.chrome.get(shown.chrome.title)
    shown.shows(1)
    asked = shown.address()
    assert asked.keys() == {"from", "to", "q"} and asked["from"] < asked["to"]
    shown.one(".switch").click()
    assert shown.texts("#searches .ways button") == ["Copy link"]  # nothing moves on any more


def test_the_panel_closes_when_one_goes_elsewhere(page: Open) -> None:
    shown = page()
    shown.one(".row")
    shown.one(".switch").click()
    shown.one("#searches")
    ActionChains(shown.chrome).move_to_element(shown.one(".mark")).click().perform()
    wait_until(lambda: not shown.texts("#searches"), "the closed panel")
    shown.press("s")
    shown.one(".searches input[name=name]")
    shown.press(*[Keys.TAB] * 12)
    wait_until(lambda: not shown.texts("#searches"), "the closed panel")


def test_a_server_that_is_away_is_told(page: Open) -> None:
    shown = page()
    shown.expected.append("ERR_INTERNET_DISCONNECTED")
    shown.one(".row")
    shown.goes_offline()
    shown.press("s")
    wait_until(lambda: "does not answer" in "".join(shown.texts("#searches .complaint")), "why")
    shown.press(Keys.ESCAPE)
    shown.comes_back()
    shown.press("s")
    assert "None yet" in shown.text("#searches .hint")


@pytest.mark.parametrize("search", ["?theme=light", "?theme=dark&lang=zh"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing_and_all_of_it_fits(
    page: Open, server: Server, tokens: dict[str, str], search: str, width: int
) -> None:
    long = "a name that is rather long, 一个相当长的名称 " * 2
    for name in (long.strip(), "b", "c"):
        api(server, tokens, "POST", app=server.app["id"], name=name, query={"q": f'"{long}"'})
    shown = page(search, width, who="admin")
    shown.one(".histogram:not(.waiting)")
    shown.one(".switch").click()
    shown.one(".saved")
    assert shown.barriers() == "[]"
    shown.chrome.find_elements(By.CSS_SELECTOR, ".searches li > button")[1].click()
    shown.chrome.find_elements(By.CSS_SELECTOR, ".searches li > button")[-1].click()
    shown.one(".sure")
    assert shown.barriers() == "[]"
    script = "return document.getElementById('searches').getBoundingClientRect().toJSON()"
    box = shown.chrome.execute_script(script)
    assert box["left"] >= 0 and box["right"] <= width and box["bottom"] <= 800
    assert shown.chrome.execute_script("return document.documentElement.scrollWidth") == width
