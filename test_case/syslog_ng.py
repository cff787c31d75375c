"""A real syslog-ng for tests: it takes syslog over TCP and posts it by its http()."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from started import PATIENCE, free_port, wait_until

CONFIGURATION = """
@version: current
options {{ time-reopen(1); frac-digits(3); keep-hostname(yes); }};
source tcp {{
    network(ip("127.0.0.1") port({port}) transport("tcp") flags(syslog-protocol));
}};
{destination}
log {{ source(tcp); destination(redlog); }};
"""


class SyslogNg:
    """A started syslog-ng with a destination `redlog`; it writes nothing outside its folder."""

    def __init__(self, folder: Path, destination: str) -> None:
        program = shutil.which("syslog-ng", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        if program is None:
            pytest.skip("no syslog-ng here (Debian, Ubuntu: sudo apt install syslog-ng-mod-http)")
        self.folder = folder
        self.port = free_port()
        text = CONFIGURATION.format(port=self.port, destination=destination)
        (folder / "syslog-ng.conf").write_text(text, "utf-8")
        files = {"cfgfile": "conf", "persist-file": "persist", "control": "ctl", "pidfile": "pid"}
        options = [f"--{name}={folder / f'syslog-ng.{end}'}" for name, end in files.items()]
        self._log = (folder / "log").open("wb")
        self.process = subprocess.Popen(
            [program, "--foreground", "--no-caps", "--stderr", *options],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        wait_until(self._listens, "syslog-ng to start")

    def _listens(self) -> bool:
        assert self.process.poll() is None, self.log_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def log_text(self) -> str:
        """What it wrote so far."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def send(self, *lines: str) -> None:
        """Send it lines of RFC 5424."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            connection.sendall("".join(f"{line}\n" for line in lines).encode())

    def kill(self) -> None:
        """kill -9 it."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self._log.close()
