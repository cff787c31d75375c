"""The load: wrk, which leaves the processors to the server, driven by `report.lua`."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bodies import Bodies

CONNECTIONS = 16
SCRIPT = Path(__file__).with_name("report.lua")


@dataclass(frozen=True)
class Load:
    """What wrk saw: its requests, the time they took, and latencies in milliseconds."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    failed: int

    @property
    def rate(self) -> float:
        """Requests a second that were answered well."""
        return (self.requests - self.failed) / self.seconds


def require_wrk() -> None:
    """Leave with a line that helps when wrk is not installed."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: install it (Debian and Ubuntu: apt-get install wrk)")


def press(
    url: str,
    bodies: Bodies,
    seconds: int,
    headers: dict[str, str] | None = None,
    limit: int = 0,
    delay_ms: int = 0,
) -> Load:
    """Send bodies in rotation as fast as they are answered, for `seconds`.

    `limit` uses only so many of them; `delay_ms` makes each connection wait before a request.
    """
    wrk = _start(url, bodies, headers or {}, seconds, limit=limit, delay_ms=delay_ms)
    output, errors = wrk.communicate()
    if wrk.returncode != 0:
        raise RuntimeError(f"wrk failed: {errors or output}")
    return _result(output)


class Sending:
    """Each body of a set sent exactly once, as fast as they are answered.

    `started` and `ended` are `time.monotonic()` at the first request and after the last answer.
    """

    def __init__(
        self, url: str, bodies: Bodies, headers: dict[str, str] | None = None, limit: int = 0
    ) -> None:
        self.started = 0.0
        self.ended = 0.0
        self.refused = 0
        self._slices = bodies.slices
        self._wrk = _start(url, bodies, headers or {}, 24 * 3600, once=True, limit=limit)
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self._wrk.stderr is not None
        running = self._slices
        for line in self._wrk.stderr:
            now = time.monotonic()
            word, _, refused = line.partition(" ")
            if word == "start\n":
                self.started = self.started or now
            elif word == "end":
                self.refused += int(refused)
                running -= 1
            if running == 0:
                self.ended = now
                self._wrk.send_signal(signal.SIGINT)  # else it sleeps until its duration is over
                break

    @property
    def failed(self) -> bool:
        """Whether a request was refused, or wrk ended before its last answer."""
        return self.refused > 0 or not (self.ended or self._listener.is_alive())

    def wait(self, timeout: float) -> None:
        """Wait for the last answer. Raises TimeoutError, or RuntimeError when any was refused."""
        self._listener.join(timeout)
        late = self._listener.is_alive()
        self.stop()
        if late:
            raise TimeoutError("the server did not answer every request")
        if self.failed:
            raise RuntimeError(f"{self.refused} requests were refused, or wrk ended early")

    def stop(self) -> None:
        """End wrk, whatever it has sent."""
        self._wrk.send_signal(signal.SIGINT)
        self._wrk.wait(10)
        self._listener.join()


def _start(
    url: str,
    bodies: Bodies,
    headers: dict[str, str],
    seconds: int,
    once: bool = False,
    limit: int = 0,
    delay_ms: int = 0,
) -> subprocess.Popen[str]:
    environment = {
        "BENCH_BODIES": str(bodies.prefix),
        "BENCH_PACKED": str(int(bodies.packed)),
        "BENCH_ONCE": str(int(once)),
        "BENCH_LIMIT": str(limit // bodies.slices),
        "BENCH_DELAY": str(delay_ms),
    }
    command = ["wrk", f"-t{bodies.slices}", f"-c{CONNECTIONS}", f"-d{seconds}", "--timeout", "30"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    return subprocess.Popen(
        [*command, "-s", str(SCRIPT), url],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _result(output: str) -> Load:
    return Load(**json.loads(output.splitlines()[-1]))
