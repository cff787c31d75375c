"""A real MariaDB for tests: its own data directory and port, fast to start, stopped by pid."""

import itertools
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pymysql
from started import PATIENCE, free_port, wait_until

MISSING = "MariaDB's programs are not here (Debian, Ubuntu: sudo apt install mariadb-server)"
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
PASSWORD = "pa:ss@w/ör d"  # what a URL must quote


def is_here() -> bool:
    """Whether MariaDB's programs are installed."""
    return all(shutil.which(name, path=PATH) for name in ("mariadbd", "mariadb-install-db"))


class MariaDB:
    """One server. Users come by TCP; `root` has no password."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.options = options
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._user = ["--user=root"] if os.geteuid() == 0 else []
        self._run(
            "mariadb-install-db", "--auth-root-authentication-method=normal", "--skip-test-db"
        )

    def _command(self, program: str, *options: str) -> list[str]:
        found = shutil.which(program, path=PATH)
        assert found is not None, MISSING
        data = f"--datadir={self.folder / 'data'}"
        return [found, "--no-defaults", data, *self._user, "--skip-name-resolve", *options]

    def _run(self, program: str, *options: str) -> None:
        done = subprocess.run(self._command(program, *options), capture_output=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self, *options: str) -> "MariaDB":
        """Start it, or start it again on the same port, and wait until it answers."""
        command = self._command(
            "mariadbd",
            f"--socket={self.folder / 'sock'}",
            f"--pid-file={self.folder / 'pid'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--skip-log-bin",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=64M",
            "--innodb-buffer-pool-load-at-startup=OFF",
            *self.options,
            *options,
        )
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_until(self._answers, "MariaDB to start")
        return self

    def _answers(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log_text()
        try:
            self.run("SELECT 1")
        except pymysql.err.OperationalError:
            return False
        return True

    def log_text(self) -> str:
        """What it wrote."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def run(self, *statements: str, database: str | None = None) -> list[tuple[object, ...]]:
        """Run statements as root; the rows of the last one."""
        connection = pymysql.connect(
            host="127.0.0.1", port=self.port, user="root", database=database, autocommit=True
        )
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def new_database(self) -> str:
        """A fresh, empty database; its name."""
        name = f"redlog_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return name

    def url(self, database: str, user: str = "root", password: str = "") -> str:
        """The URL of a database."""
        return f"mysql+pymysql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def signal(self, number: int) -> None:
        """Send it a signal: SIGSTOP stalls it, SIGCONT lets it go on."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait(PATIENCE)
