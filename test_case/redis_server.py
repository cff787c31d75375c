"""A real redis-server for tests: on a free port, without files, stopped by pid."""

import shutil
import signal
import subprocess
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from started import PATIENCE, free_port, wait_until

PROGRAM = shutil.which("redis-server")


class RedisServer:
    """A started Redis; `url` is the one for `redis.url`."""

    def __init__(self, folder: Path, password: str = "") -> None:
        self.folder = folder
        self.password = password
        self.port = free_port()
        self.url = f"redis://{f':{password}@' if password else ''}127.0.0.1:{self.port}"
        self.client = redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0), protocol=2)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RedisServer":
        """Start it, empty, and wait until it answers."""
        assert PROGRAM is not None
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "dir": self.folder}
        if self.password:
            options["requirepass"] = self.password
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        self.process = subprocess.Popen(
            [PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        wait_until(self._answers, "redis-server to start")
        return self

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False

    def kill(self) -> None:
        """kill -9, as when its machine fails."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)
            self.process = None
        self.client.close()

    def pause(self) -> None:
        """Let it stall: it takes connections and answers nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)
