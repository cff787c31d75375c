"""Signing in and out: tokens in replies, cookies of pages, and sessions that end at once."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from people import CHEAP, Person, accounts_of, person
from started import Server, wait_until

from utils.tokens import Access, Tokens

pytestmark = pytest.mark.server

LOGS, ME, REFRESH, LOGOUT = (f"/api/v1/{name}" for name in ("logs", "me", "refresh", "logout"))
SESSIONS = "/api/v1/me/sessions"
TLS = {"X-Forwarded-Proto": "https"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    settings = {**CHEAP, "REDLOG_SERVER__TRUSTED_PROXIES": "127.0.0.1"}
    shared = Server(folder / "data", folder / "server.log", settings).start()
    yield shared
    shared.kill()


@pytest.fixture(scope="module")
def ada(server: Server) -> Person:
    return person(server, "ada", "admin")


def call(
    server: Server, token: str, path: str = ME, method: str = "GET", **options: Any
) -> requests.Response:
    """Over a connection of its own, so that any worker may answer."""
    headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
    return requests.request(method, server.url + path, headers=headers, timeout=60, **options)


def refresh(server: Server, token: str) -> requests.Response:
    return requests.post(server.url + REFRESH, json={"refresh_token": token}, timeout=60)


def assert_problem(answer: requests.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def wait_refused(server: Server, *tokens: str) -> None:
    """Wait until the workers take these tokens no more (half a second, of accounts a second)."""

    def refusals(token: str) -> set[str]:
        answers = [call(server, token) for _ in range(8)]
        if any(answer.status_code != 401 for answer in answers):
            return set()
        return {answer.json()["code"] for answer in answers}

    for token in tokens:
        refused = wait_until(lambda token=token: refusals(token), "the token to be refused")
        assert refused == {"revoked_token"}


# Programs: tokens in the replies.


def test_a_login_gives_what_a_dashboard_needs(server: Server, ada: Person) -> None:
    answer = ada.log_in()
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    given = answer.json()
    assert set(given) == {"token", "refresh_token", "expires_in", "csrf_token", "account"}
    assert given["expires_in"] == 15 * 60
    assert (given["account"]["name"], given["account"]["role"]) == ("ada", "admin")
    assert call(server, given["token"], LOGS).status_code == 200
    me = call(server, given["token"]).json()
    assert (me["account"], me["csrf_token"]) == (given["account"], given["csrf_token"])
    assert (me["actor"], me["role"], me["scope"]) == ("account ada", "admin", "admin")
    assert me["apps"] == [app["id"] for app in server.manage("app", "list", "--json")]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"username": "ada", "password": "wrong"}, 401, "bad_login"),
        ({"username": "nobody", "password": "wrong"}, 401, "bad_login"),
        ({"username": "ada"}, 400, "bad_request_body"),
        ({"username": "ada", "password": 1}, 400, "bad_request_body"),
        ({"username": "ada", "password": "x", "more": 1}, 400, "bad_request_body"),
        ({"username": "ada", "password": "x" * 2000}, 400, "bad_request_body"),
        ([], 400, "bad_request_body"),
    ],
)
def test_a_login_that_is_not_right_gives_nothing(
    server: Server, ada: Person, body: Any, status: int, code: str
) -> None:
    answer = requests.post(f"{server.url}/api/v1/login", json=body, timeout=60)
    assert_problem(answer, status, code)
    assert "Set-Cookie" not in answer.headers


def test_nobody_registers_unless_it_is_allowed(server: Server) -> None:
    assert requests.get(f"{server.url}/api/v1/login", timeout=60).json()["registration"] is False
    for more in ({}, {"invitation": None}, {"invitation": "rli_guessed"}, {"invitation": ""}):
        body = {"username": "eve", "password": "a long enough password", **more}
        answer = requests.post(f"{server.url}/api/v1/register", json=body, timeout=60)
        assert_problem(answer, 403, "bad_invitation")


def test_a_login_that_fails_stands_in_the_audit_log(server: Server) -> None:
    body = {"username": "who-is-it", "password": "a password of nobody"}
    assert requests.post(f"{server.url}/api/v1/login", json=body, timeout=60).status_code == 401
    admin = server.manage("token", "create", "--scope", "admin", "--json")["token"]
    acts = server.get("/api/v1/audit", token=admin, act="login.failed").json()["acts"]
    assert [act["address"] for act in acts if act["target"] == "account who-is-it"] == ["127.0.0.1"]
    assert body["password"] not in str(acts)


def test_a_refresh_token_is_good_once_and_then_ends_the_session(
    server: Server, ada: Person
) -> None:
    first = ada.tokens()
    second = refresh(server, first["refresh_token"]).json()
    third = refresh(server, second["refresh_token"]).json()
    tokens = [each["token"] for each in (first, second, third)]
    assert len({*tokens, *(each["refresh_token"] for each in (first, second, third))}) == 6
    assert [call(server, token).status_code for token in tokens] == [200] * 3
    assert first["csrf_token"] == third["csrf_token"]  # a page's other tabs go on

    assert_problem(refresh(server, first["refresh_token"]), 401, "bad_token")  # a thief's
    wait_refused(server, *tokens)
    assert_problem(refresh(server, third["refresh_token"]), 401, "bad_token")


@pytest.mark.parametrize("token", ["", "x", "rlr_x", f"rlr_{'0' * 32}_{'0' * 64}"])
def test_what_is_no_refresh_token_continues_nothing(server: Server, token: str) -> None:
    assert_problem(refresh(server, token), 401, "bad_token")


def test_tokens_of_one_kind_are_not_good_for_another(server: Server, ada: Person) -> None:
    given = ada.tokens()
    assert_problem(call(server, given["refresh_token"]), 401, "bad_token")
    assert_problem(refresh(server, given["token"]), 401, "bad_token")
    assert_problem(refresh(server, server.token), 401, "bad_token")
    assert call(server, given["token"]).status_code == 200


def test_a_logout_ends_the_session_on_all_workers_and_no_other(server: Server, ada: Person) -> None:
    given, other = ada.tokens(), ada.tokens()
    assert call(server, given["token"], LOGOUT, "POST").status_code == 204
    wait_refused(server, given["token"])
    assert_problem(refresh(server, given["refresh_token"]), 401, "bad_token")
    assert call(server, other["token"]).status_code == 200
    assert refresh(server, other["refresh_token"]).status_code == 200


def test_a_machine_has_no_session(server: Server) -> None:
    me = call(server, server.token).json()
    assert (me["account"], me["csrf_token"], me["role"]) == (None, None, "viewer")
    for path, method in ((LOGOUT, "POST"), (SESSIONS, "GET")):
        assert_problem(call(server, server.token, path, method), 403, "forbidden")


def test_people_see_and_end_their_own_sessions(server: Server) -> None:
    bob, eve = person(server, "bob", "viewer"), person(server, "eve", "admin")
    first = bob.tokens()["token"]
    second = requests.post(
        f"{server.url}/api/v1/login",
        json={"username": "bob", "password": "correct horse, 电池"},
        headers={"User-Agent": "phone " * 100, "X-Forwarded-For": "192.0.2.7"},
        timeout=60,
    ).json()["token"]
    phone, desk = call(server, first, SESSIONS).json()["sessions"]
    assert [phone["current"], desk["current"]] == [False, True]
    assert (phone["address"], phone["user_agent"]) == ("192.0.2.7", ("phone " * 100)[:255])
    assert desk["address"] == "127.0.0.1"

    hers = eve.tokens()["token"]
    path = f"{SESSIONS}/{phone['id']}"
    assert_problem(call(server, hers, path, "DELETE"), 404, "not_found")
    assert call(server, second).status_code == 200
    assert call(server, first, path, "DELETE").status_code == 204
    wait_refused(server, second)
    assert_problem(call(server, first, path, "DELETE"), 404, "not_found")
    assert [each["id"] for each in call(server, first, SESSIONS).json()["sessions"]] == [desk["id"]]


# What an account may do counts now, not what it might do at its login.


def test_a_change_of_rights_needs_no_new_token(server: Server) -> None:
    carol = person(server, "carol", "viewer")
    token = carol.tokens()["token"]
    assert call(server, token).json()["apps"] == []
    accounts, app = accounts_of(server), server.app["id"]
    accounts.change(carol.account.id, {"role": "member"}, [app])

    def seen() -> Any:
        me = call(server, token).json()
        return me["role"], me["apps"]

    wait_until(lambda: seen() == ("member", [app]), "the change")
    accounts.change(carol.account.id, {"disabled": 1})
    wait_refused(server, token)
    accounts.change(carol.account.id, {"disabled": 0})
    wait_until(lambda: call(server, token).status_code == 200, "the account to be back")
    accounts.delete(carol.account.id)
    assert person(server, "carla", "admin").account.id > carol.account.id  # no id is used twice
    wait_refused(server, token)


def test_who_was_given_a_password_must_change_it_before_all_else(server: Server) -> None:
    given = person(server, "dora", "admin", must_change=True).tokens()
    assert given["account"]["must_change"] is True
    token = given["token"]
    me = call(server, token)
    assert me.json().get("role") == "newcomer", me.text
    for path in (LOGS, "/api/v1/audit", SESSIONS, "/api/v1/tokens"):
        assert_problem(call(server, token, path), 403, "password_change_required")
    assert call(server, token, LOGOUT, "POST").status_code == 204


# Pages: cookies.


def cookies_in(answer: requests.Response) -> dict[str, set[str]]:
    """The attributes of the cookies that are set, by their names."""
    found = {}
    for header in answer.raw.headers.getlist("Set-Cookie"):
        first, *attributes = header.split("; ")
        found[first.partition("=")[0]] = set(attributes)
    return found


def test_a_page_gets_cookies_that_no_script_and_no_other_site_can_use(ada: Person) -> None:
    answer = ada.log_in(cookie=True)
    assert set(answer.json()) == {"expires_in", "csrf_token", "account"}
    cookies = cookies_in(answer)
    assert set(cookies) == {"redlog_access", "redlog_refresh"}
    for attributes in cookies.values():
        assert attributes >= {"HttpOnly", "SameSite=Strict", "Path=/"}
        assert "Secure" not in attributes


def test_behind_tls_its_cookies_travel_by_tls_only(server: Server, ada: Person) -> None:
    body = {"username": "ada", "password": "correct horse, 电池", "cookie": True}
    answer = requests.post(f"{server.url}/api/v1/login", json=body, headers=TLS, timeout=60)
    cookies = cookies_in(answer)
    assert set(cookies) == {"__Host-redlog_access", "__Host-redlog_refresh"}
    for attributes in cookies.values():
        assert attributes >= {"HttpOnly", "SameSite=Strict", "Path=/", "Secure"}
        assert not any(each.startswith("Domain") for each in attributes)
    value = answer.cookies["__Host-redlog_access"]
    for name, status in (("__Host-redlog_access", 200), ("redlog_access", 401)):
        headers = {**TLS, "Cookie": f"{name}={value}"}  # another site could plant the latter
        assert requests.get(server.url + ME, headers=headers, timeout=60).status_code == status


def test_a_page_proves_itself_to_change_something(server: Server, ada: Person) -> None:
    page, other = ada.page(), ada.page()
    assert page.get(server.url + ME, timeout=60).status_code == 200
    own, foreign = f"http://127.0.0.1:{server.port}", "https://evil.example"
    good = str(page.headers.pop("X-Redlog-CSRF"))
    refused: list[dict[str, str]] = [
        {},
        {"X-Redlog-CSRF": ""},
        {"X-Redlog-CSRF": good[:-1]},
        {"X-Redlog-CSRF": str(other.headers["X-Redlog-CSRF"])},
        {"X-Redlog-CSRF": good, "Origin": foreign},
        {"X-Redlog-CSRF": good, "Origin": "null"},
        {"X-Redlog-CSRF": good, "Origin": foreign, "Sec-Fetch-Site": "cross-site"},
        {"X-Redlog-CSRF": good, "Origin": f"{own}0", "Sec-Fetch-Site": "same-site"},
    ]
    for path, method in ((LOGOUT, "POST"), ("/api/v1/tokens", "POST"), (REFRESH, "POST")):
        for headers in refused:
            answer = page.request(method, server.url + path, headers=headers, timeout=60)
            assert_problem(answer, 403, "bad_csrf_token")
    for headers in ({}, {"Origin": own}, {"Origin": foreign, "Sec-Fetch-Site": "same-origin"}):
        sent = {"X-Redlog-CSRF": good, **headers}
        answer = page.post(f"{server.url}/api/v1/tokens", json={}, headers=sent, timeout=60)
        assert_problem(answer, 400, "bad_request_body")
    assert page.get(server.url + ME, timeout=60).status_code == 200


def test_a_page_goes_on_by_its_cookies(server: Server, ada: Person) -> None:
    page = ada.page()
    page.cookies.pop("redlog_access")  # its time is over
    assert page.get(server.url + ME, timeout=60).status_code == 401
    page.headers.pop("X-Redlog-CSRF")  # and the page was loaded anew
    page.headers["X-Redlog-CSRF"] = page.get(server.url + REFRESH, timeout=60).json()["csrf_token"]
    before = page.cookies["redlog_refresh"]
    answer = page.post(server.url + REFRESH, timeout=60)
    assert set(answer.json()) == {"expires_in", "csrf_token", "account"}
    assert page.get(server.url + ME, timeout=60).status_code == 200
    token = page.cookies["redlog_access"]

    stolen = requests.Session()
    stolen.headers["X-Redlog-CSRF"] = page.headers["X-Redlog-CSRF"]
    answer = stolen.post(server.url + REFRESH, cookies={"redlog_refresh": before}, timeout=60)
    assert_problem(answer, 401, "bad_token")
    wait_refused(server, token)


def test_a_logout_takes_the_cookies_away(server: Server, ada: Person) -> None:
    page = ada.page()
    token = page.cookies["redlog_access"]
    answer = page.post(server.url + LOGOUT, timeout=60)
    assert answer.status_code == 204
    assert all("Max-Age=0" in attributes for attributes in cookies_in(answer).values())
    assert len(page.cookies) == 0
    wait_refused(server, token)
    assert page.get(server.url + REFRESH, timeout=60).status_code == 401


def test_a_token_in_the_header_goes_before_the_cookie(server: Server, ada: Person) -> None:
    page = ada.page()
    headers = {"Authorization": f"Bearer {server.token}"}
    me = page.get(server.url + ME, headers=headers, timeout=60).json()
    assert me["account"] is None
    for bad in ("Bearer x", "Bearer", "Basic YTpi"):
        answer = page.get(server.url + ME, headers={"Authorization": bad}, timeout=60)
        assert_problem(answer, 401, "bad_token")


def test_a_page_of_another_origin_gets_nothing_by_cookies(server: Server, ada: Person) -> None:
    page, foreign = ada.page(), {"Origin": "https://evil.example"}
    for path in (ME, LOGS, REFRESH, SESSIONS):
        answer = page.get(server.url + path, headers=foreign, timeout=60)
        assert "Access-Control-Allow-Credentials" not in answer.headers
        asked = {**foreign, "Access-Control-Request-Method": "GET"}
        asked_first = page.options(server.url + path, headers=asked, timeout=60)
        assert "Access-Control-Allow-Credentials" not in asked_first.headers
    body = {"username": "ada", "password": "correct horse, 电池", "cookie": True}
    answer = requests.post(f"{server.url}/api/v1/login", json=body, headers=foreign, timeout=60)
    assert_problem(answer, 403, "bad_csrf_token")
    report = {"message": "m"}
    assert page.post(server.url + LOGS, json=report, headers=foreign, timeout=60).status_code == 401


# The keys that sign.


def test_keys_are_replaced_while_everybody_stays_signed_in(server: Server, ada: Person) -> None:
    given, page = ada.tokens(), ada.page()
    old = Access(int(time.time()) + 60, "0" * 16, "read", None)
    signed = Tokens(Path(server.data)).sign(old)
    assert server.run("secret", "rotate").startswith("The secret has 2 keys")
    after = ada.tokens()["token"]  # by the fresh key, on whichever worker
    for token in (given["token"], after, signed):
        assert [call(server, token).status_code for _ in range(6)] == [200] * 6
    assert page.post(f"{server.url}/api/v1/tokens", json={}, timeout=60).status_code == 400
    assert server.run("secret", "rotate", "--at-once").startswith("The secret has 1 keys")
    wait_until(
        lambda: all(call(server, given["token"]).status_code == 401 for _ in range(8)),
        "the old keys to be dropped",
    )
    assert call(server, signed).status_code == 401
    assert call(server, server.token).status_code == 200  # a machine's, which nobody signed
    again = refresh(server, given["refresh_token"]).json()["token"]
    assert [call(server, again).status_code for _ in range(6)] == [200] * 6
