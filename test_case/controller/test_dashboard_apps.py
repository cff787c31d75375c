"""The dashboard's page of apps: what is done there happens, and what is shown works."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from dashboard_page import Open, Page, opened
from form_filling import click, write
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select
from started import ROOT, Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]


class Silent(SimpleHTTPRequestHandler):
    """Files of a folder, with nothing said."""

    def log_message(self, *_: Any) -> None:
        """Be silent."""


class Admin:
    """An admin at the page of apps, and beside it by the API."""

    def __init__(self, server: Server, open_page: Open) -> None:
        self.server = server
        self.token = str(server.manage("token", "create", "--scope", "admin", "--json")["token"])
        self.open_page = open_page

    def at(self, search: str) -> Page:
        return self.open_page(f"?page=apps{search}", token=self.token)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.server.url}/api/v1/{path}"
        answer = self.server.http.request(method, url, json=body, headers=headers, timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    def made(self, name: str, **settings: Any) -> dict[str, Any]:
        return dict(self.call("POST", "apps", {"name": name, **settings}))


@pytest.fixture
def admin(server: Server, chrome: Chrome) -> Iterator[Admin]:
    with opened(chrome, server) as go:
        yield Admin(server, go)


# Snippets.


def snippets(page: Page) -> dict[str, str]:
    """What the button would copy, for each client that can be chosen."""
    page.one("[data-snippet=curl]")
    choice, texts = Select(page.one("[name=client]")), {}
    for number, option in enumerate(choice.options):
        choice.select_by_index(number)
        name = str(option.get_attribute("value"))
        pre = page.one(f"[data-snippet={name}] pre")
        texts[name] = str(pre.get_property("textContent"))
    return texts


def run_in_shell(text: str, folder: Path) -> str:
    script = folder / "snippet.sh"
    script.write_text(text, "utf-8")
    done = subprocess.run(["bash", str(script)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_in_python(text: str) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-c", text], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_in_browser(chrome: Chrome, text: str, folder: Path) -> str:
    """On a page of another origin, without a policy of its own."""
    (folder / "index.html").write_text(
        "<!doctype html><title>a shop</title><link rel=icon href=data:,>"
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder))) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        chrome.get(f"http://127.0.0.1:{http.server_port}/index.html")
        script = "const said = arguments[0]; console.log = (...all) => said(all.join(' ')); "
        said = str(chrome.execute_async_script(script + text))
        chrome.get("about:blank")
        http.shutdown()
    return said


SDK = str(ROOT / "sdk/python/src")
OTEL = """
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

provider = LoggerProvider()
provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
body = "hello from OpenTelemetry, 你好"
provider.get_logger("shop").emit(LogRecord(body=body, severity_number=SeverityNumber.INFO))
provider.shutdown()
"""


def test_the_snippets_report_as_they_are_shown(
    admin: Admin, chrome: Chrome, tmp_path: Path
) -> None:
    app = admin.made("first steps")
    shown = admin.at(f"&id={app['id']}")
    assert "Waiting" in shown.text(".arrival")
    texts = snippets(shown)
    assert [name for name, text in texts.items() if app["ingest_key"] not in text] == []
    assert '"accepted":1' in run_in_shell(texts["curl"], tmp_path)
    wait_until(lambda: "hello from curl, 你好" in shown.text(".arrival"), "the arrival")
    shown.one(".arrival a").click()
    assert shown.text(".whole-message") == "hello from curl, 你好"
    assert run_in_python(texts["python"]).startswith('202 {"accepted":1')
    assert run_in_browser(chrome, texts["javascript"], tmp_path).startswith('202 {"accepted":1')
    others = ("redlog-python", "http-handler", "sentry-python", "elasticsearch", "gelf")
    for name in others:
        run_in_python(f"import sys; sys.path.insert(0, {SDK!r})\n{texts[name]}")
    run_in_shell(f"{texts['otel-environment']}\n{sys.executable} -c '{OTEL}'", tmp_path)
    found = wait_until(
        lambda: len(logs := admin.server.walk(app=app["id"])) == 9 and logs, "the records"
    )
    hello = {"curl": 1, "a page": 1, "Python": 1 + len(others), "OpenTelemetry": 1}
    assert Counter(log["message"] for log in found) == {
        f"hello from {what}, 你好": records for what, records in hello.items()
    }


def test_the_docs_show_the_lines_of_the_page(admin: Admin, chrome: Chrome) -> None:
    """With the key filled in, each under its client's name."""
    admin.at("").one(".table")
    script = """
        const done = arguments[arguments.length - 1];
        const values = { server: "https://logs.example.com", key: "rlk_…" };
        import("/dashboard/page/clients.js").then(({ CLIENTS, valuesOf }) =>
            done(CLIENTS.map(({ title, text }) => [title, text(valuesOf(values))])));
    """
    fence = "```"
    pairs = chrome.execute_async_script(script)
    shown = [f"## {title}\n\n{fence}\n{text}\n{fence}\n" for title, text in pairs]
    page = (ROOT / "docs/clients/lines.md").read_text("utf-8")
    assert [each for each in shown if each not in page] == []
    assert page.count("## ") == len(shown) > 20


