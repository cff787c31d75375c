"""What an app wants of its reports, through a real server, from the setting to the disk."""

import gzip
import json
import time
from typing import Any

import pytest
import requests
from started import Server, wait_until

from service.signature import sign

pytestmark = pytest.mark.server
MARK = "hunter2-4f1d"  # stands nowhere else


class App:
    """An app of its own on the shared server, set up by the API."""

    def __init__(self, server: Server, name: str, **settings: Any) -> None:
        self.server = server
        token = str(server.manage("token", "create", "--scope", "admin", "--json")["token"])
        self.bearer = {"Authorization": f"Bearer {token}"}
        made = self.call("POST", "/api/v1/apps", {"name": name, **settings})
        assert made.status_code == 201, made.text
        self.app = made.json()

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        url = f"{self.server.url}{path}"
        return self.server.http.request(method, url, json=body, headers=self.bearer, timeout=60)

    def report(self, body: Any, **headers: str) -> requests.Response:
        return self.server.report(body, key=self.app["ingest_key"], headers=headers)

    def logs(self, count: int) -> list[dict[str, Any]]:
        """The app's records, as soon as there are so many."""
        path = f"/api/v1/logs?app={self.app['id']}"

        def enough() -> Any:
            found = self.call("GET", path).json()["logs"]
            return found if len(found) >= count else None

        return list(wait_until(enough, f"{count} records"))

    def signed(self, body: bytes, at: int | None = None) -> str:
        at = int(time.time()) if at is None else at
        return f"t={at},v1={sign(self.app['secret'], str(at), body)}"


def test_what_is_scrubbed_never_touches_the_disk(server: Server) -> None:
    rules = [{"fields": ["attributes.note"]}]
    app = App(server, "scrubbed", scrubbing={"builtin": ["passwords", "email"], "rules": rules})
    records = [
        {"message": f"支付 password={MARK} 😀", "user_id": f"{MARK}@example.com", "level": "error"},
        {"message": "kept", "note": MARK, "n": 1.50},
    ]
    escaped = json.dumps(records).replace(MARK, "".join(f"\\u{ord(s):04x}" for s in MARK))
    for body in (json.dumps(records).encode(), escaped.encode()):
        assert app.report(body).json()["accepted"] == 2
    first, second = sorted(app.logs(4), key=lambda log: log["message"])[1:3]
    assert (first["message"], first["attributes"]) == ("kept", {"note": "[scrubbed]", "n": 1.5})
    assert (second["message"], second["user_id"]) == ("支付 password=[secret] 😀", "[email]")
    server_files = [path for path in server.data.rglob("*") if path.is_file()]
    assert any(path.suffix == ".seg" for path in server_files)
    assert [path for path in server_files if MARK.encode() in path.read_bytes()] == []


def test_a_dry_run_shows_what_would_change_and_keeps_nothing(server: Server) -> None:
    app = App(server, "tried", scrubbing={"builtin": ["ip"]})
    path = f"/api/v1/apps/{app.app['id']}/scrubbing/try"
    logs = [{"message": "10.1.2.3", "card": 4111111111111111}, {"level": 1}, {"message": "b"}]
    answer = app.call("POST", path, {"logs": logs}).json()
    changed = [{"path": "message", "before": "10.1.2.3", "after": "10.1.2.0"}]
    assert answer["records"] == [{"index": 0, "changes": changed}, {"index": 2, "changes": []}]
    assert [one["index"] for one in answer["rejected"]] == [1]
    tried = app.call("POST", path, {"logs": logs[:1], "scrubbing": {"builtin": ["cards"]}}).json()
    changed = [{"path": "attributes.card", "before": 4111111111111111, "after": "[card]"}]
    assert tried["records"] == [{"index": 0, "changes": changed}]
    for bad in (
        {"builtin": ["card"]},
        {"rules": [{"pattern": "("}]},
        {"rules": [{"fields": ["x"]}]},
    ):
        refused = app.call("POST", path, {"logs": [], "scrubbing": bad})
        set_up = app.call("PATCH", f"/api/v1/apps/{app.app['id']}", {"scrubbing": bad})
        for answered in (refused, set_up):
            assert answered.status_code == 400 and answered.json()["code"] == "bad_request_body"
            assert answered.json()["field"] == "scrubbing"
    assert app.call("POST", "/api/v1/apps/999/scrubbing/try", {"logs": []}).status_code == 404
    assert server.http.post(f"{server.url}{path}", json={"logs": []}, timeout=60).status_code == 401


