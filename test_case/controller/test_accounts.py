"""Accounts by HTTP: admins, people on their own, invitations, registration."""

import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyotp
import pytest
import requests
from started import Server
from zxingcpp import read_barcode

PASSWORD = "correct horse battery"
NEW = "another good password"
CHEAP = {
    "REDLOG_ACCOUNT__ARGON2_MEMORY_KIB": "64",
    "REDLOG_ACCOUNT__ARGON2_TIME": "1",
    "REDLOG_ACCOUNT__REGISTRATION": "viewer",
    "REDLOG_SERVER__TRUSTED_PROXIES": "127.0.0.1",
    "REDLOG_SERVER__WORKERS": "1",
}


class Person(NamedTuple):
    """Somebody who talks to the server, from an address of their own."""

    server: Server
    address: str
    token: str = ""

    def ask(self, method: str, path: str, **body: Any) -> requests.Response:
        """Send a request with a JSON body."""
        headers = {"X-Forwarded-For": self.address}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = f"{self.server.url}/api/v1/{path}"
        return requests.request(method, url, json=body, headers=headers, timeout=60)

    def sign_in(self, name: str, password: str, **more: str) -> "Person":
        """The same, signed in."""
        answer = self.ask("POST", "login", username=name, password=password, **more)
        assert answer.status_code == 200, answer.text
        return self._replace(token=answer.json()["token"])


