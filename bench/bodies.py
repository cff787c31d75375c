"""Prepared bodies of distinct records: one body sent again and again flatters by about 60 %.

The records look like a phone's: 277 bytes each, 5,000 devices and users, one in twenty an error,
one in 100,000 with NEEDLE in its message. A set of bodies is a file for each thread of the load
generator; a line is a body, a JSON array of records.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

NEEDLE = "certificate pinning failed"
NEEDLE_EVERY = 100_000
DEVICES = 5_000
USER = "u-01234"
SPAN_SECONDS = 4 * 3600  # the records' times end now and reach back this far
JITTER_MS = 8_000  # devices report a little out of order

LEVELS = ["error"] + ["warning"] * 2 + ["debug"] * 5 + ["info"] * 12
LOGGERS = ["net.http", "ui.cart", "db.sync", "push", "auth.token"]
RELEASES = ["2.1.0", "2.1.1", "2.2.0", "3.0.0"]
PLATFORMS = ["android", "ios", "web"]
NETWORKS = ["wifi", "lte", "5g"]
MESSAGES = [
    "GET /api/orders/{} answered 200 in {} ms",
    "cart {} restored, {} items",
    "synced {} rows in {} ms",
    "image {} decoded in {} ms",
    "retry of upload {} after {} ms",
]


@dataclass(frozen=True)
class Bodies:
    """A set of prepared bodies: `prefix`.0, `prefix`.1, … hold one slice for each thread.

    `packed`: as hexadecimal digits, for bodies that are more than a line.
    """

    prefix: Path
    size: int
    count: int
    slices: int
    packed: bool = False

    @property
    def records(self) -> int:
        """How many records the whole set holds."""
        return self.size * self.count

    def first(self) -> bytes:
        """One body, for a try."""
        with Path(f"{self.prefix}.0").open("rb") as file:
            return file.readline().strip()


def write_bodies(prefix: Path, size: int, count: int, slices: int) -> Bodies:
    """Write `count` bodies of `size` records, dealt to the slices in turn."""
    made = records(size * count)
    with ExitStack() as stack:
        files = [stack.enter_context(Path(f"{prefix}.{k}").open("w")) for k in range(slices)]
        for number in range(count):
            body = ",".join(next(made) for _ in range(size))
            files[number % slices].write(f"[{body}]\n")
    return Bodies(prefix, size, count, slices)


def records(total: int) -> Iterator[str]:
    """Records as JSON, with `time` first; their times are spread over SPAN_SECONDS up to now."""
    start_ms = (int(time.time()) - SPAN_SECONDS) * 1000
    for n in range(total):
        h = n * 2_654_435_761 & 0xFFFF_FFFF  # Knuth's multiplicative hash: the same in every run
        ms = start_ms + n * SPAN_SECONDS * 1000 // total - h % JITTER_MS
        message = MESSAGES[h % 5].format(h % 1_000_003, h % 997)
        if n % NEEDLE_EVERY == NEEDLE_EVERY // 2:
            message = f"{NEEDLE}: host {h}"
        yield (
            f'{{"time":"{_second(ms // 1000)}.{ms % 1000:03}Z","level":"{LEVELS[(h >> 8) % 20]}",'
            f'"message":"{message}","logger":"{LOGGERS[h % 5]}","release":"{RELEASES[h % 4]}",'
            f'"platform":"{PLATFORMS[h % 3]}","device_id":"d-{(h >> 4) % DEVICES:05}",'
            f'"session_id":"s-{h:010}","user_id":"u-{(h >> 5) % DEVICES:05}","seq":{n // DEVICES},'
            f'"attributes":{{"network":"{NETWORKS[(h >> 3) % 3]}","battery":{h % 100}}}}}'
        )


@lru_cache(maxsize=8192)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
