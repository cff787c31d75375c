"""Two nodes on one MariaDB: what ends on one is refused by the other within the promised time."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from mariadb import MariaDB
from people import CHEAP, PASSWORD, Person, person
from redis_server import RedisServer
from started import Server, wait_until

from service.signature import sign

pytestmark = [pytest.mark.server, pytest.mark.mariadb]
PROMISED_SECONDS = 0.5
Nodes = tuple[Server, Server]


@contextmanager
def two_nodes(folder: Path, **settings: str) -> Iterator[Nodes]:
    """Two nodes with the same secret and database, each with a data directory of its own."""
    one = Server(folder / "one", folder / "one.log", settings)
    (folder / "other").mkdir(mode=0o700)
    shutil.copy(one.data / "secret", folder / "other" / "secret")
    other = Server(folder / "other", folder / "other.log", settings, app=one.app)
    try:
        yield one.start(), other.start()
    finally:
        for node in (one, other):
            if node.process is not None:
                node.kill()


@pytest.fixture(scope="module")
def nodes(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Two nodes without Redis."""
    folder, url = tmp_path_factory.mktemp("nodes"), mariadb.url(mariadb.new_database())
    with two_nodes(folder, REDLOG_DATABASE__URL=url, **CHEAP) as made:
        yield made


def ask(node: Server, token: str, method: str = "GET", path: str = "me", **body: Any) -> Any:
    """Over a connection of its own, so that any worker may answer."""
    headers, url = {"Authorization": f"Bearer {token}"}, f"{node.url}/api/v1/{path}"
    return requests.request(method, url, json=body or None, headers=headers, timeout=60)


def known(nodes: Nodes, *tokens: str) -> None:
    """Every worker of both nodes has just seen that these tokens are good."""
    for node in nodes:
        for token in tokens * 6:
            assert ask(node, token).status_code == 200


def refused(nodes: Nodes, *tokens: str) -> None:
    """After the promised time no worker of either node takes one of these tokens."""
    time.sleep(PROMISED_SECONDS)
    for node in nodes:
        for token in tokens * 6:
            answer = ask(node, token)
            assert (answer.status_code, answer.json()["code"]) == (401, "revoked_token")


def refresh(node: Server, token: str) -> int:
    url = f"{node.url}/api/v1/refresh"
    return requests.post(url, json={"refresh_token": token}, timeout=60).status_code


def test_a_session_of_one_node_is_good_on_the_other_until_it_ends(nodes: Nodes) -> None:
    one, other = nodes
    ada = person(one, "ada", "admin")
    given, kept = ada.tokens(), Person(other, ada.account).tokens()
    known(nodes, given["token"], kept["token"])
    assert ask(one, given["token"], "POST", "logout").status_code == 204
    refused(nodes, given["token"])
    assert refresh(other, given["refresh_token"]) == 401
    known(nodes, kept["token"])
    assert refresh(one, kept["refresh_token"]) == 200


def test_a_new_password_ends_the_sessions_on_the_other_node(nodes: Nodes) -> None:
    one, other = nodes
    bob = person(one, "bob", "viewer")
    here, there = bob.tokens(), Person(other, bob.account).tokens()
    known(nodes, here["token"], there["token"])
    fresh = {"password": PASSWORD, "new_password": PASSWORD + "!"}
    assert ask(one, here["token"], "POST", "me/password", **fresh).status_code == 204
    refused(nodes, there["token"])
    assert refresh(other, there["refresh_token"]) == 401
    known(nodes, here["token"])
    assert Person(other, bob.account).log_in().status_code == 401


def test_a_machines_token_and_a_stolen_refresh_token_end_everywhere(nodes: Nodes) -> None:
    one, other = nodes
    eve = person(one, "eve", "viewer")
    given = eve.tokens()
    made = ask(one, given["token"], "POST", "tokens", name="ci").json()
    known(nodes, given["token"], made["token"])
    assert ask(other, given["token"], "DELETE", f"tokens/{made['id']}").status_code == 204
    refused(nodes, made["token"])
    assert refresh(one, given["refresh_token"]) == 200
    known(nodes, given["token"])
    assert refresh(other, given["refresh_token"]) == 401  # a thief's: it was used
    refused(nodes, given["token"])


# Signatures.


def signed(node: Server, body: bytes) -> dict[str, str]:
    """The header of a report that is signed now."""
    at = str(int(time.time()))
    return {"X-Redlog-Signature": f"t={at},v1={sign(str(node.app['secret']), at, body)}"}


def replay(nodes: Nodes, body: bytes) -> None:
    """Report with a signature to one node; nobody takes it again."""
    one, other = nodes
    headers = signed(one, body)
    assert one.report(body, headers=headers).status_code == 202
    for node in (other, one, other):
        again = node.report(body, headers=headers)
        assert (again.status_code, again.json()["code"]) == (401, "replayed_signature")


def test_a_signature_that_one_node_took_is_refused_by_the_other(nodes: Nodes) -> None:
    for n in range(5):
        replay(nodes, b'{"message": "%d"}' % n)
    one, other = nodes
    replay((other, one), b'{"message": "the other way"}')


@pytest.mark.redis
@pytest.mark.fault
def test_signatures_are_good_once_with_redis_and_while_it_is_away(
    mariadb: MariaDB, redis_server: RedisServer, tmp_path: Path
) -> None:
    database = mariadb.new_database()
    settings = {
        "REDLOG_DATABASE__URL": mariadb.url(database),
        "REDLOG_REDIS__URL": redis_server.url,
    }
    with two_nodes(tmp_path, **settings) as nodes:
        wait_until(are("ok", nodes), "both nodes")
        replay(nodes, b'{"message": "Redis is here"}')
        assert mariadb.run("SELECT * FROM used_signature", database=database) == []
        redis_server.kill()
        wait_until(are("degraded", nodes), "the loss to be told")
        for n in range(5):
            replay(nodes, b'{"message": "away %d"}' % n)
        redis_server.start()
        wait_until(are("ok", nodes), "Redis to be used again")
        replay(nodes, b'{"message": "Redis is back"}')


def are(status: str, nodes: Nodes) -> Callable[[], bool]:
    """Asks whether every worker of these nodes says so: several are asked."""
    return lambda: all(
        requests.get(f"{node.url}/readyz", timeout=60).json()["status"] == status
        for node in nodes * 6
    )
