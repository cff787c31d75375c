"""One server after the other on the same port, which stays open: gunicorn's USR2, made whole.

The running master starts its successor, which inherits the listening socket. When the successor's
workers serve, the old master is told to end: its workers answer the requests that they have, close
their connections with the last reply, and leave their journal to the others.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from exceptions import StartError
from utils.files import replace_file
from utils.log import log
from utils.settings import Settings
from utils.startup import check_not_running, check_port, running_pid

START_SECONDS, END_SECONDS = 60.0, 60.0
LOOK_SECONDS = 0.05
PID_FILE = "redlog.pid"


class AddressChanged(StartError):
    """The successor would listen elsewhere, so there is no socket that it could inherit.

    By the exit code start.sh knows that it must stop one and start the other.
    """

    exit_code = 3


class Order(msgspec.Struct):
    """How the successor is to be started: arguments for manage.py, and our variables."""

    arguments: list[str]
    environment: dict[str, str]


def is_successor() -> bool:
    """Whether this process was started by a running server to follow it."""
    return os.environ.get("GUNICORN_PID") == str(os.getppid())


def check_place(settings: Settings) -> None:
    """Raises StartError when another server has this one's data directory or address.

    A successor inherits both from the server that it follows, but follows alone.
    """
    if is_successor():
        check_not_running(settings.data_path / f"{PID_FILE}.2")
    else:
        check_not_running(settings.data_path / PID_FILE)
        check_port(settings.server.host, settings.server.port)


def tell_ready(data_dir: Path, master: int, address: str) -> None:
    """Let it be known that a worker of this master serves at this address.

    A full disk must not keep a worker from serving: gunicorn would end the whole server.
    """
    try:
        replace_file(_ready(data_dir, master), address.encode())
    except OSError as error:
        log.warning("that this server is ready can't be told: %s", error)


def forget_ready(data_dir: Path, master: int) -> None:
    """Take that back."""
    _ready(data_dir, master).unlink(missing_ok=True)


def _ready(data_dir: Path, master: int) -> Path:
    return data_dir / "run" / f"master-{master}.ready"


def follow_order(data_dir: Path, server: Any, command: list[str]) -> None:
    """In the process that becomes the successor, before its program begins (`pre_exec`).

    `command` is how this server was started; an order that lies there says it otherwise.
    """
    server.START_CTX["args"] = command
    try:
        order = msgspec.json.decode((data_dir / "run" / "order.json").read_bytes(), type=Order)
        (data_dir / "run" / "order.json").unlink()
    except (OSError, msgspec.MsgspecError):
        order = None
    if order is not None:
        server.START_CTX["args"] = [*command[:2], *order.arguments]
        variables: dict[str, str] = server.cfg.env_orig
        for name in [name for name in variables if name.startswith("REDLOG_")]:
            del variables[name]
        variables.update(order.environment)
    replace_file(data_dir / "run" / "successor", str(os.getpid()).encode())


def replace(settings: Settings) -> str:
    """Replace the running server by one with this process's settings, arguments and variables.

    Returns a line for the operator. Raises AddressChanged, and StartError when the new one can't
    start: then the old one goes on.
    """
    data_dir, arguments = settings.data_path, [word for word in sys.argv[1:] if word != "--replace"]
    old = running_pid(data_dir / PID_FILE)
    if old is None:
        raise StartError(f"no server runs on {data_dir}")
    _check_that_it_may_end(old)
    address = f"{settings.server.host}:{settings.server.port}"
    if not _ready(data_dir, old).exists() or _ready(data_dir, old).read_text() != address:
        raise AddressChanged("its address changes, so its port can't stay open")
    new = _start_successor(data_dir, old, arguments)
    os.kill(old, signal.SIGTERM)
    _wait(lambda: not _is_alive(old), END_SECONDS, f"the old server (pid {old}) did not end")
    promoted = data_dir / PID_FILE
    _wait(lambda: running_pid(promoted) == new, END_SECONDS, f"pid {new} did not take over")
    return f"restarted (pid {new} follows {old}); the port was open all the while"


def _check_that_it_may_end(master: int) -> None:
    """Whoever runs the old master must not take its end for the end of the service."""
    if master == 1:
        raise StartError("the server is the first process of its container: restart that")
    try:
        variables = Path(f"/proc/{master}/environ").read_bytes().split(b"\0")
    except OSError:  # no Linux
        return
    if b"SYSTEMD_EXEC_PID=%d" % master in variables:
        raise StartError("systemd runs this server: use systemctl restart, or systemctl reload")


def _start_successor(data_dir: Path, old: int, arguments: list[str]) -> int:
    ours = {name: value for name, value in os.environ.items() if name.startswith("REDLOG_")}
    run = data_dir / "run"
    (run / "successor").unlink(missing_ok=True)
    umask = os.umask(0o077)  # variables may hold a password
    replace_file(run / "order.json", msgspec.json.encode(Order(arguments, ours)))
    os.umask(umask)
    os.kill(old, signal.SIGUSR2)
    try:
        _wait((run / "successor").exists, START_SECONDS, f"pid {old} starts no successor")
        new = int((run / "successor").read_text())
        _wait(
            lambda: _ready(data_dir, new).exists() or not _is_alive(new),
            START_SECONDS,
            f"the new server (pid {new}) does not serve",
        )
    finally:
        (run / "order.json").unlink(missing_ok=True)
    if not _ready(data_dir, new).exists():
        raise StartError("the new server did not start, its log tells why; the old one goes on")
    return new


def _wait(holds: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise StartError(f"{otherwise} ({seconds:.0f} s)")
        time.sleep(LOOK_SECONDS)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def own_command(folder: Path) -> list[str]:
    """How this process was started, as it can be repeated from anywhere."""
    return [sys.executable, str(folder / "manage.py"), *sys.argv[1:]]
