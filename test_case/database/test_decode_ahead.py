"""The process that decodes ahead hands over all that it was given, small frames joined."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

import pytest

from database.day_append import CounterKey, Prepared, tally
from database.decode_ahead import DecodeAhead, Work
from database.frame import Frame
from database.preparing import PART_RECORDS, joined
from database.rows import decode, make_rows, time_range
from database.segments import Chunk
from utils.clock import MINUTE, SECOND, YEAR_2000
from utils.record import Form

START = YEAR_2000 + 60 * MINUTE


def prepared(
    number: int, at: int = START, app: int = 1, key: str = "", rejected: Mapping[str, int] = {}
) -> Prepared:
    """A frame of one record, the `number`th in its segment."""
    payload = b'[{"message": "%d", "time": %d}]' % (number, at - number)
    values = make_rows(app, at, decode(Form.ARRAY, payload))
    frame = Frame(app, at, 1, Form.ARRAY, key, payload, number * 100, number * 100 + 90)
    return Prepared(frame, 1, values, rejected, time_range(values))


def handed_over(frames: list[Prepared]) -> list[Prepared]:
    """What comes out of the process that these come from."""

    def prepare(positions: dict[str, int], finished: Collection[str]) -> Work:
        yield Chunk("segment", [], frames[-1].frame.end, False), joined(iter(frames))

    ahead = DecodeAhead(prepare)
    try:
        return [each for _, parts in ahead.work({}, set()) for each in parts]
    finally:
        ahead.end()


def counted(frames: list[Prepared]) -> Counter[CounterKey]:
    """What the counters are told of them."""
    counters: Counter[CounterKey] = Counter()
    for each in frames:
        tally(counters, each, is_new=True)
    return counters


def rows(frames: list[Prepared]) -> Iterator[object]:
    """Their rows, as one."""
    for each in frames:
        yield from each.rows


def test_neighbours_of_an_app_and_minute_come_as_one_frame() -> None:
    frames = [prepared(number, at=START + number) for number in range(5)]
    (one,) = handed_over(frames)
    assert list(rows([one])) == list(rows(frames))
    assert (one.frame.start, one.frame.end, one.frame.records) == (0, 490, 5)
    assert one.times == (START, START)
    assert counted([one]) == counted(frames)


@pytest.mark.parametrize(
    "between",
    [
        prepared(1, at=START + 60 * SECOND),
        prepared(1, app=2),
        prepared(1, key="batch"),
        prepared(1, rejected={"invalid_level": 3}),
        prepared(1)._replace(records=0, rows=[], rejected={"quarantined": 1}),
    ],
    ids=["minute", "app", "key", "rejected", "poisoned"],
)
def test_what_the_counters_or_keys_tell_apart_stays_apart(between: Prepared) -> None:
    frames = [prepared(0), between, prepared(2)]
    handed = handed_over(frames)
    assert [each.frame.key for each in handed] == [each.frame.key for each in frames]
    assert list(rows(handed)) == list(rows(frames))
    assert counted(handed) == counted(frames)


def test_joined_frames_stay_small() -> None:
    frames = [prepared(number) for number in range(1000)]
    handed = handed_over(frames)
    assert list(rows(handed)) == list(rows(frames))
    assert len(handed) > 1
    assert max(each.records for each in handed) <= PART_RECORDS
