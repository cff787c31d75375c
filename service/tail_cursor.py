"""The cursor of a live tail: how far its reader is in each of the newest partitions."""

import base64
from functools import lru_cache
from itertools import dropwhile
from typing import Annotated

import msgspec

from database.ends import Places
from exceptions import BadCursor
from utils.clock import DAY, LAST, day_of, start_of

MOST_DAYS = 10  # what is stored in older partitions while nobody reads is left out

_Day = Annotated[int, msgspec.Meta(ge=0, le=LAST // DAY)]  # since 1970
_Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Days = Annotated[list[tuple[_Day, _Id]], msgspec.Meta(max_length=MOST_DAYS)]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Days).decode


def write_cursor(places: Places) -> str:
    """The cursor of who is at these places.

    Days of which nothing was seen need not be told when they are newer than all others: so whoever
    goes through many old days from their begin comes back to the right one.
    """
    newest = sorted(places, reverse=True)
    begun = list(dropwhile(lambda day: not places[day], newest))[:MOST_DAYS]
    packed = _encode([(_number(day), places[day]) for day in begun])
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(cursor: str, ends: Places) -> Places:
    """The places of who comes back with a cursor; `ends` are those of all partitions now.

    Raises BadCursor.
    """
    try:
        packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        seen = {day_of(day * DAY): last for day, last in _decode(packed)}
    except (ValueError, msgspec.MsgspecError):
        raise BadCursor("it is not an id of an event of ours") from None
    oldest = min(seen) if len(seen) == MOST_DAYS else ""
    return {day: seen.get(day, ends[day] if day < oldest else 0) for day in ends}


@lru_cache(maxsize=64)
def _number(day: str) -> int:
    return start_of(day) // DAY
