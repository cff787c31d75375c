"""Who gets in where: every route, for everybody who might call it."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import requests
from decisions import decisions
from people import CHEAP, Person, accounts_of, person
from started import Server, wait_until

from database.revoked import KNOWN_SECONDS
from utils.principal import RANKS
from utils.tokens import Access, Tokens

pytestmark = pytest.mark.server

LOGS, TOKENS = "/api/v1/logs", "/api/v1/tokens"


class Caller(NamedTuple):
    """Who calls, what they are to `decision`, and how they show it."""

    role: str  # of RANKS; "": a stranger; "key": who reports
    is_person: bool
    sees_app: bool
    scope: str
    headers: Callable[[], dict[str, str]]


class Place(NamedTuple):
    """What stands for an argument of a rule; whether it is of the app in question, and there."""

    value: str
    is_of_app: bool = False
    is_there: bool = False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    shared = Server(folder / "data", folder / "server.log", CHEAP).start()
    yield shared
    shared.kill()


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str]]:
    """Method, rule and decision of all routes."""
    found = decisions(tmp_path_factory.mktemp("listing"))
    assert None not in found.values()
    return sorted((*route.split(" "), str(said)) for route, said in found.items())  # type: ignore[misc]


@pytest.fixture(scope="module")
def places(server: Server) -> dict[str, Place]:
    """What the arguments of rules stand for: a route with a new one needs a line here.

    What could be removed is not there at all, so that nothing happens to it.
    """
    assert server.report([{"message": "m"}]).status_code == 202
    record = wait_until(lambda: server.query(), "the record")[0]["id"]
    return {
        "public_id": Place(record, is_of_app=True, is_there=True),
        "number": Place("0"),
        "app_id": Place(str(server.app["id"]), is_of_app=True, is_there=True),
        "key_id": Place("999999", is_of_app=True),
        "erasure_id": Place("999999"),
        "token_id": Place("0" * 16),
        "session_id": Place("0" * 32),
        "account_id": Place("999999"),
        "invitation_id": Place("999999"),
        "search_id": Place("999999"),
        "index": Place("logs"),
        "id": Place("7"),
        "name": Place("index.html", is_there=True),
        "project": Place("1", is_there=True),
    }


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def make(server: Server, token: str, **wanted: Any) -> requests.Response:
    body = {"name": "ci", **wanted}
    return requests.post(server.url + TOKENS, json=body, headers=bearer(token), timeout=60)


@pytest.fixture(scope="module")
def callers(server: Server) -> dict[str, Caller]:
    """All who might call. People log in anew for each call, as a logout ends a session."""
    mine = int(server.app["id"])
    other = int(server.manage("app", "create", "other", "--json")["id"])
    operator = person(server, "maker", "admin").tokens()["token"]

    def machine(role: str, scope: str, *apps: int) -> Caller:
        made = make(server, operator, scope=scope, apps=apps or None).json()
        return Caller(role, False, apps != (other,), scope, lambda: bearer(made["token"]))

    def human(name: str, role: str, sees: bool, *apps: int, must_change: bool = False) -> Caller:
        who = person(server, name, role, *apps, must_change=must_change)
        scope = "admin" if role == "admin" else "read"
        rank = "newcomer" if must_change else role
        return Caller(rank, True, sees, scope, lambda: bearer(who.tokens()["token"]))

    def stranger(headers: dict[str, str]) -> Caller:
        return Caller("", False, False, "", lambda: headers)

    revoked = make(server, operator, scope="admin").json()
    path = f"{server.url}{TOKENS}/{revoked['id']}"
    assert requests.delete(path, headers=bearer(operator), timeout=60).ok
    ended = person(server, "ended", "admin").tokens()["token"]
    assert requests.post(f"{server.url}/api/v1/logout", headers=bearer(ended), timeout=60).ok
    time.sleep(KNOWN_SECONDS)  # until then another worker may let these two in
    expired = Tokens(server.data).sign(Access(int(time.time()) - 1, "0" * 16, "admin", None))
    return {
        "nobody": stranger({}),
        "an ingest key": Caller("key", False, False, "", lambda: {"X-Redlog-Key": server.key}),
        "an ingest key as a token": stranger(bearer(server.key))._replace(role="key"),
        "a viewer of the app": human("viewer", "viewer", True, mine),
        "a viewer of another app": human("viewer-2", "viewer", False, other),
        "a member of the app": human("member", "member", True, mine),
        "a member of another app": human("member-2", "member", False, other),
        "an admin": human("admin-1", "admin", True),
        "a new admin": human("admin-2", "admin", True, must_change=True),
        "a read token": machine("viewer", "read"),
        "a read token of another app": machine("viewer", "read", other),
        "an admin token": machine("admin", "admin"),
        "an admin token of another app": machine("member", "admin", other),
        "a revoked token": stranger(bearer(revoked["token"])),
        "an ended session": stranger(bearer(ended)),
        "an expired token": stranger(bearer(expired)),
    }


# Of what a decision lets in, a service refuses these by itself.
MACHINES = {"a read token", "a read token of another app", "an admin token of another app"}
STRICTER = {
    f"GET {TOKENS}": MACHINES,
    f"POST {TOKENS}": MACHINES,
    f"DELETE {TOKENS}/<token_id>": MACHINES,
}


def expected(route: str, decision: str, caller: Caller, name: str, is_of_app: bool) -> str:
    """What must become of a call: "401", "403", "404" or "let in"."""
    kind, _, needed = decision.partition(":")
    if kind == "ingest_key":
        return "let in" if caller.role == "key" else needed or "401"
    if caller.role in ("", "key"):
        return "401"
    if kind == "token":
        may = caller.role != "newcomer" and caller.scope in (needed, "admin")
    else:
        may = RANKS[caller.role] >= RANKS[needed] and (caller.is_person or kind == "role")
    if not may or (name in STRICTER.get(route, ())):
        return "403"
    return "404" if is_of_app and not caller.sees_app else "let in"


def fits(wanted: str, status: int, is_there: bool) -> bool:
    """Whether it became so. A thing that is nowhere is not found by those who are let in, too."""
    if wanted != "let in":
        return str(status) == wanted
    return status < 500 and status not in (401, 403) and (status != 404 or not is_there)


def test_everybody_gets_what_the_decision_says(
    server: Server,
    routes: list[tuple[str, str, str]],
    places: dict[str, Place],
    callers: dict[str, Caller],
) -> None:
    wrong = []
    for method, rule, decision in routes:
        path, is_of_app, is_there = filled(rule, places)
        said = {
            name: call(server, method, path, caller.headers()) for name, caller in callers.items()
        }
        if decision == "public":
            alike = set(said.values())
            wrong += [(method, rule, alike)] if len(alike) > 1 or 403 in alike else []
            continue
        for name, status in said.items():
            wanted = expected(f"{method} {rule}", decision, callers[name], name, is_of_app)
            if not fits(wanted, status, is_there):
                wrong.append((method, rule, decision, name, wanted, status))
    assert wrong == []


def filled(rule: str, places: dict[str, Place]) -> tuple[str, bool, bool]:
    """A rule with its arguments; whether it is about something of the app, and all of it there."""
    used = [places[name] for name in re.findall(r"<(?:\w+:)?(\w+)>", rule)]
    path = rule
    for place in used:
        path = re.sub("<[^>]*>", place.value, path, count=1)
    return path, any(p.is_of_app for p in used), all(p.is_there for p in used)


def call(server: Server, method: str, path: str, headers: dict[str, str]) -> int:
    """The status of a call, with a body that asks for nothing, so that who is let in changes
    nothing. Replies are not read: a live tail has no end.
    """
    url, body = server.url + path, {} if method == "GET" else {"json": {}}
    with requests.request(method, url, headers=headers, timeout=60, stream=True, **body) as answer:
        return answer.status_code


def test_no_route_is_changed_by_a_cookie_alone(
    server: Server, routes: list[tuple[str, str, str]], places: dict[str, Place]
) -> None:
    """As a page of another site would try it, if a browser sent the cookie along."""
    page = person(server, "ada", "admin").page()
    page.headers.pop("X-Redlog-CSRF")
    refused = {}
    for method, rule, decision in routes:
        if method != "GET" and decision.partition(":")[0] not in ("public", "ingest_key"):
            answer = page.request(method, server.url + filled(rule, places)[0], json={}, timeout=60)
            refused[method, rule] = (answer.status_code, answer.json()["code"])
    assert refused and set(refused.values()) == {(403, "bad_csrf_token")}
    assert page.get(f"{server.url}/api/v1/me", timeout=60).status_code == 200


# Tokens of machines: at most the rights of who made them.


def seen(server: Server, token: str) -> Any:
    me = requests.get(f"{server.url}/api/v1/me", headers=bearer(token), timeout=60)
    return (me.json()["role"], me.json()["apps"]) if me.ok else me.json()["code"]


class Maker(NamedTuple):
    """Somebody who makes tokens."""

    who: Person
    token: str


@pytest.fixture
def makers(server: Server, request: pytest.FixtureRequest) -> dict[str, Maker]:
    made = {}
    for role in ("viewer", "member", "admin"):
        apps = () if role == "admin" else (int(server.app["id"]),)
        who = person(server, f"{role}-{request.node.name[7:50]}", role, *apps)
        made[role] = Maker(who, who.tokens()["token"])
    return made


def test_a_token_can_do_no_more_than_who_made_it(server: Server, makers: dict[str, Maker]) -> None:
    mine = int(server.app["id"])
    every = [app["id"] for app in server.manage("app", "list", "--json")]
    for maker, wanted, gets in (
        ("viewer", {}, ("viewer", [mine])),
        ("viewer", {"apps": [mine]}, ("viewer", [mine])),
        ("viewer", {"scope": "admin"}, 403),
        ("viewer", {"apps": [mine + 999]}, 404),
        ("member", {"scope": "admin"}, ("member", [mine])),
        ("member", {"scope": "read"}, ("viewer", [mine])),
        ("member", {"scope": "admin", "apps": [mine, mine + 999]}, 404),
        ("admin", {"scope": "admin"}, ("admin", every)),
        ("admin", {"scope": "admin", "apps": [mine]}, ("member", [mine])),
        ("admin", {"apps": []}, 400),
        ("admin", {"days": 0}, 400),
        ("admin", {"name": ""}, 400),
        ("admin", {"scope": "all"}, 400),
    ):
        answer = make(server, makers[maker].token, **wanted)
        if not answer.ok:
            assert answer.status_code == gets, (maker, wanted, answer.text)
            continue
        made = answer.json()
        assert answer.status_code == 201 and made["token"].startswith(f"rlt_{made['id']}_")
        assert seen(server, made["token"]) == gets, (maker, wanted)
    listed = requests.get(server.url + TOKENS, headers=bearer(makers["admin"].token), timeout=60)
    assert len(listed.json()["tokens"]) > 8
    assert "rlt_" not in listed.text


def test_a_token_loses_what_its_maker_loses(server: Server, makers: dict[str, Maker]) -> None:
    account = makers["admin"].who.account
    token = make(server, makers["admin"].token, scope="admin").json()["token"]
    assert seen(server, token)[0] == "admin"
    mine = int(server.app["id"])
    for change, apps, gets in (
        ({"role": "member"}, [mine], ("member", [mine])),
        ({"role": "viewer"}, [], ("viewer", [])),
        ({"disabled": 1}, None, "revoked_token"),
    ):
        accounts_of(server).change(account.id, change, apps)
        wait_until(lambda gets=gets: seen(server, token) == gets, f"{change}")


def test_tokens_are_seen_and_revoked_by_who_made_them(
    server: Server, makers: dict[str, Maker]
) -> None:
    made = {name: make(server, maker.token).json() for name, maker in makers.items()}

    def ids(name: str) -> set[str]:
        answer = requests.get(server.url + TOKENS, headers=bearer(makers[name].token), timeout=60)
        return {token["id"] for token in answer.json()["tokens"]}

    def revoke(name: str, whose: str) -> int:
        path = f"{server.url}{TOKENS}/{made[whose]['id']}"
        return requests.delete(path, headers=bearer(makers[name].token), timeout=60).status_code

    assert ids("viewer") == {made["viewer"]["id"]} and ids("member") == {made["member"]["id"]}
    assert ids("admin") >= {each["id"] for each in made.values()}
    assert [revoke("viewer", "member"), revoke("member", "admin")] == [404, 404]
    assert [revoke("viewer", "viewer"), revoke("admin", "member")] == [204, 204]
    assert [revoke("viewer", "viewer"), revoke("admin", "member")] == [404, 404]
    for name in ("viewer", "member"):
        wait_until(
            lambda name=name: seen(server, made[name]["token"]) == "revoked_token", "the end"
        )
    assert seen(server, made["admin"]["token"])[0] == "viewer"


def test_the_operator_lists_tokens_and_their_use(server: Server) -> None:
    made = server.manage("token", "create", "--name", "backup", "--days", "2", "--json")
    assert made["name"] == "backup" and made["last_used_at"] is None

    def listed() -> dict[str, Any]:
        tokens = server.manage("token", "list", "--json")
        return next(token for token in tokens if token["id"] == made["id"])

    assert listed() == {name: value for name, value in made.items() if name != "token"}
    assert server.get(LOGS, token=made["token"]).status_code == 200
    wait_until(lambda: listed()["last_used_at"], "the mark of use")
    assert server.run("token", "revoke", made["id"]) == f"Revoked {made['id']}.\n"
    assert made["id"] not in server.run("token", "list")


def test_what_is_done_to_tokens_stands_in_the_audit_log(
    server: Server, makers: dict[str, Maker]
) -> None:
    made = make(server, makers["viewer"].token).json()
    path = f"{server.url}{TOKENS}/{made['id']}"
    assert requests.delete(path, headers=bearer(makers["viewer"].token), timeout=60).ok
    actor = f"account {makers['viewer'].who.account.name}"
    answer = server.get("/api/v1/audit", token=makers["admin"].token, actor=actor)
    acts = answer.json()["acts"]
    assert [act["act"] for act in acts] == ["token.revoke", "token.create", "login"]
    assert {act["address"] for act in acts} == {"127.0.0.1"}
    assert acts[1]["details"]["name"] == "ci" and made["token"] not in answer.text
