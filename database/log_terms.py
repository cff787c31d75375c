"""What SQLite and MySQL say differently in a query: text, JSON, whole division.

Both find the same records; `test_case/database/test_store_contract.py` compares them.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
)
from sqlalchemy.dialects.mysql import pymysql
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.engine import Dialect

from database.tables import log
from utils.text import folded_pattern, like_pattern

_TRUE: ColumnElement[str] = literal_column("'true'")
_FALSE: ColumnElement[str] = literal_column("'false'")


class Terms:
    """SQLite's terms. Values are bound by name."""

    dialect: Dialect = pysqlite.dialect(paramstyle="named")

    def compiled(self, statement: Select[Any]) -> str:
        """A statement as text."""
        return str(statement.compile(dialect=self.dialect))

    def text_values(self, text: str) -> dict[str, str]:
        """What `contains` and `contains_folded` bind for a text."""
        return {"like": like_pattern(text), "folded": text.casefold()}

    def contains(self) -> ColumnElement[bool]:
        """Whether the message contains a text of A–Z and letters without case."""
        return log.c.message.like(bindparam("like"), escape="\\")

    def contains_folded(self) -> ColumnElement[bool]:
        """Whether the message contains any text, in any case."""
        found: ColumnElement[bool] = func.contains_folded(log.c.message, bindparam("folded"))
        return found

    def attribute(self, n: int) -> ColumnElement[bool]:
        """`a.b` is the member `a.b` or the member `b` of `a`; true and false as written."""
        found = []
        for path in (f"whole_{n}", f"nested_{n}"):
            value = func.json_extract(log.c.attributes, bindparam(path))
            found.append(cast(value, String) == bindparam(f"attribute_{n}"))
            raw = log.c.attributes.op("->")(bindparam(path))
            found.append(and_(raw == bindparam(f"bare_{n}"), or_(raw == _TRUE, raw == _FALSE)))
        return or_(*found)

    def bucket(self) -> ColumnElement[int]:
        """The number of the bucket of `:width` µs in which a record's time lies."""
        return log.c.time.op("/")(bindparam("width"))


class MySQLTerms(Terms):
    """MySQL's and MariaDB's terms. Columns compare by code points; case is folded here."""

    dialect = pymysql.dialect(paramstyle="pyformat")

    def text_values(self, text: str) -> dict[str, str]:
        """What `contains` and `contains_folded` bind for a text."""
        return {"like": like_pattern(text.lower()), "folded": folded_pattern(text.casefold())}

    def contains(self) -> ColumnElement[bool]:
        """Whether the message contains a text of A–Z and letters without case."""
        return func.lower(log.c.message).like(bindparam("like"), escape="\\")

    def contains_folded(self) -> ColumnElement[bool]:
        """Whether the message contains any text, in any case."""
        return log.c.message.regexp_match(bindparam("folded"))

    def attribute(self, n: int) -> ColumnElement[bool]:
        """The same members as on SQLite, to which true is 1 as well, and null is nothing."""
        value: ColumnElement[str] = bindparam(f"attribute_{n}")
        found: list[ColumnElement[bool]] = []
        for path in (f"whole_{n}", f"nested_{n}"):
            raw = func.json_extract(log.c.attributes, bindparam(path))
            kind, text = func.json_type(raw), func.json_unquote(raw)
            found.append(and_(text == value, kind != literal_column("'NULL'")))
            is_flag = kind == literal_column("'BOOLEAN'")
            for word, number in ((_TRUE, "'1'"), (_FALSE, "'0'")):
                found.append(and_(is_flag, text == word, value == literal_column(number)))
        return or_(*found)

    def bucket(self) -> ColumnElement[int]:
        """The number of the bucket of `:width` µs in which a record's time lies."""
        return log.c.time.op("DIV")(bindparam("width"))


SQLITE, MYSQL = Terms(), MySQLTerms()
