"""A process of its own that drains, hired by the elected writer while much is to be stored.

It shares no interpreter lock with the requests. The election's lock passes to it, so nobody else
is elected while it lives; it ends when its input ends, so also when its parent is killed.
"""

import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import msgspec

from database.day_append import CounterKey

_decode = msgspec.json.Decoder(list[tuple[int, int, str, int]]).decode


class DrainProcess:
    """The parent's end. `command` starts the process; the lock's descriptor is its last word."""

    def __init__(self, command: Sequence[str], lock: int) -> None:
        self._process = subprocess.Popen(
            [*command, str(lock)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[lock],
            start_new_session=True,  # Ctrl-C is for the master
        )

    def counters(self) -> Iterator[Counter[CounterKey]]:
        """What it adds to the counters, transaction by transaction, until it ends."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with suppress(msgspec.DecodeError):  # half a line: it was killed
                yield Counter(
                    {(app, minute, outcome): n for app, minute, outcome, n in _decode(line)}
                )

    def stop(self, seconds: float) -> None:
        """Let it go on for at most `seconds` while something waits, and end."""
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):  # it has ended
            self._process.stdin.write(b"%f\n" % seconds)
            self._process.stdin.flush()

    def wait(self) -> int:
        """Wait for its end; returns its exit code, negative when it was killed."""
        with self._process:  # closes the pipes
            return self._process.wait()


def obey(stop: Callable[[float], None]) -> None:
    """In the process: hear the parent, whose signals and terminal are not ours."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)

    def listen() -> None:
        for line in sys.stdin:
            stop(float(line))
        stop(0.0)

    threading.Thread(target=listen, name="parent-watch", daemon=True).start()


def tell(counters: Counter[CounterKey]) -> None:
    """In the process: tell the parent what was added to the counters."""
    line = msgspec.json.encode([(*key, records) for key, records in counters.items()])
    with suppress(BrokenPipeError):  # the parent is gone: the next transaction is the last
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()
