"""Saved searches by HTTP: who may what, what is refused, what is kept."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from people import CHEAP, person
from started import Server, wait_until

from service.saved_searches import MAX_BYTES

pytestmark = pytest.mark.server
PATH = "/api/v1/searches"
QUERY = {"from": "-15m", "min_level": "warning", "q": "支付 user_id:*", "attr.http.status": "500"}


class Caller:
    """Calls the routes with one token."""

    def __init__(self, server: Server, token: str) -> None:
        self.server, self.token = server, token

    def __call__(self, method: str, path: str = "", body: Any = None) -> requests.Response:
        url = f"{self.server.url}{PATH}{path}"
        headers = {"Authorization": f"Bearer {self.token}", "Connection": "close"}
        return requests.request(method, url, json=body, headers=headers, timeout=60)

    def made(self, name: str, app: int | None = None, **more: Any) -> dict[str, Any]:
        """A new search."""
        answer = self("POST", "", self.form(name, app, **more))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def form(self, name: str, app: int | None = None, **more: Any) -> dict[str, Any]:
        own = int(self.server.app["id"])
        return {"app": app or own, "name": name, "query": QUERY, **more}

    def listed(self, search: str = "") -> dict[str, dict[str, Any]]:
        """What is seen, by name."""
        found = self("GET", search).json()["searches"]
        return {each["name"]: each for each in found}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    shared = Server(folder / "data", folder / "server.log", CHEAP).start()
    yield shared
    shared.kill()


@pytest.fixture(scope="module")
def callers(server: Server) -> dict[str, Caller]:
    """Somebody of each kind, of the first app and of another one."""
    mine = int(server.app["id"])
    other = int(server.manage("app", "create", "other", "--json")["id"])

    def signed_in(name: str, role: str, *apps: int) -> Caller:
        return Caller(server, person(server, name, role, *apps).tokens()["token"])

    def machine(scope: str, *apps: int) -> Caller:
        named = [option for app in apps for option in ("--app", str(app))]
        made = server.manage("token", "create", "--scope", scope, *named, "--json")
        return Caller(server, made["token"])

    return {
        "admin": signed_in("root", "admin"),
        "member": signed_in("ada", "member", mine),
        "viewer": signed_in("vic", "viewer", mine),
        "member of another": signed_in("bob", "member", other),
        "viewer of another": signed_in("vera", "viewer", other),
        "reading token": machine("read"),
        "admin token": machine("admin"),
        "admin token of the app": machine("admin", mine),
        "admin token of another": machine("admin", other),
    }


def test_a_search_is_made_shown_changed_and_deleted(callers: dict[str, Caller]) -> None:
    member, viewer = callers["member"], callers["viewer"]
    made = member.made("Crashes 崩溃", columns=["user_id", "attr.http.status"])
    assert made["query"] == QUERY
    assert (made["columns"], made["created_by"]) == (["user_id", "attr.http.status"], "account ada")
    assert made["created_at"] == made["updated_at"]
    assert viewer.listed()["Crashes 崩溃"] == made
    path = f"/{made['id']}"
    changed = member("PATCH", path, {"name": "崩溃", "columns": None}).json()
    assert changed.pop("updated_at") > made.pop("updated_at")
    assert changed == {**made, "name": "崩溃", "columns": None}
    again = member("PATCH", path, {"query": {"q": "timeout"}}).json()
    assert (again["query"], again["name"]) == ({"q": "timeout"}, "崩溃")
    assert member("DELETE", path).status_code == 204
    assert "崩溃" not in viewer.listed()
    assert member("DELETE", path).status_code == 404


MAY = {
    "admin": ("sees", "changes"),
    "member": ("sees", "changes"),
    "viewer": ("sees", "forbidden"),
    "member of another": ("", "not_found"),
    "viewer of another": ("", "forbidden"),
    "reading token": ("sees", "forbidden"),
    "admin token": ("sees", "changes"),
    "admin token of the app": ("sees", "changes"),
    "admin token of another": ("", "not_found"),
}


@pytest.mark.parametrize("who", MAY)
def test_who_may_read_an_app_sees_its_searches_and_members_change_them(
    callers: dict[str, Caller], who: str
) -> None:
    sees, changes = MAY[who]
    caller, name = callers[who], f"of {who}"
    made = callers["admin"].made(name)
    path = f"/{made['id']}"
    assert (name in caller.listed()) == bool(sees)
    answer = caller("GET", f"?app={made['app']}")
    assert answer.status_code == (200 if sees else 404)
    outcomes = [
        caller("PATCH", path, {"name": f"{name}, too"}),
        caller("POST", "", caller.form(f"new {who}")),
        caller("DELETE", path),
    ]
    if changes == "changes":
        assert [answer.status_code for answer in outcomes] == [200, 201, 204]
    else:
        assert {answer.json()["code"] for answer in outcomes} == {changes}
        assert callers["admin"].listed()[name] == made


def test_those_of_one_app_can_be_asked_for(server: Server, callers: dict[str, Caller]) -> None:
    admin = callers["admin"]
    app = int(server.manage("app", "create", "third", "--json")["id"])
    wait_until(lambda: admin("GET", f"?app={app}").ok, "the new app")
    admin.made("here", app)
    assert list(admin.listed(f"?app={app}")) == ["here"]
    for parameter in ("app=0", "app=x", f"app={2**31}", "name=here", f"app={app}&app={app}"):
        answer = admin("GET", f"?{parameter}")
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter"), parameter


@pytest.mark.parametrize(
    ("query", "code", "detail"),
    [
        ({"q": "🙂 usr_id:7"}, "bad_query", "did you mean user_id?"),
        ({"q": "(a"}, "bad_query", "not closed"),
        ({"from": "yesterday"}, "bad_parameter", "from must be"),
        ({"level": "loud"}, "bad_parameter", "level must be"),
        ({"level": "error", "min_level": "error"}, "bad_parameter", "exclude each other"),
        ({"colour": "red"}, "bad_parameter", "colour is unknown"),
        ({"cursor": "x"}, "bad_parameter", "cursor is unknown"),
        ({"app": "1"}, "bad_parameter", "stands beside"),
        ({"limit": "0"}, "bad_parameter", "limit must be"),
        ({"user_id": "付" * (MAX_BYTES // 9)}, "bad_request_body", f"over {MAX_BYTES} bytes"),
        ({"limit": 5}, "bad_request_body", "Expected `str`"),
        ({f"attr.{n}": "x" for n in range(33)}, "bad_request_body", "length <= 32"),
        ("q=a", "bad_request_body", "Expected `object`"),
    ],
)
def test_a_query_that_the_list_would_refuse_is_refused(
    callers: dict[str, Caller], query: Any, code: str, detail: str
) -> None:
    member = callers["member"]
    made = member.made(f"good before {code} {detail}")
    answers = (
        member("POST", "", member.form("bad", query=query)),
        member("PATCH", f"/{made['id']}", {"query": query}),
    )
    for answer in answers:
        said = answer.json()
        assert (answer.status_code, said["code"]) == (400, code), said
        assert detail in said["detail"]
        if "usr_id" in str(query):
            assert said["position"] == 2
    assert member.listed()[made["name"]] == made and "bad" not in member.listed()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "n" * 129}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "a line\n"}, "name"),
        ({"name": None}, "name"),
        ({"columns": "logger"}, "columns"),
        ({"columns": ["logger"] * 33}, "columns"),
        ({"columns": [""]}, "columns[0]"),
        ({"created_by": "me"}, "created_by"),
    ],
)
def test_what_is_wrong_is_named(
    callers: dict[str, Caller], change: dict[str, Any], field: str
) -> None:
    member = callers["member"]
    known = [each["id"] for each in member.listed().values()]
    made = known[0] if known else member.made("for changes")["id"]
    for answer in (
        member("POST", "", {**member.form("bad"), **change}),
        member("PATCH", f"/{made}", change),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request_body")
        assert answer.json()["field"] == field


def test_a_name_is_once_in_an_app(callers: dict[str, Caller]) -> None:
    member = callers["member"]
    member.made("once")
    second = member.made("twice")
    for answer in (
        member("POST", "", member.form("once")),
        member("PATCH", f"/{second['id']}", {"name": "once"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")
    assert member("PATCH", f"/{second['id']}", {"name": "twice"}).status_code == 200
    assert member("PATCH", f"/{10**30}", {"name": "x"}).status_code == 404
    assert member("DELETE", f"/{10**30}").status_code == 404


def test_searches_go_with_their_app(server: Server, callers: dict[str, Caller]) -> None:
    admin = callers["admin"]
    app = int(server.manage("app", "create", "short-lived", "--json")["id"])
    wait_until(lambda: admin("GET", f"?app={app}").ok, "the new app")
    made = admin.made("gone soon", app)
    headers = {"Authorization": f"Bearer {admin.token}"}
    url = f"{server.url}/api/v1/apps/{app}"
    assert requests.delete(url, json={"name": "short-lived"}, headers=headers, timeout=60).ok
    wait_until(lambda: "gone soon" not in admin.listed(), "the end of the app")
    assert admin("PATCH", f"/{made['id']}", {"name": "x"}).status_code == 404
    assert admin("POST", "", admin.form("late", app)).status_code == 404


def test_what_is_done_to_searches_stands_in_the_audit_log(
    server: Server, callers: dict[str, Caller]
) -> None:
    member = callers["member"]
    made = member.made("watched")
    path = f"/{made['id']}"
    assert member("PATCH", path, {"name": "seen"}).ok and member("DELETE", path).ok
    answer = server.get("/api/v1/audit", token=callers["admin"].token, actor="account ada")
    mine = [act for act in answer.json()["acts"] if act["target"] == f"search {made['id']}"]
    assert [act["act"] for act in mine] == ["search.delete", "search.update", "search.create"]
    assert [act["details"] for act in mine] == [
        {"app": made["app"], "name": "seen"},
        {"name": "seen"},
        {"app": made["app"], "name": "watched"},
    ]
