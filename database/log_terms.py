"""What SQLite and MySQL say differently in a query: text, JSON, whole division. Here is what SQLite
says, and in `database.mysql_terms` what MySQL does.

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
    func,
    literal_column,
    or_,
)
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.engine import Dialect

from database.blocks import BY_BLOCK
from database.tables import log
from utils.text import glob_pattern, like_pattern

TRUE: ColumnElement[str] = literal_column("'true'")
FALSE: ColumnElement[str] = literal_column("'false'")
_ZERO: ColumnElement[int] = literal_column("0")
MAX_SCALAR: ColumnElement[int] = literal_column("258")  # 256 letters and their quotes
Condition = ColumnElement[bool]


class Terms:
    """SQLite's terms."""

    dialect: Dialect = pysqlite.dialect(paramstyle="named")
    parts = BY_BLOCK
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
        paths = both(name) if has_dots else both(name)[:1]
        return or_(*(self._member(column, sign, name, path) for path in paths))

    def _member(
        self, column: Column[Any], sign: str, name: str, path: ColumnElement[str]
    ) -> Condition:
        given: ColumnElement[Any] = bindparam(name)
        value = func.json_extract(column, path)
        if sign == "=":
            raw = column.op("->")(path)
            is_flag = and_(raw == given, or_(raw == TRUE, raw == FALSE))
            return or_(cast(value, String) == given, is_flag)
        if sign == "like":
            return self.like(cast(value, String), name)
        is_number = func.json_type(column, path).in_(words("integer", "real"))
        return and_(is_number, value.op(sign, is_comparison=True)(given))

    def has_member(self, column: Column[Any], name: str) -> Condition:
        """Whether a JSON column has a member that is not null."""
        kinds = (func.json_type(column, path) for path in both(name))
        return or_(*(kind != literal_column("'null'") for kind in kinds))

    def scalar(self, column: Column[Any], name: str) -> ColumnElement[str]:
        """A member that is a text, a number or a flag, as JSON; NULL for all others, and for texts
        that are too long to be one of a few values.
        """
        return func.coalesce(*(self._scalar(column, path) for path in both(name)))

    def _scalar(self, column: Column[Any], path: ColumnElement[str]) -> ColumnElement[str]:
        raw: ColumnElement[str] = column.op("->")(path)
        kinds = words("text", "integer", "real", "true", "false")
        is_plain = func.json_type(column, path).in_(kinds)
        return case((and_(is_plain, func.length(raw) <= MAX_SCALAR), raw))

    def bucket(self, time: Column[int] = log.c.time) -> ColumnElement[int]:
        """The number of the bucket of `:width` µs in which a record's time lies."""
        return time.op("/")(bindparam("width"))


def json_path(keys: list[str]) -> str:
    """A path of SQL's JSON functions to nested members."""
    escaped = (key.replace("\\", "\\\\").replace('"', '\\"') for key in keys)
    return "$" + "".join(f'."{key}"' for key in escaped)


def both(name: str) -> tuple[ColumnElement[str], ColumnElement[str]]:
    """The two paths that a member's name may mean."""
    return bindparam(f"{name}_whole"), bindparam(f"{name}_nested")


def words(*words: str) -> list[ColumnElement[str]]:
    """Words as they stand in a statement."""
    return [literal_column(f"'{word}'") for word in words]


SQLITE = Terms()
