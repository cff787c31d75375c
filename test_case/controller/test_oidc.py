"""Single sign-on against a real issuer, and what it must not let in."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from issuer import CLIENT, SECRET, TestIssuer, parameters_of
from joserfc.jwk import RSAKey
from started import Server

pytestmark = pytest.mark.server

LOGIN, CALLBACK = "/api/v1/oidc/login", "/api/v1/oidc/callback"
Answer = requests.Response


@pytest.fixture(scope="module")
def shared_issuer() -> Iterator[TestIssuer]:
    made = TestIssuer()
    yield made
    made.stop()


@pytest.fixture
def issuer(shared_issuer: TestIssuer, request: pytest.FixtureRequest) -> TestIssuer:
    """It knows somebody of this test's own."""
    shared_issuer.person = {"sub": request.node.name, "preferred_username": "ada"}
    shared_issuer.wrong = {}
    shared_issuer.says = {}
    shared_issuer.key = shared_issuer.published
    shared_issuer.asked.clear()
    return shared_issuer


@pytest.fixture(scope="module")
def server(shared_issuer: TestIssuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("oidc")
    settings = {
        "REDLOG_OIDC__ISSUER": shared_issuer.url,
        "REDLOG_OIDC__CLIENT_ID": CLIENT,
        "REDLOG_OIDC__CLIENT_SECRET": SECRET,
        "REDLOG_OIDC__APPS_CLAIM": "apps",
        "REDLOG_SERVER__WORKERS": "1",
        "REDLOG_SERVER__TRUSTED_PROXIES": "127.0.0.1",
        "http_proxy": "http://127.0.0.1:9",  # not for the issuer
        "no_proxy": "",
    }
    made = Server(folder / "data", folder / "server.log", settings).start()
    yield made
    made.kill()


class Browser:
    """Keeps cookies, and goes step by step."""

    def __init__(self, server: Server, address: str = "192.0.2.1") -> None:
        self.url = server.url
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["X-Forwarded-For"] = address

    def go(self, url: str) -> Answer:
        return self.http.get(url, allow_redirects=False, timeout=60)

    def begin(self) -> str:
        """Where the issuer sends the browser back to."""
        answer = self.go(self.url + LOGIN)
        assert answer.status_code == 303, answer.text
        return str(self.go(answer.headers["Location"]).headers["Location"])

    def sign_on(self) -> Answer:
        return self.go(self.begin())

    def me(self) -> dict[str, Any]:
        answer = self.go(self.url + "/api/v1/me")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def assert_refused(answer: Answer, status: int = 401, code: str = "sign_on_failed") -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert "Set-Cookie" not in answer.headers


def test_who_signs_on_has_a_session_and_an_account(server: Server, issuer: TestIssuer) -> None:
    issuer.person["preferred_username"] = "王 Wáng"
    browser = Browser(server)
    answer = browser.sign_on()
    assert (answer.status_code, answer.headers["Location"]) == (303, "/"), answer.text
    account = browser.me()["account"]
    assert (account["name"], account["role"], account["apps"]) == ("王 Wáng", "viewer", [])
    assert not account["must_change"]
    again = Browser(server)
    again.sign_on()
    assert again.me()["account"]["id"] == account["id"]


def test_the_cookie_of_the_way_there_is_for_that_only(server: Server, issuer: TestIssuer) -> None:
    answer = Browser(server).go(server.url + LOGIN)
    (cookie,) = (answer.headers["Set-Cookie"],)
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Max-Age=600" in cookie
    sent = parameters_of(answer.headers["Location"])
    assert sent["redirect_uri"] == server.url + CALLBACK
    assert (sent["response_type"], sent["code_challenge_method"]) == ("code", "S256")
    assert len({sent["state"], sent["nonce"], sent["code_challenge"]}) == 3
    assert all(len(sent[name]) >= 43 for name in ("state", "nonce", "code_challenge"))


def test_people_are_known_by_subject_and_not_by_name_or_mail(
    server: Server, issuer: TestIssuer
) -> None:
    mail = {"email": "admin@example.org", "email_verified": True}
    ids, names = set(), []
    for subject in ("x", "y"):
        issuer.person = {"sub": subject, "preferred_username": "Admin", **mail}
        browser = Browser(server)
        browser.sign_on()
        account = browser.me()["account"]
        assert account["role"] == "viewer"
        ids.add(account["id"])
        names.append(account["name"])
    assert len(ids) == 2 and names == ["Admin-2", "Admin-3"]
    issuer.person = {"sub": "x", "preferred_username": "someone else"}
    browser = Browser(server)
    browser.sign_on()
    assert browser.me()["account"]["name"] == "Admin-2"


def test_a_name_that_can_not_be_is_replaced(server: Server, issuer: TestIssuer) -> None:
    issuer.person = {"sub": "z", "preferred_username": "<script>"}
    browser = Browser(server)
    browser.sign_on()
    assert browser.me()["account"]["name"].startswith("person-")


def test_the_issuer_may_say_whose_apps_are_whose(server: Server, issuer: TestIssuer) -> None:
    app = server.app["id"]
    claims = ["test", "unknown"], [], None, "test", 7, {"test": 1}
    for apps, expected in zip(claims, ([app], [], [], [app], [], []), strict=True):
        issuer.person = {"sub": "apps", "preferred_username": "bob"}
        issuer.person |= {} if apps is None else {"apps": apps}
        browser = Browser(server)
        browser.sign_on()
        assert browser.me()["account"]["apps"] == expected


def test_a_disabled_account_does_not_come_in(server: Server, issuer: TestIssuer) -> None:
    issuer.person["preferred_username"] = "dora"
    Browser(server).sign_on()
    server.run("account", "disable", "dora")
    assert_refused(Browser(server).sign_on())


def test_an_account_of_the_issuer_has_no_password(server: Server, issuer: TestIssuer) -> None:
    issuer.person["preferred_username"] = "emil"
    browser = Browser(server)
    browser.sign_on()
    csrf = {"X-Redlog-CSRF": browser.me()["csrf_token"]}
    change = {"password": "", "new_password": "correct horse"}
    answer = browser.http.post(server.url + "/api/v1/me/password", json=change, headers=csrf)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    login = {"username": "emil", "password": ""}
    answer = browser.http.post(server.url + "/api/v1/login", json=login)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_login")


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another client"},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"iss": "https://another.example.org"},
        {"exp": 1_000_000_000},
        {"iat": 4_000_000_000},
        {"sub": None},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_sign_on(
    server: Server, issuer: TestIssuer, wrong: dict[str, Any]
) -> None:
    issuer.wrong = wrong
    assert_refused(Browser(server, "192.0.2.2").sign_on())


def test_a_token_of_another_key(server: Server, issuer: TestIssuer) -> None:
    for kid in ("one", "two"):
        issuer.key = RSAKey.generate_key(2048, {"kid": kid})
        assert_refused(Browser(server, "192.0.2.3").sign_on())


def test_a_new_key_of_the_issuer_is_fetched(server: Server, issuer: TestIssuer) -> None:
    Browser(server).sign_on()
    issuer.key = issuer.published = RSAKey.generate_key(2048, {"kid": "three"})
    assert Browser(server).sign_on().status_code == 303


def test_an_answer_is_good_once_and_in_one_browser(server: Server, issuer: TestIssuer) -> None:
    browser, other = Browser(server), Browser(server)
    back = browser.begin()
    assert_refused(Browser(server).go(back))
    other.begin()
    assert_refused(other.go(back))
    kept = browser.http.cookies.copy()
    assert browser.go(back).status_code == 303
    replaying = Browser(server)
    replaying.http.cookies = kept
    assert_refused(replaying.go(back))


@pytest.mark.parametrize("query", ["", "?state=", "?code=x", "?state=x&code=x", "?error=denied"])
def test_an_answer_that_nobody_asked_for(server: Server, issuer: TestIssuer, query: str) -> None:
    assert_refused(Browser(server).go(server.url + CALLBACK + query))
    assert issuer.asked == []


def test_a_refusal_of_the_issuer_ends_it(server: Server, issuer: TestIssuer) -> None:
    browser = Browser(server)
    state = parameters_of(browser.begin())["state"]
    denied = f"{server.url}{CALLBACK}?state={state}&error=access_denied"
    assert_refused(browser.go(denied))
    assert_refused(browser.go(f"{server.url}{CALLBACK}?state={state}&code=x"))


def test_a_code_that_the_issuer_does_not_know(server: Server, issuer: TestIssuer) -> None:
    browser = Browser(server)
    state = parameters_of(browser.begin())["state"]
    assert_refused(browser.go(f"{server.url}{CALLBACK}?state={state}&code=guessed"))


def test_who_begins_often_and_never_comes_back_waits(server: Server, issuer: TestIssuer) -> None:
    browser = Browser(server, "192.0.2.4")
    answers = [browser.go(server.url + LOGIN).status_code for _ in range(22)]
    assert answers == [303] * 21 + [429]
