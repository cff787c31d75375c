"""The dashboard's pages of accounts and of one's own: what is done there happens."""

import time
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
import requests
from dashboard_page import Page
from form_filling import click, says, write
from people import CHEAP, PASSWORD, person
from PIL import Image
from pyotp import TOTP
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select
from started import Server, wait_until
from zxingcpp import read_barcode

pytestmark = [pytest.mark.server, pytest.mark.browser]
FRESH = "ein neues Kennwort, 新密码"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    shared = Server(folder / "data", folder / "server.log", CHEAP).start()
    person(shared, "ada", "admin")
    yield shared
    shared.kill()


class Somebody(Page):
    """Somebody at the dashboard, signed in by name and password."""

    def __init__(self, chrome: Chrome, server: Server) -> None:
        super().__init__(chrome)
        self.server = server
        self.expected = ["/me - Failed", "/refresh - Failed", "/login - Failed"]

    def sign_in(self, name: str, search: str, password: str = PASSWORD) -> "Somebody":
        self.chrome.get(f"{self.server.url}/healthz")
        self.chrome.delete_all_cookies()
        self.chrome.execute_script("localStorage.clear(); sessionStorage.clear()")
        self.chrome.get(f"{self.server.url}/?{search}")
        write(self, "name", name)
        write(self, "password", password)
        self.press(Keys.ENTER)
        return self

    def rows(self) -> list[list[str]]:
        """The cells of the table, but for the last column's buttons."""
        self.one(".table tbody tr")
        return [row.split("\t") for row in self.texts(".table tbody tr")]

    def asked(self, path: str) -> list[str]:
        """The requests to a route since the page was opened."""
        script = "return performance.getEntriesByType('resource').map(each => each.name)"
        return [name for name in self.chrome.execute_script(script) if name.endswith(path)]

    def once(self) -> str:
        """What is shown only once."""
        return str(self.text(".once code"))


@pytest.fixture
def ada(server: Server, chrome: Chrome) -> Iterator[Somebody]:
    """An admin; at the end the console must be clean."""
    size = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    chrome.get_log("browser")
    somebody = Somebody(chrome, server)
    yield somebody
    said = [line["message"] for line in chrome.get_log("browser")]
    assert [line for line in said if not any(text in line for text in somebody.expected)] == []


def log_in(server: Server, name: str, password: str, **more: Any) -> requests.Response:
    body = {"username": name, "password": password, **more}
    return requests.post(f"{server.url}/api/v1/login", json=body, timeout=60)


