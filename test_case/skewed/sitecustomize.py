"""Every Python process of a test's server loads this first: its clock is off by what a file says.

The file holds the nanoseconds to add, and may be changed at any time (`clock_file.Clock`).
"""

import mmap
import os
import struct
import time


def _skew(path: str) -> None:
    with open(path, "rb") as file:
        offset = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)
    real = time.time_ns

    def time_ns() -> int:
        return real() + int(struct.unpack("<q", offset[:8])[0])

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


if "TEST_CLOCK_FILE" in os.environ:
    _skew(os.environ["TEST_CLOCK_FILE"])
