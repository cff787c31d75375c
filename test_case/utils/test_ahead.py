"""The next item is made while the present one is in use."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.ahead import ahead

PATIENCE = 30


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@given(st.lists(st.integers()))
def test_all_items_come_in_order(items: list[int]) -> None:
    with ThreadPoolExecutor(1) as executor:
        assert list(ahead(iter(items), executor)) == items


def test_the_next_item_is_made_meanwhile_and_elsewhere(executor: ThreadPoolExecutor) -> None:
    made = [threading.Event() for _ in range(3)]
    makers = set()

    def items() -> Iterator[int]:
        for number, event in enumerate(made):
            makers.add(threading.get_ident())
            event.set()
            yield number

    for number in ahead(items(), executor):
        if number < 2:
            assert made[number + 1].wait(PATIENCE), "the next one was not begun"
    assert threading.get_ident() not in makers


def test_never_more_than_one_item_ahead(executor: ThreadPoolExecutor) -> None:
    made = 0

    def items() -> Iterator[int]:
        nonlocal made
        while made < 10:
            made += 1
            yield made

    used = 0
    for used in ahead(items(), executor):
        assert made <= used + 1
    assert used == 10


def test_a_failure_to_make_one_comes_at_its_turn(executor: ThreadPoolExecutor) -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("the disk")

    found = ahead(items(), executor)
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(OSError, match="the disk"):
        next(found)


def test_giving_up_early_leaves_the_executor_usable(executor: ThreadPoolExecutor) -> None:
    assert next(ahead(iter(range(1, 10)), executor)) == 1
    assert executor.submit(lambda: "free").result(PATIENCE) == "free"
