"""What stands on every reply: headers that keep browsers safe, and nothing for attackers."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import StartServer
from people import CHEAP, PASSWORD, person
from started import ROOT, Server

pytestmark = pytest.mark.server

SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "no-store",
}
LOGS = "/api/v1/logs"
INTERNALS = re.compile(r"Traceback|File \"|\.py|Error:|Exception|sqlite|/site-packages/|\bSELECT\b")


def ask(server: Server, method: str, path: str, **options: Any) -> requests.Response:
    return requests.request(method, server.url + path, timeout=60, **options)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/healthz", {}, 200),
        ("GET", "/metrics", {}, 200),
        ("HEAD", "/healthz", {}, 200),
        ("POST", LOGS, {"X-Redlog-Key": "{key}"}, 202),
        ("POST", LOGS, {"X-Redlog-Key": "{key}", "Origin": "https://page.example"}, 202),
        ("POST", LOGS, {}, 401),
        ("OPTIONS", LOGS, {"Origin": "https://a.b", "Access-Control-Request-Method": "POST"}, 200),
        ("GET", LOGS, {"Authorization": "Bearer {token}"}, 200),
        ("GET", LOGS, {}, 401),
        ("GET", "/nothing", {}, 404),
        ("DELETE", LOGS, {}, 405),
    ],
)
def test_every_reply_is_safe_to_open(
    either_server: Server, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    known = {"key": either_server.key, "token": either_server.token}
    sent = {name: value.format(**known) for name, value in headers.items()}
    answer = ask(either_server, method, path, headers=sent, data=b'{"message": "m"}')
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in SAFE} == SAFE
    assert "Strict-Transport-Security" not in answer.headers  # it is not behind TLS here


def test_the_servers_version_is_not_told(either_server: Server) -> None:
    for answer in (ask(either_server, "GET", "/healthz"), ask(either_server, "GET", "/nothing")):
        assert not re.search(r"\d", answer.headers.get("Server", ""))
        assert "X-Powered-By" not in answer.headers


def test_a_failure_inside_tells_nothing_of_the_inside(either_server: Server) -> None:
    broken = either_server.data / "run" / "metrics" / "counter_999999.db"
    used, length = (100).to_bytes(8, "little"), (16).to_bytes(4, "little")
    broken.write_bytes(used + length + b"\xff" * 100)  # no UTF-8, as no process writes it
    try:
        answer = ask(either_server, "GET", "/metrics")
    finally:
        broken.unlink()
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "status": 500,
        "code": "internal_error",
        "title": "Internal error",
        "detail": "",
    }
    assert {name: answer.headers.get(name) for name in SAFE} == SAFE
    assert "Traceback" in either_server.log_text()  # where it belongs
    assert ask(either_server, "GET", "/metrics").ok


def test_a_refusal_tells_nothing_of_the_inside(either_server: Server) -> None:
    for path in ("/nothing", f"{LOGS}/../../etc/passwd", f"{LOGS}?limit=x", "/%00", f"{LOGS}/%ff"):
        answer = ask(either_server, "GET", path, headers=_token(either_server))
        assert 400 <= answer.status_code < 500
        assert not INTERNALS.search(answer.text), answer.text
        assert str(Path(__file__).parents[2]) not in answer.text


REFUSED = [
    ("POST", f"{LOGS}?key=wrong", 401, "缺少上报密钥，或密钥无效", "没有密钥，或密钥未知：请用 "),
    ("POST", LOGS, 401, "缺少上报密钥，或密钥无效", "没有密钥，或密钥未知：请用 "),
    ("GET", f"{LOGS}?q=a+levl:x", 400, "无法理解查询", "没有字段 levl；您是否想输入 level？"),
    ("GET", f"{LOGS}?limit=0", 400, "无法理解某个参数", "limit 应为 1 到 1000 的数字"),
    ("GET", f"{LOGS}?from=x", 400, "无法理解某个参数", "from 应为 RFC 3339、Unix 时间或如 -15m"),
    ("GET", f"{LOGS}?cursor=x", 400, "游标不适用于此查询", "游标不是由本服务器生成的"),
    ("GET", f"{LOGS}/1-1", 404, "未找到", "没有日志 1-1"),
    ("GET", "/api/v1/accounts", 403, "没有权限", "角色为 viewer，而此操作需要 admin"),
    ("POST", "/api/v1/login", 400, "请求体不符合要求", "username：缺少字段 `username`"),
]


@pytest.mark.parametrize(("method", "path", "status", "title", "detail"), REFUSED)
def test_a_refusal_speaks_the_language_of_its_client(
    either_server: Server, method: str, path: str, status: int, title: str, detail: str
) -> None:
    def refused(language: str | None) -> dict[str, Any]:
        known = _token(either_server) if method == "GET" else {}
        headers = {"Accept-Language": language, **known}
        answer = ask(either_server, method, path, data=b"{}", headers=headers)
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "Accept-Language" in answer.headers["Vary"]
        problem: dict[str, Any] = answer.json()
        return problem

    english = refused(None)
    assert english["title"].isascii()
    assert english["detail"].isascii()
    for language in ("fr", "en-US,en;q=0.9,zh-CN;q=0.8", "zh;q=0", ";;q=,\xff" * 9, "*"):
        assert refused(language) == english
    for language in ("zh-CN", "zh", "fr,zh-TW;q=0.5", "ZH"):
        chinese = refused(language)
        assert chinese == {**english, "title": title, "detail": chinese["detail"]}
        assert chinese["detail"].startswith(detail)


def test_nothing_secret_stands_in_the_log(make_server: StartServer) -> None:
    server = make_server(REDLOG_SERVER__LOG_LEVEL="debug", **CHEAP)
    command = [sys.executable, str(ROOT / "manage.py"), "gunicorn-server", "--accesslog", "-"]
    server.start_as(command)
    ada, secrets = person(server, "ada", "admin"), {PASSWORD, server.key, server.token}
    given, page = ada.tokens(), ada.page()
    secrets |= {given["token"], given["refresh_token"], *page.cookies.values()}
    secrets |= {str(page.headers["X-Redlog-CSRF"]), "wr0ng-password", "wr0ng-token", "0" * 64}
    server.report({"message": "m"}, headers={"X-Redlog-Signature": f"t=1,v1={'0' * 64}"})
    for path in (f"{LOGS}?key={server.key}", f"{LOGS}?key=wr0ng-token"):
        ask(server, "POST", path, json={"message": "m"})
    login = {"username": "ada", "password": "wr0ng-password"}
    assert ask(server, "POST", "/api/v1/login", json=login).status_code == 401
    assert ask(server, "POST", "/api/v1/login", data=b'{"password": "wr0ng-password"').ok is False
    ask(server, "POST", "/api/v1/refresh", json={"refresh_token": "wr0ng-token"})
    for token in (given["token"], "wr0ng-token"):
        ask(server, "GET", LOGS, headers={"Authorization": f"Bearer {token}"})
    assert page.post(f"{server.url}/api/v1/me/password", json=login, timeout=60).status_code == 400
    made = page.post(f"{server.url}/api/v1/tokens", json={"name": "ci"}, timeout=60).json()
    secrets.add(made["token"])
    assert server.stop() == 0
    log = server.log_text()
    assert f'"POST {LOGS}" 202' in log and '"POST /api/v1/login" 401' in log
    told = [line for line in log.splitlines() if line.startswith(("[", "127.0.0.1", "20"))]
    assert len(told) > 20  # the rest is the greeting, which shows the app's key to the operator
    assert [line for line in told if any(secret in line for secret in secrets)] == []


def _token(server: Server) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.token}"}


def test_behind_tls_browsers_are_told_to_stay_there(make_server: Any) -> None:
    server: Server = make_server(REDLOG_SERVER__TRUSTED_PROXIES="127.0.0.1").start()
    proto = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
    for path in ("/healthz", "/nothing"):
        answer = ask(server, "GET", path, headers=proto)
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert "Strict-Transport-Security" not in ask(server, "GET", path).headers
