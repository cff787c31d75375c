"""One event, several who hear it."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def tell_each(*hearers: Callable[[T], None]) -> Callable[[T], None]:
    """What hands its argument to each of the hearers, in this order."""

    def tell(what: T) -> None:
        for hear in hearers:
            hear(what)

    return tell