def test_an_app_that_demands_more_gets_snippets_that_give_it(admin: Admin, tmp_path: Path) -> None:
    origins = {"allowed_origins": ["https://*.shop.example'; echo '$(echo \"broken)"]}
    app = admin.made("strict", require_signature=True, **origins)
    texts = snippets(admin.at(f"&id={app['id']}"))
    assert texts.keys() == {"curl", "python"}
    assert '"accepted":1' in run_in_shell(texts["curl"], tmp_path)
    assert run_in_python(texts["python"]).startswith('202 {"accepted":1')
    packaged = admin.made("packaged", allowed_packages=["com.example.shop"])
    texts = snippets(admin.at(f"&id={packaged['id']}"))
    assert '"accepted":1' in run_in_shell(texts["curl"], tmp_path)


# Apps.


def test_an_app_is_made_and_deleted_by_its_name(admin: Admin) -> None:
    shown = admin.at("")
    write(shown, "name", "test")
    shown.press(Keys.ENTER)
    wait_until(lambda: "taken" in shown.text(".entry .complaint"), "the complaint at the field")
    assert shown.one("[name=name]").get_attribute("aria-invalid") == "true"
    write(shown, "name", "手机 <b>app</b>")
    shown.press(Keys.ENTER)
    shown.one("[data-snippet=curl]")
    assert shown.text("h1") == "手机 <b>app</b>"
    made = shown.address()["id"]
    shown = admin.at(f"&id={made}&part=settings")
    shown.one(".danger")
    fields = shown.chrome.find_elements("css selector", "[name=name]")
    fields[-1].send_keys("other", Keys.ENTER)
    wait_until(lambda: "not the app's name" in str(shown.texts(".complaint")), "the refusal")
    fields[-1].clear()
    fields[-1].send_keys("手机 <b>app</b>", Keys.ENTER)
    shown.one(".table")
    assert "手机 <b>app</b>" not in shown.texts(".table tbody th")
    assert int(made) not in [app["id"] for app in admin.call("GET", "apps")["apps"]]
    shown.expected += ["409 (CONFLICT)", "400 (BAD REQUEST)"]


def test_the_keys_of_logan_are_set_one_by_one_and_never_shown(admin: Admin) -> None:
    app = admin.made("logan", logan_iv="fedcba9876543210")
    shown = admin.at(f"&id={app['id']}&part=settings")
    own = "form:has([name=logan_key])"
    shown.one(own)
    assert shown.texts(".entry:has([name^=logan]) .hint") == ["", "It is set.", ""]
    write(shown, "logan_private_key", "-----BEGIN")
    shown.one(f"{own} .main").click()
    complaint = ".entry:has([name=logan_private_key]) .complaint"
    wait_until(lambda: "RSA private key" in shown.text(complaint), "the complaint")
    shown.one("[name=logan_private_key]").clear()
    write(shown, "logan_key", "0123456789abcdef")
    shown.one(f"{own} .main").click()
    hint = ".entry:has([name=logan_key]) .hint"
    wait_until(lambda: shown.text(hint) == "It is set.", "the new state")
    assert shown.one("[name=logan_key]").get_property("value") == ""
    changed = admin.call("GET", f"apps/{app['id']}")
    names = ("logan_key", "logan_iv", "logan_private_key")
    assert [changed[name] for name in names] == [True, True, False]
    shown.expected += ["400 (BAD REQUEST)"]


def test_settings_are_changed_and_faults_stand_beside_their_field(admin: Admin) -> None:
    app = admin.made("set up")
    shown = admin.at(f"&id={app['id']}&part=settings")
    write(shown, "retention_days", "99999")
    shown.one("form .main").click()
    complaint = ".entry:has([name=retention_days]) .complaint"
    wait_until(lambda: "36500" in shown.text(complaint), "the complaint")
    write(shown, "name", "set up well")
    write(shown, "retention_days", "7")
    write(shown, "limits.records_per_minute", "900")
    shown.one("[name=allowed_origins]").send_keys("https://a.example\n  https://b.example \n")
    shown.one("[name=require_signature]").click()
    Select(shown.one("[name=min_level]")).select_by_visible_text("warning")
    Select(shown.one("[name=untrusted]")).select_by_value("mark")
    shown.one("form .main").click()
    wait_until(lambda: "Saved." in shown.texts("[role=status]"), "the end")
    wait_until(lambda: shown.text("h1") == "set up well", "the new name")
    changed = {"name": "set up well", "retention_days": 7, "min_level": "warning"}
    changed |= {"allowed_origins": ["https://a.example", "https://b.example"], "untrusted": "mark"}
    changed |= {"require_signature": True, "limits": app["limits"] | {"records_per_minute": 900}}
    assert admin.call("GET", f"apps/{app['id']}") == {**app, **changed}
    act = admin.call("GET", "audit?act=app.update&limit=1")["acts"][0]
    assert act["details"] == changed  # and nothing that stayed
    shown.one("form .main").click()
    wait_until(lambda: "Nothing was changed." in shown.texts("[role=status]"), "the answer")
    shown.expected.append("400 (BAD REQUEST)")


