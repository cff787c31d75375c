"""Reading of JSON what may be there, or something else in its place: a client's mistake in one
member costs that member only.
"""

from collections.abc import Mapping
from typing import Any

Members = Mapping[str, Any]


def mapping(value: Any) -> Members:
    """An object; of anything else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; of anything else none."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def present(**members: Any) -> dict[str, Any]:
    """Those that say something: None and what is empty is left out."""
    empty: tuple[Any, ...] = (None, "", [], {})
    return {name: value for name, value in members.items() if value not in empty}


def without(members: Members, *names: str) -> dict[str, Any]:
    """The members but for these, and but for None."""
    rest = members.items()
    return {name: value for name, value in rest if name not in names and value is not None}
