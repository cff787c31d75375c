"""How much may be reported: by an app, a key, an address and a device in a minute, by an app in a
day, and by one app while the journal fills. Counted over all workers and nodes.
"""

import math
from collections import Counter
from collections.abc import Callable, Sized
from functools import lru_cache
from hashlib import blake2s
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from database.journal import Journal
from database.redis_link import RedisLink
from exceptions import QuotaExceeded, RateLimited, TooLarge
from service.batch import Batch
from service.devices import devices_of
from service.fair_share import FairShare
from utils.app_settings import AppLimits, Source
from utils.settings import Settings
from utils.wording import say

if TYPE_CHECKING:
    from database.rate_limits import RateLimits

MAX_DEVICES = 100  # of one report, that are counted one by one


class ReportLimits:
    """The limits of reports: an app's own, and where it has none the server's.

    One that is 0 is none and costs nothing.
    """

    def __init__(
        self,
        settings: Settings,
        data_dir: Path,
        link: RedisLink,
        journal: Journal,
        known_apps: Callable[[], Sized],
    ) -> None:
        self._of_all = settings.limits
        self._data_dir = data_dir
        self._link = link
        self._made: RateLimits | None = None
        self._of = lru_cache(1024)(self._merge)
        self.fair_share = FairShare(journal, settings.server.workers, known_apps)

    def _merge(self, own: AppLimits) -> AppLimits | None:
        """What counts for an app; None: no limit at all."""
        merged = {name: value or getattr(self._of_all, name) for name, value in asdict(own).items()}
        return AppLimits(**merged) if any(merged.values()) else None

    def admit_request(self, source: Source, address: str | None) -> None:
        """Count a request. Raises RateLimited."""
        limits = self._of(source.settings.limits)
        if limits is None:
            return
        app = str(source.app_id)
        self._take("requests", app, limits.requests_per_minute, 1, "the app")
        key = f"{app}/{source.key_id}"
        self._take("key_requests", key, limits.key_requests_per_minute, 1, "the key")
        if address is not None:
            from_there = f"{app}/{_network(address)}"
            most = limits.address_requests_per_minute
            self._take("address_requests", from_there, most, 1, "the address")

    def admit_records(self, source: Source, batch: Batch) -> None:
        """Count a report's records.

        Raises RateLimited and QuotaExceeded, or TooLarge when it could never pass.
        """
        app, limits = str(source.app_id), self._of(source.settings.limits)
        if limits is not None:
            if limits.device_records_per_minute:
                self._take_devices(app, limits.device_records_per_minute, batch)
            most = limits.records_per_minute
            self._take("records", app, most, batch.count, "the app")
        if source.settings.daily_quota:
            self._take_quota(app, source.settings.daily_quota, batch.count)

    def _take_devices(self, app: str, per_minute: int, batch: Batch) -> None:
        """Many devices in one report are a relay's; only the loudest of them are looked at."""
        devices: Counter[str] = devices_of(batch)
        for device, records in devices.most_common(MAX_DEVICES):
            key = f"{app}/{blake2s(device.encode(), digest_size=16).hexdigest()}"  # not itself
            who = "the device {device!r}"
            self._take("device_records", key, per_minute, records, who, device=device)

    def _take(
        self, what: str, key: str, per_minute: int, cost: int, who: str, **named: str
    ) -> None:
        if not per_minute:
            return
        seconds = self._counters.hit(what, key, per_minute, cost) if cost <= per_minute else 0
        if cost <= per_minute and not seconds:
            return
        unit = say("requests" if what.endswith("requests") else "records")
        of = say(who, **named)
        if not seconds:
            few = "{cost} {unit}, and {most} a minute may come of {of}"
            raise TooLarge(say(few, cost=cost, unit=unit, most=per_minute, of=of))
        often = "the limit of {of} is {most} {unit} a minute"
        again = math.ceil(seconds)
        raise RateLimited(say(often, of=of, most=per_minute, unit=unit), retry_after=again)

    def _take_quota(self, app: str, per_day: int, records: int) -> None:
        seconds = self._counters.hit_of_day("quota", app, per_day, records)
        if seconds:
            detail = say("the app's quota is {most} records a day (UTC)", most=per_day)
            raise QuotaExceeded(detail, retry_after=math.ceil(seconds))

    @property
    def _counters(self) -> "RateLimits":
        if self._made is None:
            from database.rate_limits import RateLimits  # only now: it takes memory

            self._made = RateLimits(self._data_dir, self._link)
        return self._made


@lru_cache(4096)
def _network(address: str) -> str:
    """What is taken for one client: of IPv6 the 64 bits that one host has for itself."""
    try:
        known = ip_address(address)
    except ValueError:  # as a Unix socket's
        return address
    return str(ip_network((known, 64), strict=False)) if known.version == 6 else address
