"""What MySQL and MariaDB say in a query where SQLite says something else (`database.log_terms`)."""

from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
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

from database.blocks import BY_KIND
from database.log_terms import FALSE, MAX_SCALAR, TRUE, Condition, Terms, both, words
from database.tables import log
from utils.text import folded_pattern, like_pattern

_NUL: ColumnElement[str] = literal_column(r"'\0'")


class MySQLTerms(Terms):
    """MySQL's and MariaDB's terms. Columns compare by code points; case is folded here."""

    dialect = pymysql.dialect(paramstyle="pyformat")
    parts = BY_KIND
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
            is_number = kind.in_(words("INTEGER", "UNSIGNED INTEGER", "DOUBLE", "DECIMAL"))
            return and_(
                is_number, text.op("+")(literal_column("0e0")).op(sign, is_comparison=True)(given)
            )
        found = [and_(text == given, kind != literal_column("'NULL'"))]
        is_flag = kind == literal_column("'BOOLEAN'")
        for word, number in ((TRUE, "'1'"), (FALSE, "'0'")):
            found.append(and_(is_flag, text == word, given == literal_column(number)))
        return or_(*found)

    def has_member(self, column: Column[Any], name: str) -> Condition:
        """Whether a JSON column has a member that is not null."""
        kinds = (func.json_type(func.json_extract(column, path)) for path in both(name))
        return or_(*(kind != literal_column("'NULL'") for kind in kinds))

    def _scalar(self, column: Column[Any], path: ColumnElement[str]) -> ColumnElement[str]:
        raw = func.json_extract(column, path)
        is_plain = func.json_type(raw).not_in(words("OBJECT", "ARRAY", "NULL"))
        text = collate(cast(raw, String), "utf8mb4_bin")
        return case((and_(is_plain, func.char_length(raw) <= MAX_SCALAR), text))

    def bucket(self, time: Column[int] = log.c.time) -> ColumnElement[int]:
        """The number of the bucket of `:width` µs in which a record's time lies."""
        return time.op("DIV")(bindparam("width"))


MYSQL = MySQLTerms()
