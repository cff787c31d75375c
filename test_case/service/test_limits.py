"""Limits by app, key, address, device and day, and the shares of a journal that fills."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from node import Node
from redis_server import RedisServer
from started import ROOT

from database.redis_link import RedisLink
from exceptions import NotAccepting, QuotaExceeded, RateLimited, TooLarge
from service.batch import decode_batch
from service.devices import devices_of
from service.fair_share import FairShare
from service.limits import ReportLimits
from utils.app_settings import AppLimits, AppSettings, Source
from utils.record import Form
from utils.settings import load_settings

MakeLimits = Callable[..., ReportLimits]
OF_A, OF_B = (b'{"message":"m","device_id":"%s"}' % name for name in (b"a", b"b"))
OF_NONE = b'{"message":"m"}'
SETTINGS = load_settings(ROOT / "setting.yaml", {})


@pytest.fixture(autouse=True)
def within_one_minute() -> None:
    """What was let through begins to fade when a minute ends, and a day's quota begins anew."""
    left = 60 - time.time() % 60
    if left < 5:
        time.sleep(left)


@pytest.fixture
def node(tmp_path: Path) -> Any:
    node = Node(tmp_path)
    yield node
    node.close()


@pytest.fixture(params=["host", pytest.param("redis", marks=pytest.mark.redis)])
def make_limits(
    request: pytest.FixtureRequest, node: Node, make_link: Callable[..., RedisLink]
) -> MakeLimits:
    """Makes the limits as each worker does, with these for all apps."""
    redis: RedisServer | None = None
    if request.param == "redis":
        redis = request.getfixturevalue("redis_server")

    def make(**of_all: int) -> ReportLimits:
        settings = replace(SETTINGS, limits=replace(SETTINGS.limits, **of_all))
        link = make_link(redis.url if redis else "")
        return ReportLimits(settings, node.data, link, node.journal(), tuple)

    return make


def source(app_id: int = 1, key_id: int = 1, **own: Any) -> Source:
    quota = own.pop("daily_quota", 0)
    settings = AppSettings(limits=AppLimits(**own), daily_quota=quota)
    return Source(app_id, key_id, settings, "secret")


def batch(*devices: str | None) -> Any:
    logs = [{"message": "m", "device_id": device} for device in devices]
    return decode_batch(json.dumps(logs).encode(), False, 1000)


def let_through(limits: ReportLimits, who: Source, address: str, times: int = 10) -> int:
    """How many of so many requests are let through."""
    let = 0
    for _ in range(times):
        try:
            limits.admit_request(who, address)
            let += 1
        except RateLimited as refused:
            assert int(refused.headers["Retry-After"]) >= 1
    return let


def test_without_limits_all_is_let_through(make_limits: MakeLimits) -> None:
    limits = make_limits()
    assert let_through(limits, source(), "1.2.3.4", 100) == 100
    limits.admit_records(source(), batch(*["d"] * 100))
    assert limits._made is None  # and nothing was counted


def test_each_key_has_its_limit_and_the_app_one_over_all(make_limits: MakeLimits) -> None:
    limits = make_limits(key_requests_per_minute=4, requests_per_minute=10)
    assert let_through(limits, source(key_id=1), "a", 6) == 4
    assert let_through(limits, source(key_id=2), "a", 3) == 3
    assert let_through(limits, source(key_id=3), "a", 6) < 4
    assert let_through(limits, source(app_id=2), "a", 6) == 4


def test_addresses_are_limited_and_a_host_with_ipv6_is_one(make_limits: MakeLimits) -> None:
    limits = make_limits(address_requests_per_minute=3)
    assert let_through(limits, source(), "1.2.3.4") == 3
    assert let_through(limits, source(), "1.2.3.5") == 3
    assert let_through(limits, source(), "2001:db8:0:1::1", 2) == 2
    assert let_through(limits, source(), "2001:db8:0:1:ffff::2") == 1
    assert let_through(limits, source(), "2001:db8:0:2::1") == 3


