"""Signatures of reports: which are good, and that none is good twice."""

import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mariadb import MariaDB
from node import Node
from redis_server import RedisServer
from sqlalchemy import func, select, text

import database.used_signatures as used
from database.access_tables import used_signature
from database.redis_link import RedisLink
from database.used_signatures import UsedSignatures
from exceptions import BadSignature, NotAccepting, ReplayedSignature
from service.signature import TOLERANCE_SECONDS, Signatures, check_signature, sign
from utils.app_settings import AppSettings, Source

SECRET, NOW = "s3cret-支付", 1_795_168_800
BODY = b'{"message": "signed"}'


def header(secret: str = SECRET, at: int = NOW, body: bytes = BODY) -> str:
    return f"t={at},v1={sign(secret, str(at), body)}"


def refusal(sent: str | None, body: bytes = BODY, secret: str = SECRET) -> str:
    with pytest.raises(BadSignature) as caught:
        check_signature(sent, secret, body, NOW)
    assert caught.value.status == 401 and secret not in caught.value.detail
    return caught.value.detail.partition(":")[0]


@given(st.text(min_size=1), st.binary(max_size=200), st.integers(-300, 300))
def test_what_was_signed_is_good_within_the_tolerance(secret: str, body: bytes, off: int) -> None:
    at = NOW + off
    good = check_signature(header(secret, at, body), secret, body, NOW)
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    assert good == (signed.hexdigest(), at + TOLERANCE_SECONDS)


@given(st.binary(min_size=1, max_size=50), st.data())
def test_another_body_time_or_secret_is_wrong(body: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(body) - 1))
    other = body[:at] + bytes([body[at] ^ data.draw(st.integers(1, 255))]) + body[at + 1 :]
    sent = header(body=body)
    assert refusal(sent, other) == "wrong"
    assert refusal(sent, body + b" ") == "wrong"
    assert refusal(sent.replace(str(NOW), str(NOW + 1)), body) == "wrong"
    assert refusal(sent, body, SECRET + "x") == "wrong"


def test_why_a_signature_is_refused() -> None:
    assert refusal(None) == refusal("") == "missing"
    for off in (-301, 301, -(10**6)):
        assert refusal(header(at=NOW + off)) == "too old or too new"


@pytest.mark.parametrize(
    "sent",
    [
        "v1=" + "0" * 64,
        f"t={NOW}",
        f"t={NOW},v1=",
        f"t={NOW},v1={'0' * 63}",
        f"t={NOW},v1={'0' * 65}",
        f"t={NOW},v1={'g' * 64}",
        f"t={NOW}, v1={'0' * 64}",
        f"t=0{NOW},v1={'0' * 64}",
        f"t=-{NOW},v1={'0' * 64}",
        f"t={NOW}.5,v1={'0' * 64}",
        f"t=１７９５１６８８００,v1={'0' * 64}",
        f"t={NOW},v2={'0' * 64}",
        f"t={NOW},v1={'0' * 64},",
        f"t={NOW},v1={'0' * 64}\n",
        f"t={NOW}" + f",v1={'0' * 64}" * 6,
        f"t={NOW},v1={'0' * 64},t={NOW},v1={'0' * 64}",
    ],
)
def test_the_form_is_strict(sent: str) -> None:
    assert refusal(sent) == "unreadable"


def test_one_of_several_is_enough_while_a_secret_is_changed() -> None:
    right, wrong = sign(SECRET, str(NOW), BODY), "0" * 64
    for values in ([right, wrong], [wrong, right], [wrong] * 4 + [right.upper()]):
        sent = f"t={NOW}" + "".join(f",v1={value}" for value in values)
        assert check_signature(sent, SECRET, BODY, NOW).value == right


