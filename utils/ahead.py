"""Make the next item while the present one is in use."""

from collections.abc import Iterator
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T], executor: Executor) -> Iterator[T]:
    """Yield the items; each next one is made in the executor meanwhile. None ends them."""
    future = executor.submit(next, items, None)
    while (item := future.result()) is not None:
        future = executor.submit(next, items, None)
        yield item
