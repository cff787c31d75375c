"""Work in the background: what is taken is done, what is not done is told."""

import logging
import threading
from collections.abc import Iterator

import pytest

from utils.background import Background
from utils.log import log


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """What RedLog's own log is told."""
    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    log.addHandler(handler)
    yield messages
    log.removeHandler(handler)


def test_what_is_taken_is_done_before_the_stop_returns() -> None:
    in_background = Background(threads=2)
    done: list[int] = []

    @in_background
    def note(number: int, *, by: int = 1) -> None:
        """Docs."""
        done.append(number * by)

    in_background.start()
    for number in range(100):
        assert note(number, by=2) is None
    in_background.stop(30)
    assert sorted(done) == [number * 2 for number in range(100)]
    assert (note.__name__, note.__doc__) == ("note", "Docs.")


def test_a_caller_does_the_work_where_no_threads_run() -> None:
    in_background = Background()
    threads: list[int] = []
    note = in_background(lambda: threads.append(threading.get_ident()))
    note()
    in_background.start()
    in_background.stop(30)
    note()
    assert threads == [threading.get_ident()] * 2


def test_a_failure_is_logged_and_costs_nothing_else(heard: list[str]) -> None:
    in_background = Background(threads=1)
    done = threading.Event()

    @in_background
    def fail(secret: str) -> None:
        raise ValueError("no")

    in_background.start()
    fail("password")
    in_background(done.set)()
    in_background.stop(30)
    assert done.is_set()
    assert len(heard) == 1 and "fail failed" in heard[0] and "password" not in heard[0]


def test_a_full_queue_leaves_out_and_says_so(heard: list[str]) -> None:
    in_background = Background(threads=1, most=2)
    begun, free = threading.Event(), threading.Event()
    done: list[int] = []

    @in_background
    def hold() -> None:
        begun.set()
        free.wait(30)

    note = in_background(done.append)
    in_background.start()
    hold()
    assert begun.wait(30)
    for number in range(5):
        note(number)
    assert in_background.left_out == 3
    assert len(heard) == 1 and "1 so far" in heard[0]
    free.set()
    in_background.stop(30)
    assert done == [0, 1]


@pytest.mark.parametrize("most", [1, 10])
def test_what_a_stop_can_not_finish_is_logged(heard: list[str], most: int) -> None:
    in_background = Background(threads=1, most=most)
    begun, free = threading.Event(), threading.Event()

    @in_background
    def hold() -> None:
        begun.set()
        free.wait(30)

    @in_background
    def wait_in_line() -> None:
        pass

    in_background.start()
    hold()
    assert begun.wait(30)
    wait_in_line()
    in_background.stop(0)
    free.set()
    left = [message.partition(": ")[2].rpartition(".")[2] for message in heard]
    assert left == ["hold", "wait_in_line"]


def test_a_stop_without_a_start_is_harmless() -> None:
    Background().stop(0)
