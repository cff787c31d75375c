"""What is looked for, built once as SQLAlchemy Core over the one `log` table, and the cursor.

A query's shape (which filters, which order) is compiled once; its values are bound by name.
"""

from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, bindparam, func, literal_column, or_, select

from database.log_terms import Terms
from database.tables import log
from utils.text import folds_like_ascii

_ZERO: ColumnElement[int] = literal_column("0")

COLUMNS = tuple(column.name for column in log.c)


class Position(NamedTuple):
    """A record's place in the order of a query."""

    time: int
    day: str
    id: int


class LogFilter(NamedTuple):
    """What a record must be like. Empty parts don't matter.

    `start` ≤ time < `end` in µs; `severities` are inclusive ranges, one of which must hold;
    `fields` are (column, value), `attributes` (path, value), all of which must hold.
    """

    apps: tuple[int, ...]
    start: int | None = None
    end: int | None = None
    severities: tuple[tuple[int, int], ...] = ()
    text: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    untrusted: bool | None = None  # None: both kinds


class Shape(NamedTuple):
    """What of a filter decides the statement, as opposed to its values."""

    start: bool
    end: bool
    severities: int
    text: str  # "", "like" or "folded"
    fields: tuple[str, ...]
    attributes: int
    untrusted: bool | None


def shape_of(wanted: LogFilter) -> Shape:
    """The shape of a filter."""
    text = ("like" if folds_like_ascii(wanted.text) else "folded") if wanted.text else ""
    return Shape(
        wanted.start is not None,
        wanted.end is not None,
        len(wanted.severities),
        text,
        tuple(name for name, _ in wanted.fields),
        len(wanted.attributes),
        wanted.untrusted,
    )


def values_of(wanted: LogFilter, terms: Terms) -> dict[str, Any]:
    """The values to bind for a filter, but for `app_id`."""
    values: dict[str, Any] = {"start": wanted.start, "end": wanted.end}
    for n, (low, high) in enumerate(wanted.severities):
        values |= {f"low_{n}": low, f"high_{n}": high}
    if wanted.text:
        values |= terms.text_values(wanted.text)
    values |= {f"field_{n}": value for n, (_, value) in enumerate(wanted.fields)}
    for n, (path, value) in enumerate(wanted.attributes):
        values |= {f"whole_{n}": json_path([path]), f"nested_{n}": json_path(path.split("."))}
        values |= {f"attribute_{n}": value, f"bare_{n}": value}
    return values


def json_path(keys: list[str]) -> str:
    """A path of SQL's JSON functions to nested members."""
    escaped = (key.replace("\\", "\\\\").replace('"', '\\"') for key in keys)
    return "$" + "".join(f'."{key}"' for key in escaped)


def _conditions(shape: Shape, terms: Terms) -> list[ColumnElement[bool]]:
    conditions = [log.c.app_id == bindparam("app_id")]
    if shape.start:
        conditions.append(log.c.time >= bindparam("start"))
    if shape.end:
        conditions.append(log.c.time < bindparam("end"))
    if shape.severities:
        ranges = [
            log.c.severity.between(bindparam(f"low_{n}"), bindparam(f"high_{n}"))
            for n in range(shape.severities)
        ]
        conditions.append(or_(*ranges))
    for n, name in enumerate(shape.fields):
        conditions.append(log.c[name] == bindparam(f"field_{n}"))
    conditions += [terms.attribute(n) for n in range(shape.attributes)]
    if shape.untrusted is not None:
        marked = log.c.untrusted.is_not(None) if shape.untrusted else log.c.untrusted.is_(None)
        conditions.append(marked)
    if shape.text == "like":
        conditions.append(terms.contains())
    elif shape.text == "folded":
        conditions.append(terms.contains_folded())
    return conditions


@lru_cache(maxsize=512)
def page_sql(shape: Shape, newest_first: bool, after: str, terms: Terms) -> str:
    """SQL for one app's next records in a partition, in order, at most `:limit`.

    `after` tells where the cursor stands: "" no cursor, "day" in this partition (then
    `:cursor_id` counts), "time" before or "time_too" behind it in the order of days.
    """
    time, number = log.c.time, log.c.id
    at: BindParameter[int] = bindparam("cursor_time")
    own: BindParameter[int] = bindparam("cursor_id")
    statement = select(log).where(*_conditions(shape, terms))
    beyond = time < at if newest_first else time > at
    up_to = time <= at if newest_first else time >= at
    if after == "day":
        same_time = number < own if newest_first else number > own
        statement = statement.where(up_to, or_(beyond, same_time))
    elif after:
        statement = statement.where(up_to if after == "time_too" else beyond)
    if newest_first:
        statement = statement.order_by(time.desc(), number.desc())
    else:
        statement = statement.order_by(time, number)
    return terms.compiled(statement.limit(bindparam("limit")).offset(_ZERO))


@lru_cache(maxsize=512)
def histogram_sql(shape: Shape, terms: Terms) -> str:
    """SQL for counts of one app's records by bucket of `:width` µs and severity."""
    bucket = terms.bucket()
    statement = select(bucket, log.c.severity, func.count()).where(*_conditions(shape, terms))
    return terms.compiled(statement.group_by(bucket, log.c.severity))


@lru_cache(maxsize=4)
def record_sql(terms: Terms) -> str:
    """SQL for one app's record `:id`."""
    own = (log.c.id == bindparam("id"), log.c.app_id == bindparam("app_id"))
    return terms.compiled(select(log).where(*own))
