"""How much an app may report in a minute: requests and records, over all workers and nodes."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from database.redis_link import RedisLink
from exceptions import RateLimited, TooLarge
from utils.settings import Limits

if TYPE_CHECKING:
    from database.rate_limits import RateLimits


class ReportLimits:
    """The limits of reports; one that is 0 is none and costs nothing."""

    def __init__(self, settings: Limits, data_dir: Path, link: RedisLink) -> None:
        self._requests = settings.requests_per_minute
        self._records = settings.records_per_minute
        self._counters: RateLimits | None = None
        if self._requests or self._records:
            from database import rate_limits  # only then: it takes memory

            self._counters = rate_limits.RateLimits(data_dir, link)

    def admit_request(self, app_id: int) -> None:
        """Count a request. Raises RateLimited."""
        if self._requests:
            self._take("requests", app_id, self._requests, 1)

    def admit_records(self, app_id: int, records: int) -> None:
        """Count a report's records. Raises RateLimited, or TooLarge when it could never pass."""
        if not self._records:
            return
        if records > self._records:
            raise TooLarge(f"{records} records, and {self._records} a minute may come")
        self._take("records", app_id, self._records, records)

    def _take(self, what: str, app_id: int, per_minute: int, cost: int) -> None:
        assert self._counters is not None
        seconds = self._counters.hit(what, str(app_id), per_minute, cost)
        if seconds:
            detail = f"the app's limit is {per_minute} {what} a minute"
            raise RateLimited(detail, retry_after=math.ceil(seconds))
