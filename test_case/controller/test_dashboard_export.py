"""The dashboard's export: all that the view shows, as a file of the browser."""

import csv
import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from dashboard_page import Open, Page, opened
from selenium.webdriver import Chrome
from started import Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]


@pytest.fixture(scope="module")
def filled(server: Server) -> Server:
    """3,000 records, a third of them errors: more than the list loads at first."""
    now = time.time()
    records = [
        {"message": f"支付 {n}", "time": now - n, "level": "info" if n % 3 else "error"}
        for n in range(3000)
    ]
    server.report(records)
    wait_until(lambda: len(server.walk()) == 3000, "the records")
    return server


@pytest.fixture
def page(filled: Server, chrome: Chrome, tmp_path: Path) -> Iterator[Open]:
    """Opens the dashboard; what it saves goes to `tmp_path`."""
    behaviour = {"behavior": "allow", "downloadPath": str(tmp_path)}
    chrome.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
    chrome.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Shanghai"})
    with opened(chrome, filled) as go:
        yield go
    chrome.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})


def saved(folder: Path, suffix: str) -> Path:
    """The file that the browser has saved."""
    found = wait_until(lambda: list(folder.glob(f"redlog-*.{suffix}")), f"a {suffix} file")
    return Path(found[0])


def export(page: Page, kind: str) -> None:
    page.one(".row")
    page.one(".export-toggle").click()
    page.one(f".export .{kind}").click()


def test_csv_has_all_of_the_view_in_the_zone_of_the_reader(page: Open, tmp_path: Path) -> None:
    shown = page("?level=error&q=支付")
    export(shown, "csv")
    text = saved(tmp_path, "csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(text.decode("utf-8-sig").splitlines()))
    assert len(rows) == 1000 and {row["level"] for row in rows} == {"error"}
    assert [row["message"] for row in rows[:2]] == ["支付 0", "支付 3"]
    assert rows[0]["time"].endswith("+08:00")
    assert abs(datetime.fromisoformat(rows[0]["time"]).timestamp() - time.time()) < 3600
    wait_until(lambda: not shown.texts(".sheet"), "the closed menu")


def test_ndjson_is_what_the_api_answers(page: Open, tmp_path: Path, filled: Server) -> None:
    shown = page("?zone=utc")
    export(shown, "ndjson")
    lines = saved(tmp_path, "ndjson").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == filled.walk()


def test_a_failure_saves_nothing_and_is_told(page: Open, tmp_path: Path) -> None:
    shown = page()
    shown.expected.append("ERR_INTERNET_DISCONNECTED")
    shown.one(".row")
    shown.goes_offline()
    export(shown, "csv")
    wait_until(lambda: "does not answer" in "".join(shown.texts(".export .complaint")), "why")
    shown.comes_back()
    assert list(tmp_path.iterdir()) == []
    shown.one(".export .csv").click()
    saved(tmp_path, "csv")


CUT_OFF = """
    const fetchIt = window.fetch;
    window.fetch = async (url, options) => {
        const reply = await fetchIt(url, options);
        if (!String(url).includes("export")) return reply;
        const torn = new TransformStream({
            transform(chunk, onwards) { onwards.error(new TypeError("network error")); },
        });
        return new Response(reply.body.pipeThrough(torn), reply);
    };
"""


def test_an_export_that_is_cut_off_is_no_file(page: Open, tmp_path: Path) -> None:
    shown = page()
    shown.one(".row")
    shown.chrome.execute_script(CUT_OFF)
    export(shown, "ndjson")
    wait_until(lambda: "cut off" in "".join(shown.texts(".export .complaint")), "why")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("search", ["?theme=light", "?theme=dark&lang=zh"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing(page: Open, search: str, width: int) -> None:
    shown = page(search, width)
    shown.one(".histogram:not(.waiting)")
    shown.one(".export-toggle").click()
    shown.one(".export .csv")
    assert shown.barriers() == "[]"
    assert shown.chrome.execute_script("return document.documentElement.scrollWidth") == width