def asked(server: Server, token: str, path: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{server.url}/api/v1/{path}", headers=headers, timeout=60)


# Accounts of others.


def test_an_account_is_made_changed_and_deleted(ada: Somebody, server: Server) -> None:
    ada.sign_in("ada", "page=accounts").one(".table")
    write(ada, "name", "ADA")
    click(ada, "Create account")
    says(ada, "There is an account of this name.", ".entry:has([name=name]) .complaint")
    write(ada, "name", "王小明")
    write(ada, "password", "short")
    click(ada, "Create account")
    says(ada, "10", ".entry:has([name=password]) .complaint")
    write(ada, "password", "")
    Select(ada.one("[name=role]")).select_by_value("member")
    ada.one("[name=apps]").click()
    click(ada, "Create account")
    given = ada.once()
    assert log_in(server, "王小明", given).json()["account"]["must_change"] is True
    wait_until(lambda: len(ada.rows()) == 3, "the account in the list")
    assert ada.rows()[-1][:4] == ["王小明", "member", "test", "must change the password"]
    click(ada, "I have it")
    click(ada, "王小明", ".table a")
    ada.one("[name=disabled]").click()
    ada.one("[name=apps]").click()
    click(ada, "Save")
    says(ada, "Saved.", "[role=status]")
    assert log_in(server, "王小明", given).status_code == 401
    ada.one("[name=disabled]").click()
    click(ada, "Save")
    click(ada, "Reset password")
    click(ada, "Reset password", ".danger")
    second = ada.once()
    assert log_in(server, "王小明", given).status_code == 401
    account = log_in(server, "王小明", second).json()["account"]
    assert (account["role"], account["apps"], account["disabled"]) == ("member", [], False)
    click(ada, "Delete account")
    click(ada, "Delete account", ".danger")
    wait_until(lambda: len(ada.rows()) == 2, "the shorter list")
    assert log_in(server, "王小明", second).status_code == 401
    ada.expected += ["409 (CONFLICT)", "400 (BAD REQUEST)"]


def test_the_last_admin_stays(ada: Somebody, server: Server) -> None:
    ada.sign_in("ada", "page=accounts").one(".table")
    click(ada, "admin", ".table a")
    click(ada, "Delete account")
    click(ada, "Delete account", ".danger")
    click(ada, "ada", ".table a")
    click(ada, "Delete account")
    click(ada, "Delete account", ".danger")
    says(ada, "last administrator", ".sure .complaint")
    Select(ada.one("[name=role]")).select_by_value("viewer")
    click(ada, "Save")
    says(ada, "last administrator", ".foot .complaint")
    ada.expected.append("409 (CONFLICT)")


def test_who_is_invited_makes_an_account(ada: Somebody, server: Server) -> None:
    ada.sign_in("ada", "page=accounts&part=invitations").one("[name=days]")
    ada.one("[name=apps]").click()
    click(ada, "Make an invitation")
    link = ada.once()
    assert "#rli_" in link and link.startswith(f"{server.url}/?")
    assert ada.rows()[0][:3] == ["viewer", "test", "account ada"]
    ada.one(".sign-out").click()
    ada.one("input[name=password]")
    ada.chrome.get(link)
    write(ada, "name", "grace")
    write(ada, "fresh", FRESH)
    write(ada, "again", "another one")
    click(ada, "Make account")
    says(ada, "not the same")
    write(ada, "again", FRESH)
    click(ada, "Make account")
    assert ada.text(".who") == "grace"
    assert ada.chrome.current_url == f"{server.url}/"
    assert log_in(server, "grace", FRESH).json()["account"]["apps"] == [server.app["id"]]
    ada.chrome.get("about:blank")
    ada.chrome.get(link)
    for name, text in (("name", "mallory"), ("fresh", FRESH), ("again", FRESH)):
        write(ada, name, text)
    click(ada, "Make account")
    says(ada, "used already")
    ada.sign_in("ada", "page=accounts&part=invitations").one(".note")
    click(ada, "Make an invitation")
    click(ada, "Take back")
    click(ada, "Take back", ".danger")
    says(ada, "No invitation is open.", ".note")
    ada.expected.append("403 (FORBIDDEN)")


def test_tokens_are_made_listed_and_revoked(ada: Somebody, server: Server) -> None:
    server.manage("app", "create", "other", "--json")
    ada.sign_in("ada", "page=accounts&part=tokens").one(".table")
    write(ada, "name", "grafana")
    ada.one("[name=apps]").click()
    write(ada, "days", "3")
    click(ada, "Make a token")
    token = ada.once()
    me = asked(server, token, "me").json()
    assert (me["role"], me["apps"]) == ("viewer", [server.app["id"]])
    click(ada, "I have it")
    assert token not in ada.chrome.page_source

    def row() -> list[str]:
        return next(row for row in ada.rows() if row[0] == "grafana")

    assert row()[:4] == ["grafana", "read", "test", "ada"]
    assert [row[3] for row in ada.rows() if row[0] == "manage.py"] == ["operator"]
    buttons = [row[0] for row in ada.rows()].index("grafana")
    ada.chrome.find_elements("css selector", ".table .action")[buttons].click()
    assert "Refuse grafana from now on?" in ada.text(".sure")
    click(ada, "Revoke", ".danger")
    wait_until(lambda: "grafana" not in [row[0] for row in ada.rows()], "the shorter list")
    wait_until(lambda: asked(server, token, "me").status_code == 401, "the end of the token")


def test_the_audit_log_is_read_page_by_page(ada: Somebody, server: Server) -> None:
    maker = person(server, "maker", "admin").tokens()["token"]
    headers = {"Authorization": f"Bearer {maker}"}
    for number in range(60):
        body = {"label": f"key {number}"}
        path = f"{server.url}/api/v1/apps/{server.app['id']}/keys"
        assert requests.post(path, json=body, headers=headers, timeout=60).status_code == 201
    ada.sign_in("ada", "page=accounts&part=audit").one(".table")
    assert len(ada.rows()) == 50
    write(ada, "act", "key.create")
    write(ada, "actor", "account maker")
    ada.press(Keys.ENTER)
    wait_until(lambda: {row[2] for row in ada.rows()} == {"key.create"}, "the acts")
    assert (ada.address()["act"], ada.address()["actor"]) == ("key.create", "account maker")
    assert '{"label":"key 59"}' in ada.rows()[0]
    click(ada, "Older →", "a")
    wait_until(lambda: len(ada.rows()) == 10, "the second page")
    assert '{"label":"key 0"}' in ada.rows()[-1]
    ada.chrome.refresh()
    wait_until(lambda: len(ada.rows()) == 10, "the second page, by its address")
    click(ada, "← Newest", "a")
    wait_until(lambda: len(ada.rows()) == 50, "the first page")
    write(ada, "act", "nothing")
    ada.press(Keys.ENTER)
    says(ada, "No such act.", ".note")


# One's own.


def test_the_password_is_changed(ada: Somebody, server: Server) -> None:
    bob = person(server, "bob", "viewer", int(server.app["id"]))
    other = bob.tokens()["token"]
    ada.sign_in("bob", "page=account").one("[name=new_password]")
    for name, text in (("password", "wrong"), ("new_password", FRESH), ("again", "x")):
        write(ada, name, text)
    click(ada, "Change password")
    says(ada, "not the same", ".entry:has([name=again]) .complaint")
    write(ada, "again", FRESH)
    click(ada, "Change password")
    says(ada, "wrong", ".entry:has([name=password]) .complaint")
    assert len(ada.asked("me/password")) == 1  # each failed attempt counts
    write(ada, "password", PASSWORD)
    click(ada, "Change password")
    says(ada, "Saved.", "[role=status]")
    assert log_in(server, "bob", PASSWORD).status_code == 401
    assert log_in(server, "bob", FRESH).status_code == 200
    wait_until(lambda: asked(server, other, "me").status_code == 401, "the end of the session")
    ada.chrome.refresh()
    assert ada.text(".who") == "bob"
    ada.expected += ["401 (UNAUTHORIZED)"]


def scanned(page: Page) -> str:
    """What the QR code says, as it is on the screen: dark on light, its edge too."""
    shown = Image.open(BytesIO(page.one("svg.code").screenshot_as_png)).convert("L")
    assert shown.crop((0, 0, shown.width, 12)).getextrema() == (255, 255)
    found = read_barcode(shown, try_invert=False)
    assert found is not None
    return found.text


def test_a_second_factor_is_set_up_and_removed(ada: Somebody, server: Server) -> None:
    person(server, "carol", "viewer")
    ada.sign_in("carol", "page=account").one("[name=new_password]")
    second = "form:last-of-type"
    ada.one(f"{second} [name=password]").send_keys("wrong", Keys.ENTER)
    says(ada, "wrong", f"{second} .complaint")
    ada.one(f"{second} [name=password]").clear()
    ada.one(f"{second} [name=password]").send_keys(PASSWORD, Keys.ENTER)
    ada.one("svg.code")
    secret, uri = ada.texts(".secret code")
    assert uri.startswith("otpauth://totp/RedLog:carol?secret=" + secret)
    write(ada, "code", "000000")
    ada.press(Keys.ENTER)
    says(ada, "wrong", ".entry:has([name=code]) .complaint")
    write(ada, "code", TOTP(secret).now())
    ada.press(Keys.ENTER)
    says(ada, "asked for at each sign-in", "[role=status]")
    assert log_in(server, "carol", PASSWORD).json()["code"] == "code_needed"
    ada.sign_in("carol", "page=account").one("[name=code]")
    next_code = TOTP(secret).at(int(time.time()) + 30)  # each is good once
    ada.one("[name=code]").send_keys(next_code, Keys.ENTER)
    ada.one("[name=new_password]")
    ada.one(f"{second} [name=password]").send_keys(PASSWORD, Keys.ENTER)
    says(ada, "Only the password", "[role=status]")
    assert log_in(server, "carol", PASSWORD).status_code == 200
    ada.expected += ["401 (UNAUTHORIZED)"]


def test_sessions_are_listed_and_ended(ada: Somebody, server: Server) -> None:
    other = person(server, "dora", "viewer").tokens()["token"]
    ada.sign_in("dora", "page=account&part=sessions").one(".table")
    assert [row[-1] for row in ada.rows()] in (["this one", "Sign out"], ["Sign out", "this one"])
    click(ada, "Sign out", ".table .action")
    click(ada, "Sign out", ".danger")
    wait_until(lambda: [row[-1] for row in ada.rows()] == ["this one"], "the end of the other one")
    wait_until(lambda: asked(server, other, "me").status_code == 401, "its token's end")


def test_a_viewer_makes_tokens_that_read(ada: Somebody, server: Server) -> None:
    person(server, "eve", "viewer", int(server.app["id"]))
    ada.sign_in("eve", "page=account&part=tokens").one("[name=scope]")
    assert [option.text for option in Select(ada.one("[name=scope]")).options] == ["read"]
    assert "There is no token." in ada.texts(".note")  # of the others' none is shown
    write(ada, "name", "mine")
    click(ada, "Make a token")
    assert asked(server, ada.once(), "me").json()["apps"] == [server.app["id"]]
    wait_until(lambda: ada.rows()[0][:3] == ["mine", "read", "test"], "the token in the list")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("part", ["", "sessions", "tokens"])
def test_everybody_can_use_ones_own_pages(ada: Somebody, theme: str, part: str) -> None:
    ada.sign_in("ada", f"page=account&part={part}&theme={theme}").one(".leaf h1")
    wait_until(lambda: not ada.texts(".waiting"), "the answers")
    if not part:
        ada.one("form:last-of-type [name=password]").send_keys(PASSWORD, Keys.ENTER)
        assert scanned(ada) == ada.texts(".secret code")[1]
    assert ada.barriers() == "[]"
