"""What SQLite and MySQL say differently in a query: text, JSON, whole division.

Both find the same records; `test_case/database/test_store_contract.py` compares them. Values are
bound by name: `v0`, and beside it for a member of JSON `v0_whole` and `v0_nested`, the two paths
that `a.b` may mean: the member `a.b`, or the member `b` of `a`.
"""

from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    collate,
    func,
    literal_column,
    or_,
)
from sqlalchemy.dialects.mysql import pymysql
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.engine import Dialect

from database.tables import log
from utils.text import folded_pattern, glob_pattern, like_pattern

_TRUE: ColumnElement[str] = literal_column("'true'")
_FALSE: ColumnElement[str] = literal_column("'false'")
_ZERO: ColumnElement[int] = literal_column("0")
_NUL: ColumnElement[str] = literal_column(r"'\0'")  # as MySQL writes it
_MAX_SCALAR: ColumnElement[int] = literal_column("258")  # 256 letters and their quotes
Condition = ColumnElement[bool]


class Terms:
    """SQLite's terms."""

    dialect: Dialect = pysqlite.dialect(paramstyle="named")
    by_id = "NOT INDEXED"  # by the primary key all the same

    def compiled(self, statement: Select[Any]) -> str:
        """A statement as text."""
        return str(statement.compile(dialect=self.dialect))

    def text_value(self, text: str, as_ascii: bool) -> str:
        """What `contains` (`as_ascii`) or `contains_folded` binds for a text; NUL is any text."""
        return like_pattern(f"\0{text}\0") if as_ascii else text.casefold()

    def like_value(self, pattern: str) -> str:
        """What `like` binds for a pattern in which NUL is any text."""
        return glob_pattern(pattern)

    def paths(self, name: str, path: str) -> dict[str, str]:
        """The paths to bind for a member."""
        return {f"{name}_whole": json_path([path]), f"{name}_nested": json_path(path.split("."))}

    def one_of(self, number: Column[int], name: str) -> Condition:
        """Whether a number is one of those that `numbers_value` binds."""
        each = f"(SELECT value FROM json_each(:{name}))"  # our names  # nosec B608
        wanted: ColumnElement[Any] = literal_column(each)
        return number.op("IN", is_comparison=True)(wanted)

    def numbers_value(self, numbers: list[int]) -> Any:
        """What `one_of` binds."""
        return str(numbers)

    def joined(self, value: ColumnElement[Any]) -> ColumnElement[str]:
        """All rows' values as one text, with NUL between them."""
        return func.group_concat(value, func.char(_ZERO))

    def contains(self, name: str) -> Condition:
        """Whether the message contains a text of A–Z and letters without case."""
        return log.c.message.like(bindparam(name), escape="\\")

    def contains_folded(self, name: str) -> Condition:
        """Whether the message contains any text, in any case."""
        found: Condition = func.contains_folded(log.c.message, bindparam(name))
        return found

    def like(self, value: ColumnElement[Any], name: str) -> Condition:
        """Whether all of a value is like a pattern, in the same case."""
        return value.op("GLOB", is_comparison=True)(bindparam(name))

    def certain(self, condition: Condition) -> Condition:
        """A condition that is false where it is unknown."""
        return func.coalesce(condition, literal_column("0"))

    def member(self, column: Column[Any], sign: str, name: str, has_dots: bool) -> Condition:
        """A member of a JSON column against a value; true and false as they are written.

        Without dots in its path both ways to it are one, and half the work.
        """
        paths = _both(name) if has_dots else _both(name)[:1]
        return or_(*(self._member(column, sign, name, path) for path in paths))

    def _member(
        self, column: Column[Any], sign: str, name: str, path: ColumnElement[str]
    ) -> Condition:
        given: ColumnElement[Any] = bindparam(name)
        value = func.json_extract(column, path)
        if sign == "=":
            raw = column.op("->")(path)
            is_flag = and_(raw == given, or_(raw == _TRUE, raw == _FALSE))
            return or_(cast(value, String) == given, is_flag)
        if sign == "like":
            return self.like(cast(value, String), name)
        is_number = func.json_type(column, path).in_(_words("integer", "real"))
        return and_(is_number, value.op(sign, is_comparison=True)(given))

    def has_member(self, column: Column[Any], name: str) -> Condition:
        """Whether a JSON column has a member that is not null."""
        kinds = (func.json_type(column, path) for path in _both(name))
        return or_(*(kind != literal_column("'null'") for kind in kinds))

    def scalar(self, column: Column[Any], name: str) -> ColumnElement[str]:
        """A member that is a text, a number or a flag, as JSON; NULL for all others, and for texts
        that are too long to be one of a few values.
        """
        return func.coalesce(*(self._scalar(column, path) for path in _both(name)))

    def _scalar(self, column: Column[Any], path: ColumnElement[str]) -> ColumnElement[str]:
        raw: ColumnElement[str] = column.op("->")(path)
        kinds = _words("text", "integer", "real", "true", "false")
        is_plain = func.json_type(column, path).in_(kinds)
        return case((and_(is_plain, func.length(raw) <= _MAX_SCALAR), raw))

    def bucket(self, time: Column[int] = log.c.time) -> ColumnElement[int]:
        """The number of the bucket of `:width` µs in which a record's time lies."""
        return time.op("/")(bindparam("width"))


