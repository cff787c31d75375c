"""In which minutes of a partition there may be what a query asks for, as the roll-up tells.

A level that is rare is looked for only where it is: else each record of all others would have to
be looked at, since no index knows levels.
"""

from collections.abc import Callable, Iterator
from itertools import count, pairwise
from typing import Any

from database import expression
from database.expression import EVERYTHING, All, Node, columns_of
from database.log_query import ROLLED_UP, LogFilter, minutes_sql
from database.log_terms import Terms
from database.narrowing import parts_of
from utils.clock import MINUTE

SHARE = 1 / 4  # of a range's minutes; who looks at more of them may as well look at all
MOST = 1000
MAX_SPANS = 64

Ask = Callable[[str, list[dict[str, Any]]], list[tuple[Any, ...]]]


def within_minutes(wanted: LogFilter, terms: Terms, ask: Ask) -> list[LogFilter]:
    """Filters that find in a partition what one finds, in the order of time; often just that one.

    `ask` runs a statement there, with each of some bindings.
    """
    where = _rolled_up(wanted.where)
    if where == EVERYTHING or wanted.start is None or wanted.end is None:
        return [wanted]
    first, last = wanted.start // MINUTE, (wanted.end - 1) // MINUTE
    most = min(int((last - first + 1) * SHARE), MOST)
    values = {"first": first, "last": last, "limit": most + 1}
    values |= expression.values_of(where, terms, count())
    sql = minutes_sql(expression.shape_of(where), terms)
    rows = ask(sql, [values | {"app_id": app_id} for app_id in wanted.apps])
    minutes = sorted({minute for (minute,) in rows})
    if len(minutes) > most:
        return [wanted]
    return [
        wanted._replace(
            start=max(wanted.start, begin * MINUTE), end=min(wanted.end, (end + 1) * MINUTE)
        )
        for begin, end in _spans(minutes)
    ]


def _rolled_up(where: Node) -> Node:
    """What of a condition the roll-up can tell, and must hold."""
    own = [part for part in parts_of(where) if columns_of(part) <= ROLLED_UP.keys()]
    return All(tuple(own))


def _spans(minutes: list[int]) -> Iterator[tuple[int, int]]:
    """A few stretches (first and last minute) that hold them all, between the widest gaps."""
    gaps = sorted(range(1, len(minutes)), key=lambda n: minutes[n - 1] - minutes[n])
    cuts = sorted(n for n in gaps[: MAX_SPANS - 1] if minutes[n] - minutes[n - 1] > 1)
    for begin, end in pairwise([0, *cuts, len(minutes)] if minutes else []):
        yield minutes[begin], minutes[end - 1]