def test_an_app_may_demand_signatures_that_are_good_once(server: Server) -> None:
    app = App(server, "signed", require_signature=True)
    plain = b'{"message": "signed"}'
    for body, more in ((plain, {}), (gzip.compress(plain), {"Content-Encoding": "gzip"})):
        good = app.signed(body)
        assert app.report(body, **{"X-Redlog-Signature": good}, **more).status_code == 202
        for _ in range(3):  # whichever worker answers
            again = app.report(body, **{"X-Redlog-Signature": good}, **more)
            assert (again.status_code, again.json()["code"]) == (401, "replayed_signature")
    assert len(app.logs(2)) == 2
    for header in ({}, {"X-Redlog-Signature": app.signed(plain, 1)}, {"X-Redlog-Signature": "x"}):
        refused = app.report(plain, **header)
        assert (refused.status_code, refused.json()["code"]) == (401, "bad_signature")
        assert app.app["secret"] not in refused.text


def test_a_signature_that_nobody_demands_is_checked_too(server: Server) -> None:
    app = App(server, "unsigned")
    body = b'{"message": "m"}'
    assert app.report(body).status_code == 202
    assert app.report(body, **{"X-Redlog-Signature": app.signed(body)}).status_code == 202
    wrong = app.report(body, **{"X-Redlog-Signature": app.signed(b"other")})
    assert wrong.json()["detail"].startswith("wrong")


def test_reports_from_elsewhere_are_refused_or_marked(server: Server) -> None:
    app = App(
        server, "homely", allowed_origins=["https://*.shop.example"], allowed_packages=["a.b"]
    )
    at_home = {"Origin": "https://m.shop.example"}
    assert app.report([{"message": "page"}], **at_home).status_code == 202
    assert app.report([{"message": "phone"}], **{"X-Redlog-Package": "a.b"}).status_code == 202
    refused = app.report([{"message": "elsewhere"}], Origin="https://evil.example")
    assert (refused.status_code, refused.json()["code"]) == (403, "untrusted_source")
    assert refused.headers["Access-Control-Allow-Origin"] == "https://evil.example"  # to read why
    changed = app.call("PATCH", f"/api/v1/apps/{app.app['id']}", {"untrusted": "mark"})
    assert changed.status_code == 200, changed.text
    for _ in range(4):  # any worker may answer
        requests.post(
            f"{server.url}/api/v1/logs",
            json=[{"message": "marked"}],
            headers={"X-Redlog-Key": app.app["ingest_key"], "Connection": "close"},
            timeout=60,
        )
    records = app.logs(6)
    assert {record["message"] for record in records if record.get("untrusted")} == {"marked"}
    for untrusted, messages in (("hide", {"page", "phone"}), ("only", {"marked"})):
        path = f"/api/v1/logs?app={app.app['id']}&untrusted={untrusted}"
        assert {each["message"] for each in app.call("GET", path).json()["logs"]} == messages


def test_a_quota_of_the_day_and_limits_of_an_app(server: Server) -> None:
    app = App(server, "modest", daily_quota=5, limits={"device_records_per_minute": 3})
    noisy = [{"message": "m", "device_id": "noisy"}]
    assert app.report(noisy * 3).status_code == 202
    refused = app.report(noisy)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert app.report([{"message": "m", "device_id": "quiet"}] * 2).status_code == 202
    refused = app.report([{"message": "m"}])
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert 1 <= int(refused.headers["Retry-After"]) <= 86_400
