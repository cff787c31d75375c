"""The script of the JavaScript SDK, as pages of any origin load it."""

import gzip

import pytest
import requests
from conftest import StartServer
from started import ROOT, Server

pytestmark = pytest.mark.server
SCRIPT = (ROOT / "sdk" / "js" / "dist" / "redlog.js").read_bytes()


def test_any_page_may_load_it_and_keep_it_for_an_hour(server: Server) -> None:
    headers = {"Origin": "https://shop.example.com", "Accept-Encoding": "gzip"}
    answer = requests.get(f"{server.url}/sdk/redlog.js", headers=headers, timeout=60)
    assert (answer.status_code, answer.content) == (200, SCRIPT)
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Cache-Control"].startswith("public, max-age=3600")
    assert int(answer.headers["Content-Length"]) == len(gzip.compress(SCRIPT, 9, mtime=0)) <= 5000


def test_who_has_it_gets_it_no_second_time(server: Server) -> None:
    url = f"{server.url}/sdk/redlog.js"
    first = requests.get(url, timeout=60)
    again = requests.get(url, headers={"If-None-Match": first.headers["ETag"]}, timeout=60)
    assert (again.status_code, again.content) == (304, b"")


def test_a_node_that_only_takes_reports_has_it(make_server: StartServer) -> None:
    node = make_server(REDLOG_SERVER__ROLE="ingest").start()
    assert requests.get(f"{node.url}/sdk/redlog.js", timeout=60).content == SCRIPT