def test_each_signature_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared, original = [], hmac.compare_digest

    def compare(one: str, other: str) -> bool:
        compared.append(other)
        return original(one, other)

    monkeypatch.setattr("service.signature.hmac.compare_digest", compare)
    right = sign(SECRET, str(NOW), BODY)
    check_signature(f"t={NOW},v1={right},v1={'0' * 64}", SECRET, BODY, NOW)
    assert compared == [right, "0" * 64]  # the right one first, and the other all the same


# Used once.


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path)
    yield node
    node.close()


NEVER = 2**33  # far in the future


def rows(node: Node) -> int:
    with node.engine.connect() as connection:
        return int(connection.scalar(select(func.count()).select_from(used_signature)) or 0)


def test_without_redis_the_tables_know_what_was_used(node: Node) -> None:
    one, other = (UsedSignatures(node.engine, RedisLink("", "one", 2)) for _ in range(2))
    assert one.take("a", NEVER) and not one.take("a", NEVER) and not other.take("a", NEVER)
    assert other.take("b", NEVER)


def test_what_has_expired_is_removed_now_and_then(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    signatures = UsedSignatures(node.engine, RedisLink("", "one", 2))
    assert signatures.take("a", 1) and signatures.take("b", NEVER)
    assert rows(node) == 1
    assert signatures.take("c", 1) and rows(node) == 2
    monkeypatch.setattr(used, "CLEANING_SECONDS", -1.0)
    assert signatures.take("d", NEVER) and rows(node) == 2


def test_when_nobody_can_be_asked_the_report_must_wait(node: Node) -> None:
    signatures = UsedSignatures(node.engine, RedisLink("", "one", 2))
    with node.engine.begin() as connection:
        connection.execute(text("DROP TABLE used_signature"))
    with pytest.raises(NotAccepting):
        signatures.take("a", NEVER)


@pytest.mark.redis
def test_redis_knows_for_all_nodes_and_the_tables_stand_in(
    node: Node, redis_server: RedisServer, make_link: Callable[..., RedisLink]
) -> None:
    one, other = (UsedSignatures(node.engine, make_link(redis_server.url)) for _ in range(2))
    assert one.take("a", NEVER) and not other.take("a", NEVER)
    assert one.take("late", 1) and not other.take("late", 1) and rows(node) == 0
    redis_server.kill()
    assert one.take("b", NEVER) and not other.take("b", NEVER) and rows(node) == 1


@pytest.mark.mariadb
def test_of_two_nodes_on_one_mariadb_only_one_takes_a_signature(
    mariadb: MariaDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(used, "CLEANING_SECONDS", -1.0)  # at each one, beside the others
    url = mariadb.url(mariadb.new_database())
    nodes = [Node(tmp_path / name, url) for name in ("one", "other")]
    signatures = [UsedSignatures(node.engine, RedisLink("", "one", 2)) for node in nodes] * 3
    with ThreadPoolExecutor(len(signatures)) as threads:
        for n in range(100):
            until = NEVER if n % 2 else NOW - 10**8  # taken, and expired at once
            taken = list(threads.map(lambda each, n=n: each.take(f"{n}", NEVER), signatures))
            assert sorted(taken) == [False] * 5 + [True]
            assert signatures[0].take(f"old {n}", until)
    assert rows(nodes[1]) == 150
    for node in nodes:
        node.close()


def test_it_is_demanded_by_app_and_checked_wherever_it_is_sent(node: Node) -> None:
    signatures = Signatures(node.engine, RedisLink("", "one", 2))
    free = Source(1, 1, AppSettings(), SECRET)
    strict = Source(1, 1, AppSettings(require_signature=True), SECRET)
    signatures.check(free, None, BODY)
    for source in (free, strict):
        for sent in ("", "t=1,v1=x"):
            with pytest.raises(BadSignature):
                signatures.check(source, sent, BODY)
    with pytest.raises(BadSignature):
        signatures.check(strict, None, BODY)
    fresh = header(at=int(time.time()))
    signatures.check(strict, fresh, BODY)
    for source in (free, strict):
        with pytest.raises(ReplayedSignature):
            signatures.check(source, fresh, BODY)
