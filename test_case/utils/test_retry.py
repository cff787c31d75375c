"""Trying again: as often as said, only for what was named, and the last failure is told."""

import pytest

from utils.retry import tried_again


@pytest.mark.parametrize("failures", range(4))
def test_it_is_tried_as_often_as_said(failures: int) -> None:
    calls: list[int] = []

    @tried_again(on=OSError, times=3, first_wait=0)
    def work(number: int) -> int:
        calls.append(number)
        if len(calls) <= failures:
            raise ConnectionError(len(calls))
        return number

    if failures < 3:
        assert work(7) == 7
        assert calls == [7] * (failures + 1)
    else:
        with pytest.raises(ConnectionError, match="3"):
            work(7)
        assert calls == [7] * 3


def test_another_failure_is_told_at_once() -> None:
    calls: list[int] = []

    @tried_again(on=OSError, first_wait=0)
    def work() -> None:
        """Docs."""
        calls.append(1)
        raise ValueError

    with pytest.raises(ValueError):
        work()
    assert calls == [1]
    assert (work.__name__, work.__doc__) == ("work", "Docs.")
