"""What is looked for, built once as SQLAlchemy Core over the one `log` table, and the cursor.

A query's shape (which filters, which order) is compiled once; its values are bound by name.
"""

from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)

from database import expression
from database.expression import EVERYTHING, Node, columns_of
from database.log_terms import Terms
from database.tables import log, rollup
from utils.clock import MINUTE

_ZERO: ColumnElement[int] = literal_column("0")
_NONE: ColumnElement[str] = literal_column("''")
ROLLED_UP: dict[str, ColumnElement[int]] = {  # as they are in `log`
    "severity": rollup.c.severity,
    "untrusted": func.nullif(rollup.c.untrusted, _ZERO),
}
MAX_NAMED = 10  # values that a histogram counts apart

COLUMNS = tuple(column.name for column in log.c)


class Position(NamedTuple):
    """A record's place in the order of a query."""

    time: int
    day: str
    id: int


class LogFilter(NamedTuple):
    """What a record must be like: of these apps, `start` ≤ time < `end` in µs, and the rest."""

    apps: tuple[int, ...]
    start: int | None = None
    end: int | None = None
    where: Node = EVERYTHING


class Shape(NamedTuple):
    """What of a filter decides the statement, as opposed to its values.

    `among`: only the records of `:ids` and those behind the id `:tail` are looked at.
    """

    start: bool
    end: bool
    where: expression.Shape
    among: bool = False


def shape_of(wanted: LogFilter) -> Shape:
    """The shape of a filter."""
    where = expression.shape_of(wanted.where)
    return Shape(wanted.start is not None, wanted.end is not None, where)


def values_of(wanted: LogFilter, terms: Terms) -> dict[str, Any]:
    """The values to bind for a filter, but for `app_id`."""
    times = {"start": wanted.start, "end": wanted.end}
    return times | expression.values_of(wanted.where, terms, count())


def _conditions(shape: Shape, terms: Terms) -> list[ColumnElement[bool]]:
    conditions = [log.c.app_id == bindparam("app_id")]
    if shape.start:
        conditions.append(log.c.time >= bindparam("start"))
    if shape.end:
        conditions.append(log.c.time < bindparam("end"))
    if shape.among:
        conditions.append(or_(terms.one_of(log.c.id, "ids"), log.c.id > bindparam("tail")))
    conditions.append(expression.condition_of(shape.where, terms, count()))
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
    return _compiled(statement.limit(bindparam("limit")).offset(_ZERO), shape, terms)


def _compiled(statement: Select[Any], shape: Shape, terms: Terms) -> str:
    sql = terms.compiled(statement)
    return sql.replace("FROM log", f"FROM log {terms.by_id}", 1) if shape.among else sql


@lru_cache(maxsize=512)
def histogram_sql(shape: Shape, terms: Terms) -> str:
    """SQL for counts of one app's records by bucket of `:width` µs and severity."""
    bucket = terms.bucket()
    statement = select(bucket, log.c.severity, func.count()).where(*_conditions(shape, terms))
    return _compiled(statement.group_by(bucket, log.c.severity), shape, terms)


def is_rolled_up(wanted: LogFilter, width: int) -> bool:
    """Whether the roll-up tells all that decides: whole minutes, and columns that it has."""
    return width % MINUTE == 0 and columns_of(wanted.where) <= ROLLED_UP.keys()


@lru_cache(maxsize=512)
def rollup_sql(shape: Shape, terms: Terms) -> str:
    """SQL for the same counts out of the roll-up; `:start`, `:end` and `:width` are minutes."""
    minute = rollup.c.minute
    bucket, records = terms.bucket(minute), cast(func.sum(rollup.c.records), Integer)
    conditions = [rollup.c.app_id == bindparam("app_id"), minute >= bindparam("start")]
    conditions.append(minute < bindparam("end"))
    conditions.append(expression.condition_of(shape.where, terms, count(), ROLLED_UP))
    statement = select(bucket, rollup.c.severity, records).where(*conditions)
    return terms.compiled(statement.group_by(bucket, rollup.c.severity))


@lru_cache(maxsize=512)
def minutes_sql(where: expression.Shape, terms: Terms) -> str:
    """SQL for the minutes from `:first` to `:last` in which one app has records, of the roll-up."""
    minute = rollup.c.minute
    statement = select(minute).distinct().where(rollup.c.app_id == bindparam("app_id"))
    statement = statement.where(minute >= bindparam("first"), minute <= bindparam("last"))
    statement = statement.where(expression.condition_of(where, terms, count(), ROLLED_UP))
    return terms.compiled(statement.order_by(minute).limit(bindparam("limit")).offset(_ZERO))


@lru_cache(maxsize=512)
def histogram_by_sql(shape: Shape, column: str, terms: Terms) -> str:
    """The same by one of the texts `:t0` … `:t9` in a column; "" for none, NULL for another."""
    bucket, value = terms.bucket(), log.c[column]
    named: list[BindParameter[str]] = [bindparam(f"t{n}") for n in range(MAX_NAMED)]
    kind = case((func.coalesce(value, _NONE) == _NONE, _NONE), (value.in_(named), value))
    statement = select(bucket, kind, func.count()).where(*_conditions(shape, terms))
    return _compiled(statement.group_by(bucket, kind), shape, terms)


@lru_cache(maxsize=512)
def values_sql(shape: Shape, column: str, is_member: bool, terms: Terms) -> str:
    """SQL for counts of one app's records by a column's value, the `:limit` most frequent.

    Or by that of the member of a JSON column whose paths are bound as `member`'s; it is JSON.
    """
    value = terms.scalar(log.c[column], "member") if is_member else log.c[column]
    statement = select(value, func.count()).where(*_conditions(shape, terms)).group_by(value)
    most = statement.order_by(func.count().desc()).limit(bindparam("limit")).offset(_ZERO)
    return _compiled(most, shape, terms)


@lru_cache(maxsize=64)
def seqs_sql(shape: Shape, terms: Terms) -> str:
    """SQL for counts of one app's records by session and `seq`, where both are known."""
    kind = (log.c.app_id, log.c.session_id, log.c.seq)
    known = (log.c.session_id.is_not(None), log.c.seq.is_not(None))
    statement = select(*kind, func.count()).where(*_conditions(shape, terms), *known)
    most = statement.group_by(*kind).limit(bindparam("limit")).offset(_ZERO)
    return _compiled(most, shape, terms)


@lru_cache(maxsize=4)
def record_sql(terms: Terms) -> str:
    """SQL for one app's record `:id`."""
    own = (log.c.id == bindparam("id"), log.c.app_id == bindparam("app_id"))
    return terms.compiled(select(log).where(*own))