class MySQLTerms(Terms):
    """MySQL's and MariaDB's terms. Columns compare by code points; case is folded here."""

    dialect = pymysql.dialect(paramstyle="pyformat")
    by_id = "FORCE INDEX (PRIMARY)"

    def one_of(self, number: Column[int], name: str) -> Condition:
        """Whether a number is one of those that `numbers_value` binds."""
        return number.op("IN", is_comparison=True)(bindparam(name))

    def numbers_value(self, numbers: list[int]) -> Any:
        """What `one_of` binds; PyMySQL writes it out, and an empty one would be no SQL."""
        return numbers or [0]

    def joined(self, value: ColumnElement[Any]) -> ColumnElement[str]:
        """All rows' values as one text, with NUL between them."""
        return func.group_concat(value.op("SEPARATOR")(_NUL))

    def text_value(self, text: str, as_ascii: bool) -> str:
        """What `contains` (`as_ascii`) or `contains_folded` binds for a text; NUL is any text."""
        if as_ascii:
            return like_pattern(f"\0{text.lower()}\0")
        return "(?s)" + ".*".join(map(folded_pattern, text.casefold().split("\0")))

    def like_value(self, pattern: str) -> str:
        """What `like` binds for a pattern in which NUL is any text."""
        return like_pattern(pattern)

    def contains(self, name: str) -> Condition:
        """Whether the message contains a text of A–Z and letters without case."""
        return func.lower(log.c.message).like(bindparam(name), escape="\\")

    def contains_folded(self, name: str) -> Condition:
        """Whether the message contains any text, in any case."""
        return log.c.message.regexp_match(bindparam(name))

    def like(self, value: ColumnElement[Any], name: str) -> Condition:
        """Whether all of a value is like a pattern, in the same case."""
        return value.like(bindparam(name), escape="\\")

    def _member(
        self, column: Column[Any], sign: str, name: str, path: ColumnElement[str]
    ) -> Condition:
        """The same members as on SQLite, to which true is 1 as well, and null is nothing."""
        given: ColumnElement[Any] = bindparam(name)
        raw = func.json_extract(column, path)
        kind, text = func.json_type(raw), func.json_unquote(raw)
        if sign == "like":
            return and_(self.like(text, name), kind != literal_column("'NULL'"))
        if sign != "=":
            is_number = kind.in_(_words("INTEGER", "UNSIGNED INTEGER", "DOUBLE", "DECIMAL"))
            return and_(
                is_number, text.op("+")(literal_column("0e0")).op(sign, is_comparison=True)(given)
            )
        found = [and_(text == given, kind != literal_column("'NULL'"))]
        is_flag = kind == literal_column("'BOOLEAN'")
        for word, number in ((_TRUE, "'1'"), (_FALSE, "'0'")):
            found.append(and_(is_flag, text == word, given == literal_column(number)))
        return or_(*found)

    def has_member(self, column: Column[Any], name: str) -> Condition:
        """Whether a JSON column has a member that is not null."""
        kinds = (func.json_type(func.json_extract(column, path)) for path in _both(name))
        return or_(*(kind != literal_column("'NULL'") for kind in kinds))

    def _scalar(self, column: Column[Any], path: ColumnElement[str]) -> ColumnElement[str]:
        raw = func.json_extract(column, path)
        is_plain = func.json_type(raw).not_in(_words("OBJECT", "ARRAY", "NULL"))
        text = collate(cast(raw, String), "utf8mb4_bin")
        return case((and_(is_plain, func.char_length(raw) <= _MAX_SCALAR), text))

    def bucket(self, time: Column[int] = log.c.time) -> ColumnElement[int]:
        """The number of the bucket of `:width` µs in which a record's time lies."""
        return time.op("DIV")(bindparam("width"))


def json_path(keys: list[str]) -> str:
    """A path of SQL's JSON functions to nested members."""
    escaped = (key.replace("\\", "\\\\").replace('"', '\\"') for key in keys)
    return "$" + "".join(f'."{key}"' for key in escaped)


def _both(name: str) -> tuple[ColumnElement[str], ColumnElement[str]]:
    return bindparam(f"{name}_whole"), bindparam(f"{name}_nested")


def _words(*words: str) -> list[ColumnElement[str]]:
    return [literal_column(f"'{word}'") for word in words]


SQLITE, MYSQL = Terms(), MySQLTerms()
