"""Apps by HTTP: who may what, what is refused and where it says so, keys, counters."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from started import Server, wait_until

pytestmark = pytest.mark.server
APPS = "/api/v1/apps"
ANY_WORKER = {"Connection": "close"}  # the next request comes by another connection


class Caller:
    """Calls routes with one token."""

    def __init__(self, server: Server, *options: str) -> None:
        self.server = server
        self.token = str(server.manage("token", "create", *options, "--json")["token"])

    def __call__(self, method: str, path: str, body: Any = None) -> requests.Response:
        url = f"{self.server.url}{APPS}{path}"
        headers = {"Authorization": f"Bearer {self.token}", **ANY_WORKER}
        return self.server.http.request(method, url, json=body, headers=headers, timeout=60)

    def made(self, name: str, **settings: Any) -> dict[str, Any]:
        """A new app."""
        answer = self("POST", "", {"name": name, **settings})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


@pytest.fixture(scope="module")
def admin(server: Server) -> Caller:
    return Caller(server, "--scope", "admin")


@pytest.fixture(scope="module")
def member(server: Server) -> Caller:
    """Who administers the first app only."""
    return Caller(server, "--scope", "admin", "--app", str(server.app["id"]))


@pytest.fixture(scope="module")
def viewer(server: Server) -> Caller:
    return Caller(server, "--scope", "read", "--app", str(server.app["id"]))


def test_an_app_is_made_shown_changed_and_deleted(server: Server, admin: Caller) -> None:
    app = admin.made("商店", retention_days=7, limits={"records_per_minute": 9})
    assert (app["name"], app["retention_days"], app["min_level"]) == ("商店", 7, "")
    assert app["limits"]["records_per_minute"] == 9
    assert {"require_signature", "allowed_origins", "scrubbing", "daily_quota"} <= app.keys()
    path = f"/{app['id']}"
    for _ in range(6):  # whichever worker answers
        assert admin("GET", path).json() == app
    assert app in admin("GET", "").json()["apps"]
    assert server.report({"message": "m"}, key=app["ingest_key"]).status_code == 202
    change = {"name": "shop", "allowed_origins": ["https://shop.example"], "limits": {}}
    changed = admin("PATCH", path, change).json()
    limits = dict.fromkeys(app["limits"], 0)
    assert changed == {**app, **change, "limits": limits}
    assert admin("GET", path).json() == changed
    answer = admin("DELETE", path, {"name": "shop"})
    assert (answer.status_code, answer.json()["id"]) == (202, app["id"])
    for _ in range(6):
        refused = server.report({"message": "m"}, key=app["ingest_key"], headers=ANY_WORKER)
        assert refused.status_code == 401
        assert admin("GET", path).status_code == 404
    assert app["id"] not in [each["id"] for each in admin("GET", "").json()["apps"]]
    assert admin.made("shop")["id"] != app["id"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\n"}, "name"),
        ({"name": "a", "colour": "red"}, "colour"),
        ({"name": "a", "id": 5}, "id"),
        ({"name": "a", "retention_days": -1}, "retention_days"),
        ({"name": "a", "min_level": "loud"}, "min_level"),
        ({"name": "a", "limits": {"records_per_minute": "9"}}, "limits.records_per_minute"),
        ({"name": "a", "allowed_origins": "https://a"}, "allowed_origins"),
        ([], None),
    ],
)
def test_what_is_wrong_is_named(admin: Caller, body: Any, field: str | None) -> None:
    answers = [admin("POST", "", body)]
    if body:  # nothing needs to be named in a change
        answers.append(admin("PATCH", f"/{admin.server.app['id']}", body))
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request_body")
        assert answer.json()["field"] == field


def test_a_name_is_given_once(admin: Caller) -> None:
    made = admin.made("once")
    for answer in (
        admin("POST", "", {"name": "once"}),
        admin("PATCH", f"/{admin.server.app['id']}", {"name": "once"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")
    assert admin("PATCH", f"/{made['id']}", {"name": "once"}).status_code == 200


def test_an_app_has_a_hundred_keys_at_most(admin: Caller) -> None:
    keys = f"/{admin.made('many')['id']}/keys"
    made = [admin("POST", keys, {"label": f"{n}"}) for n in range(100)]
    assert [answer.status_code for answer in made] == [201] * 99 + [409]
    assert made[-1].json()["code"] == "too_many"
    assert len(admin("GET", keys).json()["keys"]) == 100


def test_deleting_asks_for_the_name(admin: Caller) -> None:
    app = admin.made("precious")
    for body in ({}, {"name": "Precious"}, {"name": ""}):
        answer = admin("DELETE", f"/{app['id']}", body)
        assert (answer.status_code, answer.json()["field"]) == (400, "name")
    assert admin("GET", f"/{app['id']}").json() == app


def test_a_member_looks_after_its_apps_and_a_viewer_looks(
    server: Server, admin: Caller, member: Caller, viewer: Caller
) -> None:
    own, foreign = f"/{server.app['id']}", f"/{admin.made('foreign')['id']}"
    for caller in (member, viewer):
        assert [app["id"] for app in caller("GET", "").json()["apps"]] == [server.app["id"]]
        assert caller("GET", foreign).status_code == 404
        assert caller("GET", f"{foreign}/counters").status_code == 404
        assert caller("POST", "", {"name": "mine"}).status_code == 403
        assert caller("DELETE", own, {"name": "test"}).status_code == 403
    assert member("GET", own).json()["secret"] == server.app["secret"]
    assert viewer("GET", own).json() == {"id": server.app["id"], "name": "test"}
    assert viewer("GET", f"{own}/counters").status_code == 200
    for method, path, body, status in (
        ("PATCH", "", {"retention_days": 0}, 200),
        ("GET", "/keys", None, 200),
        ("POST", "/keys", {"label": "theirs"}, 201),
        ("PATCH", "/keys/99", {"label": "x"}, 404),
        ("DELETE", "/keys/99", None, 404),
        ("POST", "/keys/99/rotate", {}, 404),
        ("DELETE", f"/keys/{10**18 - 1}", None, 404),
    ):
        assert member(method, own + path, body).status_code == status
        assert member(method, foreign + path, body).status_code == 404
        assert viewer(method, own + path, body).status_code == 403


def test_keys_are_made_labelled_rotated_and_revoked(server: Server, admin: Caller) -> None:
    app = admin.made("keys")
    path = f"/{app['id']}/keys"
    assert [(key["key"], key["label"]) for key in admin("GET", path).json()["keys"]] == [
        (app["ingest_key"], "default")
    ]
    key = admin("POST", path, {"label": "Android"}).json()
    assert (key["last_used_at"], key["expires_at"]) == (None, None)
    assert server.report({"message": "m"}, key=key["key"]).status_code == 202
    assert admin("PATCH", f"{path}/{key['id']}", {"label": "iOS"}).json()["label"] == "iOS"
    new = admin("POST", f"{path}/{key['id']}/rotate", {"overlap_hours": 24}).json()
    assert new["label"] == "iOS"
    for each in (key, new):
        assert server.report({"message": "m"}, key=each["key"]).status_code == 202
    ends = {each["id"]: each["expires_at"] for each in admin("GET", path).json()["keys"]}
    assert ends[key["id"]] is not None and ends[new["id"]] is None
    assert admin("DELETE", f"{path}/{new['id']}").status_code == 204
    at_once = admin("POST", f"{path}/{key['id']}/rotate", {}).json()
    for each, status in ((key, 401), (new, 401), (at_once, 202)):
        for _ in range(4):
            answer = server.report({"message": "m"}, key=each["key"], headers=ANY_WORKER)
            assert answer.status_code == status
    bad = admin("POST", f"{path}/{at_once['id']}/rotate", {"overlap_hours": -1})
    assert (bad.status_code, bad.json()["field"]) == (400, "overlap_hours")


def test_when_a_key_was_used_last_is_told(server: Server, admin: Caller) -> None:
    app = admin.made("used")

    def used() -> Any:
        server.report({"message": "m"}, key=app["ingest_key"])
        (key,) = admin("GET", f"/{app['id']}/keys").json()["keys"]
        return key["last_used_at"]

    assert wait_until(used, "the use to be noted") > app["created_at"]


def test_counters_say_what_became_of_the_records(server: Server, admin: Caller) -> None:
    app = admin.made("counted", min_level="warning")
    records = [{"message": "m", "level": level} for level in ("debug", "info", "error")]
    for _ in range(2):
        body = {"batch_id": "b", "logs": [*records, {"message": 1}]}
        receipt = server.report(body, key=app["ingest_key"]).json()
        assert (receipt["accepted"], receipt["filtered"], receipt["shed"]) == (1, 2, 0)
    server.wait_drained()
    path = f"/{app['id']}/counters"
    expected = {"received": 8, "stored": 1, "duplicate": 1, "shed": 0, "filtered": 4}
    expected |= {"rejected": {"invalid_message": 2}, "lost": {}}

    def counted() -> Any:
        answer = admin("GET", path).json()
        return answer if answer["totals"] == expected else None

    counters = wait_until(counted, "the counters")
    assert counters["pending"] == 0
    for interval in ("60", "1m", "1h", "1d"):
        answer = admin("GET", f"{path}?interval={interval}").json()
        assert sum(bucket["received"] for bucket in answer["buckets"]) == 8
        assert all(bucket["time"] < answer["to"] for bucket in answer["buckets"])
    assert (counters["interval"], answer["interval"]) == (600, 86_400)
    early = admin("GET", f"{path}?from=2020-01-01&to=2020-01-01T01:00").json()
    assert (early["buckets"], early["totals"]["received"], early["interval"]) == ([], 0, 60)
    for query in (
        *("from=x", "to=2020-01-01&from=2020-01-02", "from=2020-01-01", "since=1"),
        *("interval=90", "interval=0", "interval=x", "from=-90d&interval=1m"),
    ):
        answer = admin("GET", f"{path}?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter"), query


def test_what_waits_is_counted_in_the_range_in_which_it_arrived(
    make_server: Callable[..., Server],
) -> None:
    server = make_server(REDLOG_WRITER__ENABLED="false").start()
    assert server.report([{"message": "m"}] * 3).status_code == 202
    path = f"{APPS}/{server.app['id']}/counters"
    for query, pending in (({}, 3), ({"from": "-2h", "to": "-1h"}, 0)):
        counters = server.get(path, **query).json()
        assert (counters["pending"], counters["totals"]["received"]) == (pending, 0)


def test_the_command_line_does_the_same(server: Server, admin: Caller) -> None:
    app = server.manage("app", "create", "by hand", "--json")
    assert set(app) == {"id", "name", "ingest_key", "secret"}
    options = (str(app["id"]), "name=手", "retention_days=3", 'limits={"records_per_minute": 99}')
    changed = server.manage("app", "set", *options, "--json")
    assert (changed["name"], changed["limits"]["records_per_minute"]) == ("手", 99)
    assert admin("GET", f"/{app['id']}").json() == changed
    key = server.manage("app", "rotate-key", str(app["id"]), "--overlap", "1", "--json")
    for each in (key["ingest_key"], app["ingest_key"]):
        assert server.report({"message": "m"}, key=each).status_code == 202
    key = server.manage("app", "rotate-key", str(app["id"]), "--json")
    assert server.run("app", "key", "手").strip() == key["ingest_key"]
    with pytest.raises(AssertionError, match="redlog: there is no such app"):
        server.run("app", "rotate-key", "99")
    with pytest.raises(AssertionError, match="redlog: colour: "):
        server.run("app", "set", str(app["id"]), "colour=red")
    acts = server.get("/api/v1/audit", token=admin.token, actor="operator").json()["acts"]
    assert [act["act"] for act in acts[:4]] == [
        "key.rotate",
        "key.rotate",
        "app.update",
        "app.create",
    ]
