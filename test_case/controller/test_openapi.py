"""The description of the API: whole, true to the code, and safe to open."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from typing import Any, get_type_hints

import pytest
from started import ROOT

from database.log_query import COLUMNS
from service import parameters
from service.docs import load_words
from service.query_schema import FILTERS, OPTIONS
from service.replies import LogRecord

ASKING = """
import json
from __init__ import app

client = app.test_client()
rules = [r for r in app.url_map.iter_rules() if not r.endpoint.startswith("adapter ")]
routes = [[r.rule, sorted(r.methods - {"HEAD", "OPTIONS"})] for r in rules]
page = client.get("/api/docs")
chinese = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
print(json.dumps({
    "routes": routes,
    "document": client.get("/api/openapi.json").json,
    "page": page.text,
    "chinese": client.get("/api/docs", headers=chinese).text,
    "asked": [client.get(f"/api/docs?lang={lang}", headers=chinese).text for lang in ("en", "zh")],
    "vary": page.headers["Vary"],
    "other": [client.get(f"/api/docs?{q}").status_code for q in ("lang=fr", "lang=", "l=zh")],
    "policy": page.headers["Content-Security-Policy"],
}))
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The routes, their description and the page, as a process of its own sees them."""
    done = subprocess.run(
        [sys.executable, "-c", ASKING],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "REDLOG_DATA_DIR": str(tmp_path_factory.mktemp("data"))},
        check=True,
    )
    return dict(json.loads(done.stdout))


def test_every_route_is_described(asked: dict[str, Any]) -> None:
    """By `@describes(…)` above its view; protocols of others have descriptions of their own."""
    described = {
        (path, method.upper())
        for path, methods in asked["document"]["paths"].items()
        for method in methods
    }
    assert described == {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule), method)
        for rule, methods in asked["routes"]
        for method in methods
    }


def test_every_type_that_is_named_is_there(asked: dict[str, Any]) -> None:
    written = json.dumps(asked["document"])
    named = set(re.findall(r'"#/components/schemas/(\w+)"', written))
    assert named == set(asked["document"]["components"]["schemas"])
    names = [route["operationId"] for _, _, route in operations(asked)]
    assert len(names) == len(set(names))


def operations(asked: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    paths = asked["document"]["paths"].items()
    return [(path, method, route) for path, methods in paths for method, route in methods.items()]


def test_what_needs_a_key_or_token_says_so(asked: dict[str, Any]) -> None:
    for path, method, route in operations(asked):
        replies = set(route["responses"])
        signs_in = path.endswith(("v1/login", "refresh", "callback"))
        guarded = "security" in route or (signs_in and route["operationId"] != "show_ways")
        assert ("401" in replies) == guarded, (method, path)
        assert "500" not in replies
        assert any(status < "400" for status in replies)
        if "requestBody" in route:
            assert {"400", "413", "415"} <= replies
        if "{" in path:
            assert "404" in replies


def test_the_described_parameters_are_those_that_are_read() -> None:
    assert set(FILTERS) == {
        "app",
        *parameters.TEXT_FILTERS,
        *parameters._BOUNDS,
        *parameters._CONDITIONS,
    }
    assert set(OPTIONS) == set(parameters._OPTIONS)


def test_a_described_record_has_the_columns_of_a_stored_one() -> None:
    assert set(get_type_hints(LogRecord)) == {*COLUMNS, "app", "level"} - {"app_id"}


def test_the_page_runs_and_loads_nothing(asked: dict[str, Any]) -> None:
    page, policy = asked["page"], asked["policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert not re.search(r"<script|<link|<img|<iframe|\son\w+=|style=|javascript:|src=", page)
    assert set(re.findall(r'href="([^#"]+)', page)) == {"/", "/api/openapi.json", "?lang=zh"}


def test_the_page_shows_every_route_and_type(asked: dict[str, Any]) -> None:
    for path, method, _ in operations(asked):
        plain = re.sub(r"<[^>]*>", "", asked["page"])
        assert plain.count(f"{method.upper()} {path}\n") == 2, (method, path)  # in the list, too
    for page in (asked["page"], asked["chinese"]):
        ids = re.findall(r'id="([\w-]+)"', page)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'href="#(\w+)"', page)) <= set(ids)


def test_the_page_speaks_chinese_where_the_browser_does(asked: dict[str, Any]) -> None:
    assert asked["asked"] == [asked["page"], asked["chinese"]]
    assert asked["vary"] == "Accept-Language"
    assert '<html lang="zh-CN">' in asked["chinese"] and "一页日志" in asked["chinese"]
    assert '<html lang="en">' in asked["page"]
    assert not re.search("[\u3400-\u9fff]", asked["page"].replace("中文", "").replace("你好", ""))
    assert asked["other"] == [400, 400, 400]


def test_every_route_is_there_in_chinese(asked: dict[str, Any]) -> None:
    """In resource/docs.yaml, by its operationId; its group and its parameters, too."""
    words = load_words(ROOT / "resource")
    document = asked["document"]
    assert {route["operationId"] for _, _, route in operations(asked)} - set(words.routes) == set()
    assert {tag["name"] for tag in document["tags"]} - set(words.groups) == set()
    assert {*FILTERS, *OPTIONS} - set(words.parameters) == set()
    assert words.words["en"].keys() == words.words["zh"].keys()
