"""A day's tables on MySQL, by name and as SQLAlchemy Core sees them."""

import re

from sqlalchemy import MetaData, Table

from database.tables import block, block_part, log, rollup

TABLES = (log, rollup, block, block_part)
_FROM = re.compile(rf"\b(FROM|JOIN) ({'|'.join(table.name for table in TABLES)})\b")


def table_of(day: str) -> str:
    """The name of a day's table of records."""
    return f"log_{day}"


def table_for(day: str, table: Table = log) -> Table:
    """A day's own of one of TABLES."""
    return table.to_metadata(MetaData(), name=f"{table.name}_{day}")


def of_day(sql: str, day: str) -> str:
    """A statement that selects from TABLES, on the day's own."""
    return _FROM.sub(rf"\1 \2_{day} AS \2", sql)
