"""Time as RedLog keeps it: whole microseconds since 1970 in UTC."""

import math
import re
import time
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
YEAR_2000 = 946_684_800 * SECOND
LAST = 253_402_300_800 * SECOND - 1  # the end of the year 9999, the last that RFC 3339 can write

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"-([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhdw])")
_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?)? ?([Zz]|[+-]\d\d:?\d\d)?"
)


def now_us() -> int:
    """The present."""
    return time.time_ns() // 1000


def from_datetime(moment: datetime) -> int:
    """An aware datetime in microseconds."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def from_number(number: int | float) -> int:
    """A number in seconds, milli-, micro- or nanoseconds, told by its magnitude."""
    size = abs(number)
    if size < 1e11:
        return round(number * SECOND)
    if size < 1e14:
        return round(number * 1000)
    if size < 1e17:
        return int(number)
    return int(number // 1000)


def parse_time(value: Any) -> int | None:
    """A time in any form that a client may send; None when it is none of them.

    Text is RFC 3339, with the zone optional (then UTC), or a number written as text.
    """
    if isinstance(value, str):
        return _parse_text(value.strip())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return from_number(value) if isinstance(value, int) or math.isfinite(value) else None


def parse_moment(text: str) -> int | None:
    """A time that a person asks for: as `parse_time`, or before now: `-15m`, `-1.5h`, `now`."""
    text = text.strip()
    ago = _AGO.fullmatch(text)
    if ago is None:
        return now_us() if text == "now" else parse_time(text)
    return now_us() - round(float(ago[1]) * UNITS[ago[2]] * SECOND)


def _parse_text(text: str) -> int | None:
    try:
        return from_number(float(text) if "." in text else int(text))
    except (ValueError, OverflowError):
        pass
    match = _RFC_3339.fullmatch(text)
    if match is None:
        return None
    date, clock, fraction, zone = match.groups()
    zone = "+00:00" if zone is None or zone in "Zz" else zone
    zone = zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
    try:
        moment = from_datetime(datetime.fromisoformat(f"{date}T{clock or '00:00'}{zone}"))
    except (ValueError, OverflowError):
        return None
    return moment + int((fraction or "0")[:6].ljust(6, "0"))


def format_time(moment: int) -> str:
    """RFC 3339 in UTC with microseconds and `Z`."""
    return (EPOCH + timedelta(microseconds=moment)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def day_of(moment: int) -> str:
    """The UTC day as `20261120`."""
    return _day_name(moment // DAY)


@lru_cache(maxsize=64)
def _day_name(days: int) -> str:
    return (EPOCH + timedelta(days=days)).strftime("%Y%m%d")


def start_of(day: str) -> int:
    """The first microsecond of the UTC day `20261120`."""
    return from_datetime(datetime.strptime(day, "%Y%m%d").replace(tzinfo=timezone.utc))
