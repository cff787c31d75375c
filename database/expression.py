"""What a query asks of a record, as a tree: its shape decides the statement, its values are bound.

`shape_of` leaves the values out, so that queries of one shape share a compiled statement.
`condition_of` and `values_of` walk the tree in the same order and so number the values alike.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, not_, or_, true
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from database.log_terms import Terms
from database.tables import log
from utils.text import folds_like_ascii

SIGNS = {
    "=": lambda column, value: column == value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
}
LIKE = "like"
ANY = "\0"  # in no stored text


class Contains(NamedTuple):
    """The message contains a text, in any case; ANY in it is any text."""

    text: str


class Compares(NamedTuple):
    """A column against a value: one of SIGNS, or LIKE, for which ANY in it is any text."""

    column: str
    sign: str
    value: str | int


class Member(NamedTuple):
    """The same for a member of a JSON column; with `<` and the like only numbers are found."""

    column: str
    path: str
    sign: str
    value: str | float


class IsSet(NamedTuple):
    """A column has a value or, with a path, such a member that is not null."""

    column: str
    path: str = ""


class Not(NamedTuple):
    """What must not hold."""

    part: "Node"


class All(NamedTuple):
    """What must all hold."""

    parts: tuple["Node", ...] = ()


class Either(NamedTuple):
    """Of which one must hold."""

    parts: tuple["Node", ...]


Node = Contains | Compares | Member | IsSet | Not | All | Either
Shape = tuple[Any, ...]
Columns = Mapping[str, Any] | ReadOnlyColumnCollection[str, Any]
EVERYTHING = All()


def shape_of(node: Node) -> Shape:
    """The tree without its values."""
    if isinstance(node, All | Either):
        return (type(node), *map(shape_of, node.parts))
    if isinstance(node, Not):
        return (Not, shape_of(node.part))
    if isinstance(node, Contains):
        return (Contains, folds_like_ascii(node.text))
    if isinstance(node, IsSet):
        return (IsSet, node.column, bool(node.path))
    if isinstance(node, Member):
        return (Member, node.column, node.sign, "." in node.path)
    return (Compares, node.column, node.sign)


def columns_of(node: Node) -> set[str]:
    """The columns that decide."""
    if isinstance(node, All | Either):
        return set().union(*map(columns_of, node.parts))
    if isinstance(node, Not):
        return columns_of(node.part)
    return {"message" if isinstance(node, Contains) else node.column}


def condition_of(
    shape: Shape, terms: Terms, numbers: Iterator[int], columns: Columns = log.c
) -> ColumnElement[bool]:
    """What SQL says for a shape; its values are named `v0`, `v1` and so on."""
    kind, *rest = shape
    if kind in (All, Either):
        parts = [condition_of(part, terms, numbers, columns) for part in rest]
        return and_(true(), *parts) if kind is All else or_(*parts)
    if kind is Not:
        # What is not known is not so: a record without a user is not of this user.
        return not_(terms.certain(condition_of(rest[0], terms, numbers, columns)))
    name = f"v{next(numbers)}"
    if kind is Contains:
        return terms.contains(name) if rest[0] else terms.contains_folded(name)
    column = columns[rest[0]]
    if kind is IsSet:
        return terms.has_member(column, name) if rest[1] else column.is_not(None)
    if kind is Member:
        return terms.member(column, rest[1], name, rest[2])
    return terms.like(column, name) if rest[1] == LIKE else SIGNS[rest[1]](column, bindparam(name))


def values_of(node: Node, terms: Terms, numbers: Iterator[int]) -> dict[str, Any]:
    """The values to bind, by name."""
    if isinstance(node, All | Either):
        values: dict[str, Any] = {}
        for part in node.parts:
            values |= values_of(part, terms, numbers)
        return values
    if isinstance(node, Not):
        return values_of(node.part, terms, numbers)
    name = f"v{next(numbers)}"
    if isinstance(node, Contains):
        return {name: terms.text_value(node.text, folds_like_ascii(node.text))}
    if isinstance(node, IsSet):
        return terms.paths(name, node.path) if node.path else {}
    value = terms.like_value(str(node.value)) if node.sign == LIKE else node.value
    if isinstance(node, Member):
        return {name: value} | terms.paths(name, node.path)
    return {name: value}
