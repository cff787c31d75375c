"""The ids of events: where their reader goes on."""

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exceptions import BadCursor
from service.tail_cursor import MOST_DAYS, read_cursor, write_cursor
from utils.clock import DAY, LAST, day_of

DAYS = st.integers(0, LAST // DAY).map(lambda number: day_of(number * DAY))
PLACES = st.dictionaries(DAYS, st.just(0) | st.integers(0, 2**63 - 1), max_size=2 * MOST_DAYS)


@given(PLACES, PLACES)
def test_who_comes_back_is_where_they_were(places: dict[str, int], ends: dict[str, int]) -> None:
    cursor = write_cursor(places)
    assert cursor.isascii() and "\n" not in cursor and len(cursor) < 250
    back = read_cursor(cursor, ends)
    assert back.keys() == ends.keys()
    begun = max((day for day in places if places[day]), default="")
    newest = sorted(day for day in places if day <= begun)[-MOST_DAYS:]
    for day, place in back.items():
        if day in newest or (day in places and day > begun):
            assert place == places[day]
        elif len(newest) == MOST_DAYS and day < newest[0]:
            assert place == ends[day]  # too old to be told: it counts as read
        else:
            assert place == 0  # there was nothing of it


def test_all_that_comes_after_a_cursor_of_nothing_is_new() -> None:
    assert read_cursor(write_cursor({}), {"20261120": 5}) == {"20261120": 0}


BAD = [
    *("", "a", "é", "AAAA", "////", "!", "\n", "=" * 9),
    *(
        base64.urlsafe_b64encode(msgspec.msgpack.encode(value)).decode()
        for value in (
            None,
            {},
            [1],
            [[1, -1]],
            [[1, 2**63]],
            [[LAST // DAY + 1, 1]],
            [["1", 1]],
            [[1, 1, 1]],
            [[n, 1] for n in range(MOST_DAYS + 1)],
        )
    ),
]


@pytest.mark.parametrize("cursor", BAD)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        read_cursor(cursor, {})
