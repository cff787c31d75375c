"""Times as clients send them, and as we write them."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.clock import (
    DAY,
    EPOCH,
    LAST,
    SECOND,
    YEAR_2000,
    day_of,
    format_time,
    from_datetime,
    from_number,
    now_us,
    parse_time,
    start_of,
)

YEAR_5000 = 95_617_584_000 * SECOND
moments = st.integers(0, LAST)
zones = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)
A_MOMENT = 1_795_168_800_123_456  # 2026-11-20T10:00:00.123456Z


@given(moments)
def test_what_is_formatted_is_parsed_back(moment: int) -> None:
    text = format_time(moment)
    assert parse_time(text) == moment
    assert (text[10], text[19], text[-1], len(text)) == ("T", ".", "Z", 27)


@given(st.integers(YEAR_2000, YEAR_5000), zones)
def test_every_zone_names_the_same_moment(moment: int, zone: timezone) -> None:
    aware = (EPOCH + timedelta(microseconds=moment)).astimezone(zone)
    assert from_datetime(aware) == moment
    assert parse_time(aware.isoformat()) == moment
    assert parse_time(aware.isoformat(" ")) == moment
    assert parse_time(aware.strftime("%Y-%m-%dT%H:%M:%S.%f%z")) == moment


@given(st.datetimes())
def test_a_datetime_of_any_year_is_its_distance_from_1970(naive: datetime) -> None:
    aware = naive.replace(tzinfo=timezone.utc)
    assert EPOCH + timedelta(microseconds=from_datetime(aware)) == aware


@given(st.integers(YEAR_2000, YEAR_5000))
def test_a_number_is_told_by_its_magnitude(moment: int) -> None:
    assert from_number(moment // SECOND) == moment // SECOND * SECOND
    assert from_number(moment // 1000) == moment // 1000 * 1000
    assert from_number(moment) == moment
    assert from_number(moment * 1000) == moment
    assert parse_time(str(moment)) == moment


@given(st.integers(YEAR_2000, 4_000_000_000 * SECOND))
def test_a_float_of_seconds_keeps_its_microseconds(moment: int) -> None:
    assert from_number(moment / SECOND) == moment
    assert parse_time(repr(moment / SECOND)) == moment


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (0, 0),
        (-1, -SECOND),
        (1.5, 1_500_000),
        (99_999_999_999, 99_999_999_999 * SECOND),
        (100_000_000_000, 100_000_000_000 * 1000),
        (99_999_999_999_999, 99_999_999_999_999_000),
        (100_000_000_000_000, 100_000_000_000_000),
        (99_999_999_999_999_999, 99_999_999_999_999_999),
        (100_000_000_000_000_000, 100_000_000_000_000),
        (-1_700_000_000_000, -1_700_000_000_000_000),
        (1_700_000_000_123.5, 1_700_000_000_123_500),
    ],
)
def test_seconds_milli_micro_and_nanoseconds_meet_at_their_bounds(
    number: float, moment: int
) -> None:
    assert from_number(number) == moment


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T10:00:00.123456Z",
        "2026-11-20t10:00:00.123456z",
        "2026-11-20 10:00:00.123456",
        " 2026-11-20T10:00:00.123456789+00:00\n",
        "2026-11-20T10:00:00,123456Z",
        "2026-11-20T18:00:00.123456+08:00",
        "2026-11-20T18:00:00.123456 +0800",
        "2026-11-19T22:30:00.123456-1130",
        "1795168800.123456",
        "1795168800123456",
        "1795168800123456789",
    ],
)
def test_all_spellings_of_one_moment(text: str) -> None:
    assert parse_time(text) == A_MOMENT


@pytest.mark.parametrize(
    ("text", "formatted"),
    [
        ("2026-11-20", "2026-11-20T00:00:00.000000Z"),
        ("2026-11-20T10:05", "2026-11-20T10:05:00.000000Z"),
        ("2026-11-20T10:05:06.7Z", "2026-11-20T10:05:06.700000Z"),
        ("2024-02-29T00:00:00-00:01", "2024-02-29T00:01:00.000000Z"),
    ],
)
def test_what_is_left_out_is_zero(text: str, formatted: str) -> None:
    moment = parse_time(text)
    assert moment is not None and format_time(moment) == formatted


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        True,
        False,
        "",
        "now",
        "yesterday",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-20T25:00:00Z",
        "2026-11-20T10:00:60Z",
        "2026-11-20T10:00:00+99:00",
        "2026-11-20T10:00:00Europe/Berlin",
        "0000-01-01T00:00:00Z",
        "20261120T100000Z",
        "1.2.3",
        "1e400.",
        "nan",
        "9" * 5000,
        float("nan"),
        float("inf"),
        float("-inf"),
        [],
        {},
        b"2026-11-20",
    ],
)
def test_nonsense_is_no_time(nonsense: Any) -> None:
    assert parse_time(nonsense) is None


@given(
    st.text()
    | st.from_regex(r"[0-9T:Z.+ -]{1,40}", fullmatch=True)
    | st.floats()
    | st.integers()
    | st.integers(-(10**400), 10**400)
)
def test_anything_is_a_time_or_none(value: Any) -> None:
    moment = parse_time(value)
    assert moment is None or isinstance(moment, int)


@given(moments)
def test_a_moment_lies_within_its_day(moment: int) -> None:
    day = day_of(moment)
    assert start_of(day) <= moment < start_of(day) + DAY
    assert day == format_time(moment)[:10].replace("-", "")


def test_days_are_utc() -> None:
    assert (day_of(A_MOMENT), start_of("20261120")) == ("20261120", 1_795_132_800 * SECOND)


def test_now_is_now() -> None:
    assert abs(datetime.now(timezone.utc).timestamp() - now_us() / SECOND) < 5
