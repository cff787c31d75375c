"""Trying again what may well succeed the next time."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from tenacity import (
    RetryCallState,
    retry,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from utils.log import log

P = ParamSpec("P")
T = TypeVar("T")


def tried_again(
    on: type[Exception] | tuple[type[Exception], ...], times: int = 3, first_wait: float = 0.05
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Call a function up to `times` times as long as it fails by one of `on`.

    It waits `first_wait` seconds, then twice as long each time, and a little more at random. The
    last failure goes to the caller. What is decorated must be safe to do twice.
    """
    return retry(
        retry=retry_if_exception_type(on),
        stop=stop_after_attempt(times),
        wait=wait_exponential_jitter(multiplier=first_wait, jitter=first_wait),
        before_sleep=_tell,
        reraise=True,
    )


def _tell(state: RetryCallState) -> None:
    error = state.outcome and state.outcome.exception()
    name = getattr(state.fn, "__qualname__", "a call")
    log.warning("%s failed (%s), it is tried again", name, type(error).__name__)
