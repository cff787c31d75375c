"""A process of its own that drains, hired by the elected writer while much is to be stored.

It shares no interpreter lock with the requests. The election's lock passes to it, so nobody else
is elected while it lives; it ends when its input ends, so also when its parent is killed.
"""

import select
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path

import msgspec

from database.day_append import CounterKey

READY = b"ready\n"
_decode = msgspec.json.Decoder(list[tuple[int, int, str, int]]).decode


class DrainProcess:
    """The parent's end. `manage.py journal drain` starts the process, and is told the lock's
    descriptor.
    """

    def __init__(self, manage: Path, lock: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(manage), "journal", "drain", str(lock)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[lock],
            start_new_session=True,  # Ctrl-C is for the master
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout

    def is_ready(self) -> bool:
        """Whether it has started and waits for `begin`, or has died."""
        return bool(select.select([self._output], [], [], 0)[0])

    def begin(self) -> Iterator[Counter[CounterKey]]:
        """Let it drain; yields what it adds to the counters, until it ends."""
        self._output.readline()
        self._say(READY)
        for line in self._output:
            with suppress(msgspec.DecodeError):  # half a line: it was killed
                yield Counter(
                    {(app, minute, outcome): n for app, minute, outcome, n in _decode(line)}
                )

    def stop(self, seconds: float) -> None:
        """Let it go on for at most `seconds` while something waits, and end."""
        self._say(b"%f\n" % seconds)

    def end(self) -> int:
        """Wait for its end, which is near when it has not begun; its exit code."""
        with suppress(OSError):
            self._input.close()
        with self._process:
            return self._process.wait()

    def _say(self, line: bytes) -> None:
        with suppress(OSError, ValueError):  # it has ended
            self._input.write(line)
            self._input.flush()


def obey(stop: Callable[[float], None]) -> bool:
    """In the process: wait for the parent's word, and hear it later; False when it is gone.

    Its signals are not for us.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _write(READY)
    words = FileIO(0, closefd=False)  # a buffer's lock would disturb our end
    if words.readline() != READY:
        return False

    def listen() -> None:
        for line in words:
            stop(float(line))
        stop(0.0)

    threading.Thread(target=listen, name="parent-watch", daemon=True).start()
    return True


def tell(counters: Counter[CounterKey]) -> None:
    """In the process: tell the parent what was added to the counters."""
    line = msgspec.json.encode([(*key, records) for key, records in counters.items()])
    _write(line + b"\n")


def _write(line: bytes) -> None:
    with suppress(BrokenPipeError):  # the parent is gone: the next transaction is the last
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
