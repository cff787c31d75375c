"""Signing in to the dashboard and losing the server, in a real Chromium on a real server."""

import time
from collections.abc import Callable, Iterator

import pytest
from dashboard_page import Page, opened
from issuer import CLIENT, SECRET, TestIssuer
from people import CHEAP, PASSWORD, accounts_of, person
from pyotp import TOTP
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys
from sqlalchemy import update
from started import Server, wait_until

from database.access_tables import login_failure
from database.login_failures import Subject
from database.revoked import KNOWN_SECONDS

pytestmark = [pytest.mark.server, pytest.mark.browser]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    shared = Server(folder / "data", folder / "server.log", CHEAP).start()
    assert shared.report({"message": "for members"}).status_code == 202
    wait_until(lambda: shared.query(), "the record")
    yield shared
    shared.kill()


@pytest.fixture
def door(server: Server, chrome: Chrome) -> Page:
    """The sign-in of somebody whom this browser does not know."""
    chrome.get(f"{server.url}/healthz")
    chrome.execute_script("localStorage.clear(); sessionStorage.clear()")
    chrome.delete_all_cookies()
    chrome.get(f"{server.url}/?q=members")
    return Page(chrome)


def fill(door: Page, **values: str) -> None:
    """Write into the form and send it."""
    for name, value in values.items():
        field = door.one(f"input[name={name}]")
        field.clear()
        field.send_keys(value)
    door.press(Keys.ENTER)


def complaint(door: Page) -> str:
    return "".join(door.texts(".door .complaint"))


def test_one_signs_in_by_name_and_stays_so(server: Server, door: Page) -> None:
    person(server, "ada", "member", int(server.app["id"]))
    fill(door, name="Ada", password=PASSWORD)
    assert "for members" in door.text(".row")
    assert door.address() == {"q": "members"}  # where one wanted to go
    assert door.chrome.execute_script("return document.cookie + sessionStorage.length") == "0"
    door.chrome.refresh()
    assert "for members" in door.text(".row")
    door.one(".sign-out").click()
    door.one("input[name=password]")
    door.chrome.refresh()
    door.one("input[name=password]")
    assert not door.texts(".row")


def test_a_wrong_password_is_refused_and_guessing_has_to_wait(server: Server, door: Page) -> None:
    person(server, "bob", "viewer", int(server.app["id"]))
    fill(door, name="bob", password="not it")
    wait_until(lambda: complaint(door) == "Name or password is wrong.", "the refusal")
    assert door.one("input[name=name]").get_attribute("value") == "bob"
    fill(door, name="nobody here", password="not it")
    wait_until(lambda: complaint(door) == "Name or password is wrong.", "the same refusal")
    bob = login_failure.c.subject == Subject("account", "bob", 3).key
    guessed = update(login_failure).where(bob)
    with accounts_of(server).engine.begin() as connection:
        assert connection.execute(guessed.values(failures=12)).rowcount == 1
    fill(door, name="bob", password=PASSWORD)
    wait_until(lambda: "Too many attempts" in complaint(door), "the lock")
    server.run("account", "enable", "bob")
    fill(door, name="bob", password=PASSWORD)
    assert "for members" in door.text(".row")


def test_the_second_factor_is_asked_for(server: Server, door: Page) -> None:
    account = person(server, "cleo", "viewer", int(server.app["id"])).account
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    accounts_of(server).change(account.id, {"totp_secret": secret, "totp_enabled": 1})
    fill(door, name="cleo", password=PASSWORD)
    door.one("input[name=code]")
    fill(door, code="000000")
    wait_until(lambda: complaint(door) == "Name, password or code is wrong.", "the refusal")
    assert not door.texts(".row")
    fill(door, code=TOTP(secret).now())
    assert "for members" in door.text(".row")


def test_the_way_by_an_issuer_is_shown_where_there_is_one(
    make_server: Callable[..., Server], chrome: Chrome, door: Page
) -> None:
    ways = "return fetch('/api/v1/login').then((reply) => reply.json())"
    assert chrome.execute_script(ways) == {"single_sign_on": False, "registration": False}
    assert not door.texts("a.link")
    issuer = TestIssuer()
    issuer.person["apps"] = ["test"]
    server = make_server(
        REDLOG_OIDC__ISSUER=issuer.url,
        REDLOG_OIDC__CLIENT_ID=CLIENT,
        REDLOG_OIDC__CLIENT_SECRET=SECRET,
        REDLOG_OIDC__APPS_CLAIM="apps",
        REDLOG_ACCOUNT__REGISTRATION="viewer",
    ).start()
    assert server.report({"message": "for members"}).status_code == 202
    wait_until(lambda: server.query(), "the record")
    chrome.get(server.url)
    assert chrome.execute_script(ways) == {"single_sign_on": True, "registration": True}
    door.one("a.link").click()
    assert "for members" in door.text(".row")
    issuer.stop()


def test_a_session_that_is_ended_elsewhere_leads_to_the_sign_in(server: Server, door: Page) -> None:
    person(server, "dan", "viewer", int(server.app["id"]))
    fill(door, name="dan", password=PASSWORD)
    door.one(".row")
    server.run("account", "disable", "dan")
    time.sleep(KNOWN_SECONDS)  # so long a worker may not know of it
    door.ask("something else")
    door.one("input[name=password]")
    assert not door.texts(".row")


def test_requests_that_are_refused_together_renew_the_session(server: Server, door: Page) -> None:
    person(server, "eli", "viewer", int(server.app["id"]))
    fill(door, name="eli", password=PASSWORD)
    door.one(".row")
    for query in ("for", "members", "for members"):
        door.chrome.delete_cookie("redlog_access")  # as when it has run out
        door.ask(query)
        wait_until(lambda: door.chrome.get_cookie("redlog_access"), "a fresh one")
        door.shows(1)
    assert not door.texts("input[name=password]")


def test_it_outlives_a_server_that_is_stopped_and_started(
    make_server: Callable[..., Server], chrome: Chrome
) -> None:
    server = make_server().start()
    server.report([{"message": f"before {n}"} for n in range(3)])
    wait_until(lambda: len(server.query()) == 3, "the records")
    with opened(chrome, server) as go:
        shown = go("?q=before")
        shown.expected += ["ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET"]
        shown.shows(3)
        server.stop()
        assert "does not answer" in shown.text(".banner")
        assert len(shown.texts(".row")) == 3  # what was read stays
        server.start()
        server.report([{"message": "before and after", "time": time.time()}])
        wait_until(lambda: not shown.texts(".banner"), "the end of the complaint")
        shown.shows(4)
        assert "before and after" in shown.texts(".row")[0]