def test_a_noisy_device_leaves_the_others_of_its_app_alone(make_limits: MakeLimits) -> None:
    limits = make_limits(device_records_per_minute=5)
    limits.admit_records(source(), batch(*["noisy"] * 5))
    with pytest.raises(RateLimited, match="the device 'noisy' is 5 records a minute"):
        limits.admit_records(source(), batch("noisy"))
    limits.admit_records(source(), batch(*["quiet"] * 5))
    limits.admit_records(source(app_id=2), batch(*["noisy"] * 5))
    limits.admit_records(source(), batch(*[None] * 50))
    with pytest.raises(TooLarge):
        limits.admit_records(source(), batch(*["third"] * 6))


def test_an_app_has_limits_of_its_own(make_limits: MakeLimits) -> None:
    limits = make_limits(requests_per_minute=2)
    assert let_through(limits, source(app_id=1), "a") == 2
    assert let_through(limits, source(app_id=2, requests_per_minute=7), "a") == 7


def test_the_quota_of_a_day_is_counted_when_records_are_accepted(make_limits: MakeLimits) -> None:
    first, second = make_limits(), make_limits()
    who = source(daily_quota=10)
    first.admit_records(who, batch(*[None] * 6))
    with pytest.raises(QuotaExceeded) as refused:
        second.admit_records(who, batch(*[None] * 5))
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 86_400
    second.admit_records(who, batch(*[None] * 4))  # what was refused does not count
    with pytest.raises(QuotaExceeded):
        first.admit_records(who, batch(None))
    first.admit_records(source(app_id=2, daily_quota=10), batch(None))


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b"[%s,%s,%s]" % (OF_A, OF_B, OF_NONE), False),
        (b"%s\n%s\n%s" % (OF_A, OF_B, OF_NONE), True),
        (b'{"logs":[%s,%s],"context":{"device_id":"a"}}' % (OF_B, OF_NONE), False),
        (b'{"logs":[%s,%s,{}],"context":{"device_id":"a"}}' % (OF_B, OF_NONE), False),
    ],
)
def test_the_devices_of_a_report_are_known_in_every_form(body: bytes, lines: bool) -> None:
    assert devices_of(decode_batch(body, lines, 10)) == {"a": 1, "b": 1}


def test_the_device_of_one_record_alone() -> None:
    one = decode_batch(b'{"message":"m","device_id":"a"}', False, 10)
    assert (one.form, devices_of(one)) == (Form.RECORD, {"a": 1})


class Filling:
    """A journal of which nothing is drained."""

    def __init__(self, node: Node, workers: int = 1, apps: tuple[int, ...] = (1, 2, 3)) -> None:
        self.journal = node.journal(max_bytes=100_000, soft_bytes=20_000, shed_below="off")
        self.share = FairShare(self.journal, workers, lambda: apps)
        self.taken: dict[int, int] = {}

    def report(self, app_id: int, size: int = 1000) -> bool:
        payload = b"x" * size
        try:
            self.share.admit(app_id, size)
        except NotAccepting:
            return False
        self.journal.append(app_id, 1, Form.ARRAY, "", payload)
        self.taken[app_id] = self.taken.get(app_id, 0) + size
        return True

    def flood(self, app_id: int) -> None:
        while self.report(app_id):
            pass


def test_a_noisy_app_leaves_room_for_the_others(node: Node) -> None:
    filling = Filling(node)
    filling.flood(1)
    assert 50_000 < filling.taken[1] < 65_000  # the soft limit, and half of what is behind it
    assert all(filling.report(2) for _ in range(15))
    filling.flood(3)
    assert filling.taken[3] > 8_000
    assert not filling.report(1)
    assert filling.journal.refusal is None
    filling.journal.stop()


def test_an_app_alone_may_have_all(node: Node) -> None:
    filling = Filling(node, apps=(1,))
    with pytest.raises(NotAccepting, match="the journal is full"):
        filling.flood(1)
    assert filling.taken[1] > 95_000
    filling.journal.stop()


def test_when_the_journal_is_drained_all_begin_anew(node: Node) -> None:
    filling = Filling(node, workers=2)
    filling.flood(1)
    node.drain()
    filling.journal.refresh()
    assert filling.report(1)
    filling.journal.stop()