def test_the_secret_is_shown_on_demand(admin: Admin) -> None:
    app = admin.made("secretive")
    shown = admin.at(f"&id={app['id']}&part=settings")
    shown.one("form")
    text = "return document.body.innerHTML"
    assert app["secret"] not in shown.chrome.execute_script(text)
    click(shown, "Show")
    assert shown.text(".secret code") == app["secret"]


def test_keys_are_made_labelled_rotated_and_revoked(admin: Admin) -> None:
    app = admin.made("keyed")
    shown = admin.at(f"&id={app['id']}&part=keys")
    assert shown.text(".table code") == app["ingest_key"]

    def keys(count: int) -> list[dict[str, Any]]:
        wait_until(lambda: len(shown.texts(".table tbody tr")) == count, f"{count} keys")
        return list(admin.call("GET", f"apps/{app['id']}/keys")["keys"])

    def status(key: str) -> int:
        return int(admin.server.report({"message": "m"}, key=key).status_code)

    write(shown, "label", "Android")
    shown.press(Keys.ENTER)
    first, second = keys(2)
    assert second["label"] == "Android"
    shown.one(".rename").click()
    write(shown, "label", "web")
    shown.press(Keys.ENTER)
    wait_until(lambda: "web" in shown.texts(".rename"), "the label")
    click(shown, "Rotate")
    shown.one('.sure input[type="number"]').clear()
    shown.one('.sure input[type="number"]').send_keys("48")
    click(shown, "Rotate", ".sure .danger")
    old, _, new = keys(3)
    assert (old["id"], old["label"], new["label"]) == (first["id"], "web", "web")
    assert old["expires_at"] is not None and new["expires_at"] is None
    assert [status(each["key"]) for each in (old, second, new)] == [202] * 3
    click(shown, "Revoke")
    assert "Refuse web from now on?" in shown.text(".sure")
    shown.press(Keys.ESCAPE)
    assert [each["id"] for each in keys(3)] == [old["id"], second["id"], new["id"]]
    click(shown, "Revoke")
    shown.press(Keys.ENTER)  # a key held down does nothing
    assert "Refuse web from now on?" in shown.text(".sure")
    shown.press(Keys.TAB, Keys.ENTER)
    assert [each["id"] for each in keys(2)] == [second["id"], new["id"]]
    wait_until(lambda: status(old["key"]) == 401, "the end of the key")


def test_scrubbing_is_tried_before_it_is_kept(admin: Admin) -> None:
    app = admin.made("scrubbed")
    shown = admin.at(f"&id={app['id']}&part=scrubbing")
    shown.one('[name=builtin][value="passwords"]').click()
    click(shown, "Add a rule")
    shown.one(".rule textarea").send_keys("user_id")
    click(shown, "Try the rules above")
    wait_until(lambda: len(shown.texts(".table tbody tr")) == 2, "the outcome")
    kept = [row.split("\t")[-1] for row in shown.texts(".table tbody tr")]
    assert kept == ["sign-in of ada@example.com, password=[secret]", "[scrubbed]"]
    assert admin.call("GET", f"apps/{app['id']}")["scrubbing"] == {"builtin": [], "rules": []}
    click(shown, "Add a rule")
    click(shown, "Save")
    wait_until(
        lambda: "names fields, a pattern or both" in str(shown.texts(".foot .complaint")),
        "the refusal",
    )
    click(shown, "Remove rule 2")
    click(shown, "Save")
    wait_until(lambda: "Saved." in shown.texts("[role=status]"), "the end")
    rule = {"fields": ["user_id"], "pattern": "", "replacement": "[scrubbed]"}
    assert admin.call("GET", f"apps/{app['id']}")["scrubbing"] == {
        "builtin": ["passwords"],
        "rules": [rule],
    }
    write(shown, "logs", "{")
    click(shown, "Try the rules above")
    wait_until(lambda: "JSON" in str(shown.texts(".entry .complaint")), "the complaint")
    shown.expected.append("400 (BAD REQUEST)")


def test_a_member_changes_apps_but_makes_and_deletes_none(admin: Admin) -> None:
    app = str(admin.server.app["id"])
    token = admin.server.manage("token", "create", "--scope", "admin", "--app", app, "--json")
    shown = admin.open_page("?page=apps", token=token["token"])
    shown.one(".table")
    assert shown.texts(".table tbody th") == ["test"]
    assert shown.chrome.find_elements("css selector", "form") == []
    shown = admin.open_page(f"?page=apps&id={app}&part=settings", token=token["token"])
    shown.one("form .main")
    assert shown.chrome.find_elements("css selector", ".danger") == []
    shown = admin.open_page("?page=apps&id=999", token=token["token"])
    assert "refused" in shown.text(".banner")
    shown.expected.append("404 (NOT FOUND)")