def told(answer: requests.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("accounts")
    made = Server(folder / "data", folder / "server.log", CHEAP).start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def admin(shared: Server) -> Person:
    """The first account, with a password of its own since."""
    found = re.search(r"account admin, password (\S+)", shared.log_text())
    assert found is not None, shared.log_text()
    stranger = Person(shared, "198.51.100.1")
    newcomer = stranger.sign_in("admin", found[1])
    for method, path in (("GET", "accounts"), ("GET", "logs"), ("POST", "me/totp")):
        assert told(newcomer.ask(method, path)) == (403, "password_change_required")
    answer = newcomer.ask("POST", "me/password", password=found[1], new_password=PASSWORD)
    assert answer.status_code == 204
    assert newcomer.ask("GET", "accounts").status_code == 200
    return newcomer


@pytest.fixture
def stranger(shared: Server, request: pytest.FixtureRequest) -> Person:
    """Somebody whose address no other test uses."""
    network = sum(request.node.name.encode()) % 65_536
    return Person(shared, f"2001:db8:{len(request.node.name)}:{network:x}::1")


def make(admin: Person, name: str, role: str = "viewer", **more: Any) -> dict[str, Any]:
    answer = admin.ask("POST", "accounts", name=name, role=role, **{"password": PASSWORD, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


# Admins.


def test_the_first_password_is_shown_once_and_kept_nowhere(shared: Server, admin: Person) -> None:
    password = re.findall(r"account admin, password (\S+)", shared.log_text())
    assert len(password) == 1
    everything = b"".join(path.read_bytes() for path in shared.data.rglob("*") if path.is_file())
    assert password[0].encode() not in everything and PASSWORD.encode() not in everything


def test_an_admin_makes_changes_and_removes_accounts(admin: Person, stranger: Person) -> None:
    app = admin.server.app["id"]
    made = make(admin, "Björn 张", "viewer", apps=[app])
    assert made | {"id": 0, "created_at": ""} == {
        "id": 0,
        "name": "Björn 张",
        "role": "viewer",
        "apps": [app],
        "must_change": False,
        "disabled": False,
        "totp_enabled": False,
        "has_password": True,
        "created_at": "",
        "last_login_at": None,
    }
    path = f"accounts/{made['id']}"
    assert admin.ask("GET", path).json() == made
    assert made in admin.ask("GET", "accounts").json()["accounts"]
    person = stranger.sign_in("björn 张", PASSWORD)
    assert person.ask("GET", "logs").status_code == 200

    changed = admin.ask("PATCH", path, role="member", apps=[]).json()
    assert (changed["role"], changed["apps"]) == ("member", [])
    assert told(person.ask("GET", "logs"))[0] == 401
    assert stranger.sign_in("björn 张", PASSWORD).ask("GET", "me").json()["role"] == "member"

    assert admin.ask("DELETE", path).status_code == 204
    assert told(admin.ask("GET", path)) == told(admin.ask("DELETE", path)) == (404, "not_found")
    again = stranger.ask("POST", "login", username="björn 张", password=PASSWORD)
    assert told(again) == (401, "bad_login")


def test_a_disabled_account_is_out_until_it_is_enabled(admin: Person, stranger: Person) -> None:
    path = f"accounts/{make(admin, 'dora')['id']}"
    person = stranger.sign_in("dora", PASSWORD)
    assert admin.ask("PATCH", path, disabled=True).json()["disabled"] is True
    assert told(person.ask("GET", "me"))[0] == 401
    answer = stranger.ask("POST", "login", username="dora", password=PASSWORD)
    assert told(answer) == (401, "bad_login")
    assert admin.ask("PATCH", path, disabled=False).status_code == 200
    stranger.sign_in("dora", PASSWORD)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": "ADMIN", "password": PASSWORD}, (409, "account_exists")),
        ({"name": "eve", "password": "short"}, (400, "weak_password")),
        ({"name": "eve", "password": "eve12345"}, (400, "weak_password")),
        ({"name": "eve ", "password": PASSWORD}, (400, "bad_request_body")),
        ({"name": "eve", "role": "owner"}, (400, "bad_request_body")),
        ({"name": "eve", "apps": [10_000]}, (400, "bad_request_body")),
        ({"name": "eve", "must_change": False}, (400, "bad_request_body")),
        ({"role": "admin"}, (400, "bad_request_body")),
    ],
)
def test_an_account_that_is_not_made(
    admin: Person, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    before = admin.ask("GET", "accounts").json()
    assert told(admin.ask("POST", "accounts", **body)) == expected
    assert admin.ask("GET", "accounts").json() == before


@pytest.mark.parametrize("number", [0, 10**18 - 1, 2**63, 10**40])
@pytest.mark.parametrize("things", ["accounts", "apps", "erasures"])
def test_an_id_that_nothing_has_is_not_found(admin: Person, things: str, number: int) -> None:
    assert told(admin.ask("GET", f"{things}/{number}")) == (404, "not_found")


def test_the_last_admin_stays(admin: Person) -> None:
    number = admin.ask("GET", "me").json()["account"]["id"]
    path = f"accounts/{number}"
    for method, body in (
        ("DELETE", {}),
        ("PATCH", {"disabled": True}),
        ("PATCH", {"role": "viewer"}),
    ):
        assert told(admin.ask(method, path, **body)) == (409, "last_admin")
    assert admin.ask("GET", path).json()["role"] == "admin"


def test_a_reset_password_must_be_changed(admin: Person, stranger: Person) -> None:
    made = make(admin, "carl")
    person = stranger.sign_in("carl", PASSWORD)
    for _ in range(5):  # locks the account, which the reset ends
        stranger.ask("POST", "login", username="carl", password="wrong")
    answer = admin.ask("POST", f"accounts/{made['id']}/reset")
    assert answer.status_code == 200
    given = answer.json()["password"]
    assert told(person.ask("GET", "me"))[0] == 401
    assert told(stranger.ask("POST", "login", username="carl", password=PASSWORD))[0] == 401
    newcomer = stranger.sign_in("carl", given)
    assert told(newcomer.ask("GET", "logs")) == (403, "password_change_required")
    answer = newcomer.ask("POST", "me/password", password=given, new_password=NEW)
    assert answer.status_code == 204
    assert newcomer.ask("GET", "logs").status_code == 200


def test_only_admins_look_after_accounts(admin: Person, stranger: Person) -> None:
    make(admin, "mia", "member")
    member = stranger.sign_in("mia", PASSWORD)
    routes = [
        ("GET", "accounts"),
        ("POST", "accounts"),
        ("GET", "accounts/1"),
        ("PATCH", "accounts/1"),
    ]
    routes += [("DELETE", "accounts/1"), ("POST", "accounts/1/reset"), ("GET", "invitations")]
    routes += [("POST", "invitations"), ("DELETE", "invitations/1")]
    for method, path in routes:
        assert told(member.ask(method, path)) == (403, "forbidden")
        assert told(stranger.ask(method, path)) == (401, "bad_token")
        machine = stranger._replace(token=stranger.server.token)
        assert told(machine.ask(method, path)) == (403, "forbidden")


# One's own account.


def test_a_new_password_ends_the_other_sessions(admin: Person, stranger: Person) -> None:
    make(admin, "rosa")
    phone, laptop = (stranger.sign_in("rosa", PASSWORD) for _ in range(2))
    change = {"password": PASSWORD, "new_password": NEW}
    assert told(laptop.ask("POST", "me/password", **change | {"password": "wrong"})) == (
        401,
        "bad_login",
    )
    for bad in ("short", PASSWORD, "rosa12345"):
        answer = laptop.ask("POST", "me/password", **change | {"new_password": bad})
        assert told(answer) == (400, "weak_password")
    assert phone.ask("GET", "me").status_code == 200
    assert laptop.ask("POST", "me/password", **change).status_code == 204
    assert laptop.ask("GET", "me").status_code == 200
    assert told(phone.ask("GET", "me"))[0] == 401
    stranger.sign_in("rosa", NEW)


def test_a_machine_has_no_password_of_its_own(admin: Person, stranger: Person) -> None:
    machine = stranger._replace(token=stranger.server.token)
    for method, path in (("POST", "me/password"), ("POST", "me/totp"), ("DELETE", "me/totp")):
        assert told(machine.ask(method, path, password=PASSWORD)) == (403, "forbidden")


def read_rows(rows: list[str]) -> str:
    """What a QR code says, by its cells, with four light ones on each side."""
    assert {len(row) for row in rows} == {len(rows)}
    for lines in (rows, ["".join(column) for column in zip(*rows, strict=True)]):
        assert {*lines[:4], *lines[-4:]} == {"0" * len(rows)}
    cells = bytes(255 * (cell == "0") for row in rows for cell in row)
    found = read_barcode(memoryview(cells).cast("B", (len(rows), len(rows))), try_invert=False)
    assert found is not None
    return found.text


def test_a_second_factor(admin: Person, stranger: Person) -> None:
    made = make(admin, "tom")
    person = stranger.sign_in("tom", PASSWORD)
    assert told(person.ask("POST", "me/totp", password="wrong")) == (401, "bad_login")
    assert told(person.ask("POST", "me/totp", code="123456")) == (401, "bad_login")
    for body in ({}, {"password": PASSWORD, "code": "123456"}):
        assert told(person.ask("POST", "me/totp", **body)) == (400, "bad_request_body")
    answer = person.ask("POST", "me/totp", password=PASSWORD)
    authenticator = pyotp.parse_uri(answer.json()["uri"])
    assert isinstance(authenticator, pyotp.TOTP)
    assert (authenticator.name, authenticator.issuer) == ("tom", "RedLog")
    assert authenticator.secret == answer.json()["secret"]
    assert read_rows(answer.json()["qr"]) == answer.json()["uri"]
    stranger.sign_in("tom", PASSWORD)  # not confirmed: not asked for

    now = time.time()
    code, next_code = authenticator.at(int(now)), authenticator.at(int(now) + 30)
    assert person.ask("POST", "me/totp", code=code).json() == {"totp_enabled": True}
    assert told(person.ask("POST", "me/totp", password=PASSWORD)) == (409, "totp_enabled")
    login = {"username": "tom", "password": PASSWORD}
    assert told(stranger.ask("POST", "login", **login)) == (401, "code_needed")
    assert told(stranger.ask("POST", "login", **login, code=code)) == (401, "bad_login")
    stranger.sign_in("tom", PASSWORD, code=next_code)

    assert told(person.ask("DELETE", "me/totp", password="wrong")) == (401, "bad_login")
    assert person.ask("DELETE", "me/totp", password=PASSWORD).status_code == 204
    stranger.sign_in("tom", PASSWORD)
    uri = person.ask("POST", "me/totp", password=PASSWORD).json()["uri"]
    fresh = pyotp.parse_uri(uri)
    assert isinstance(fresh, pyotp.TOTP) and fresh.secret != authenticator.secret
    admin.ask("POST", f"accounts/{made['id']}/reset", totp=True)
    assert admin.ask("GET", f"accounts/{made['id']}").json()["totp_enabled"] is False


# Invitations and registration.


def test_an_invitation_makes_one_account(admin: Person, stranger: Person) -> None:
    app = admin.server.app["id"]
    answer = admin.ask("POST", "invitations", role="member", apps=[app])
    assert answer.status_code == 201
    invited = answer.json()
    assert invited["invitation"].startswith("rli_") and invited["created_by"] == "account admin"
    listed = admin.ask("GET", "invitations").json()["invitations"]
    assert {key: value for key, value in invited.items() if key != "invitation"} in listed
    assert invited["invitation"] not in str(listed)

    wanted = {"invitation": invited["invitation"], "username": "nina", "password": PASSWORD}
    assert told(stranger.ask("POST", "register", **wanted | {"username": "Admin"}))[0] == 409
    assert told(stranger.ask("POST", "register", **wanted | {"password": "x"}))[0] == 400
    made = stranger.ask("POST", "register", **wanted)
    assert made.status_code == 201
    assert (made.json()["role"], made.json()["apps"]) == ("member", [app])
    again = stranger.ask("POST", "register", **wanted | {"username": "nina2"})
    assert told(again) == (403, "bad_invitation")
    stranger.sign_in("nina", PASSWORD)


def test_an_invitation_can_be_taken_back(admin: Person, stranger: Person) -> None:
    invited = admin.ask("POST", "invitations", role="viewer").json()
    path = f"invitations/{invited['id']}"
    assert admin.ask("DELETE", path).status_code == 204
    assert told(admin.ask("DELETE", path)) == (404, "not_found")
    wanted = {"invitation": invited["invitation"], "username": "olaf", "password": PASSWORD}
    assert told(stranger.ask("POST", "register", **wanted)) == (403, "bad_invitation")


def test_who_registers_without_an_invitation_sees_nothing(admin: Person, stranger: Person) -> None:
    wanted = {"username": "访客", "password": PASSWORD}
    made = stranger.ask("POST", "register", **wanted)
    assert made.status_code == 201
    assert (made.json()["role"], made.json()["apps"]) == ("viewer", [])
    person = stranger.sign_in("访客", PASSWORD)
    assert person.ask("GET", "logs").json()["logs"] == []


def test_one_address_registers_few_accounts(admin: Person, stranger: Person) -> None:
    wanted = {"invitation": "rli_guessed", "username": "x", "password": PASSWORD}
    answers = [told(stranger.ask("POST", "register", **wanted)) for _ in range(22)]
    assert answers[:21] == [(403, "bad_invitation")] * 21
    assert answers[21] == (429, "locked_out")


def test_the_acts_are_in_the_audit_log(admin: Person, stranger: Person) -> None:
    made = make(admin, "zoe")
    path = f"accounts/{made['id']}"
    admin.ask("PATCH", path, disabled=True)
    admin.ask("POST", f"{path}/reset")
    admin.ask("DELETE", path)
    acts = admin.ask("GET", "audit?limit=50").json()["acts"]
    of_zoe = [each for each in acts if each["target"] == "account zoe"]
    assert [each["act"] for each in of_zoe][::-1] == [
        "account.create",
        "account.update",
        "account.reset",
        "account.delete",
    ]
    assert {(each["actor"], each["address"]) for each in of_zoe} == {
        ("account admin", admin.address)
    }
    assert PASSWORD not in str(acts)
