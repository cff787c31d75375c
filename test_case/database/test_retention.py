"""Which partitions are dropped: by age, by size, on request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database import retention
from database.catalogue import Partition
from database.retention import expired
from utils.clock import DAY, day_of, start_of
from utils.settings import Retention

TODAY = "20261120"


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "now_us", lambda: start_of(TODAY) + DAY - 1)


def day(ago: int) -> str:
    return day_of(start_of(TODAY) - ago * DAY)


def partition(ago: int, size: int = 100, drop: bool = False) -> Partition:
    return Partition(day(ago), "sqlite", 0, 0, 1, size, 1, drop)


WEEK = [partition(ago) for ago in range(7)]


@pytest.mark.parametrize("days", [1, 2, 5, 6, 7])
def test_a_partition_is_kept_for_its_days_and_today(days: int) -> None:
    assert expired(WEEK, Retention(days, 0, 0)) == [day(ago) for ago in range(days + 1, 7)]


def test_0_is_for_ever() -> None:
    assert expired([partition(0), partition(5000)], Retention(0, 0, 0)) == []


@pytest.mark.parametrize("days", [1, 365, 20_000, 36_500])
def test_the_longest_retention_can_be_reckoned(days: int) -> None:
    assert expired(WEEK[:1], Retention(days, 0, 0)) == []


@pytest.mark.parametrize(
    ("cap", "kept"), [(700, 7), (699, 6), (350, 3), (100, 1), (99, 1), (1, 1), (0, 7)]
)
def test_above_a_size_the_oldest_go_but_never_the_newest(cap: int, kept: int) -> None:
    assert expired(WEEK, Retention(0, cap, 0)) == [day(ago) for ago in range(kept, 7)]


def test_a_large_old_day_does_not_cost_the_newer_ones() -> None:
    days = [partition(0), partition(1), partition(2, size=10_000), partition(3)]
    assert expired(days, Retention(0, 500, 0)) == [day(2), day(3)]


def test_what_an_operator_asked_for_goes_today_as_well() -> None:
    days = [partition(0, drop=True), partition(1), partition(2, drop=True)]
    assert expired(days, Retention(0, 0, 0)) == [day(0), day(2)]


def test_nothing_to_drop_of_nothing() -> None:
    assert expired([], Retention(1, 1, 0)) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 1000), st.booleans()), unique_by=lambda p: p[0]
    ),
    st.integers(0, 90),
    st.integers(0, 5000),
)
def test_what_is_left_is_young_and_small_enough(
    parts: list[tuple[int, int, bool]], days: int, cap: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retention, "now_us", lambda: start_of(TODAY))
        partitions = [partition(*part) for part in sorted(parts)]
        dropped = expired(partitions, Retention(days, cap, 0))
    left = [kept for kept in partitions if kept.name not in dropped]
    assert len(left) + len(dropped) == len(partitions)
    assert not any(kept.drop_requested for kept in left)
    assert not days or all(kept.name >= day(days) for kept in left)
    assert not cap or sum(kept.bytes for kept in left) <= cap or len(left) == 1
