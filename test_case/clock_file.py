"""A clock for a test's server that can be set forward and back while it runs."""

import os
import struct
from pathlib import Path

SHIM = Path(__file__).parent / "skewed"


class Clock:
    """What a server started with `environment` takes for the time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environment = {"TEST_CLOCK_FILE": str(path), "PYTHONPATH": str(SHIM)}
        path.write_bytes(bytes(8))

    def set(self, seconds: float) -> None:
        """Let it be off by so much, at once and in all processes."""
        with self.path.open("r+b") as file:
            os.pwrite(file.fileno(), struct.pack("<q", int(seconds * 1e9)), 0)
