"""The files of a record in the dashboard's drawer."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from dashboard_page import Open, opened
from recorded.sentry import ALL, FILE
from selenium.webdriver import Chrome
from started import Server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.browser]


@pytest.fixture
def page(server: Server, chrome: Chrome, tmp_path: Path) -> Iterator[Open]:
    """Opens the dashboard on an envelope's records; what it saves goes to `tmp_path`."""
    sent = requests.post(f"{server.url}/k/{server.key}/api/1/envelope/", data=ALL, timeout=60)
    assert sent.status_code == 200
    server.wait_drained()
    behaviour = {"behavior": "allow", "downloadPath": str(tmp_path)}
    chrome.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
    with opened(chrome, server) as go:
        yield go


def test_a_file_is_saved_by_a_click_and_missed_when_it_is_gone(
    page: Open, server: Server, tmp_path: Path
) -> None:
    (record,) = server.query(q="payment")
    shown = page(f"?record={record['id']}")
    assert shown.text(".attachments li") == "a.txt 5 bytes"
    assert shown.barriers() == "[]"
    shown.one(".attachments button").click()
    wait_until(lambda: (tmp_path / "a.txt").exists(), "the saved file")
    assert (tmp_path / "a.txt").read_bytes() == FILE
    for path in (server.data / "attachments").glob("*"):
        path.unlink()
    shown.expected.append("404")
    shown.one(".attachments button").click()
    assert "gone" in shown.text(".drawer [role=alert]")
