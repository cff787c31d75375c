"""What must hold before the server starts; each failure is one clear line."""

import importlib.util
import os
import re
import socket
import time
from pathlib import Path

from exceptions import StartError

PORT_PATIENCE_SECONDS = 5.0  # the workers of a killed master end their requests and then free it


def check_data_dir(data_dir: Path) -> None:
    """Make the data directory if it is not there. Raises StartError when it can't be written."""
    probe = data_dir / f".writable-{os.getpid()}"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise StartError(
            f"the data directory {data_dir} can't be written: {error.strerror}"
        ) from None


def running_pid(pid_file: Path) -> int | None:
    """The pid of the server that runs on this data directory, if one does.

    A pid in a file that was left behind may be another program's by now.
    """
    try:
        pid = int(pid_file.read_text())
        if pid == os.getpid():  # in a container the pids of each run are the same
            return None
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    command = Path(f"/proc/{pid}/cmdline")
    if not command.exists():  # no Linux: the pid must do
        return pid
    return pid if re.search(rb"gunicorn-server|\[redlog\]", command.read_bytes()) else None


def check_not_running(pid_file: Path) -> None:
    """Raises StartError when a server runs on this data directory.

    A pid file that was left behind is removed: gunicorn would refuse it.
    """
    pid = running_pid(pid_file)
    if pid is not None:
        raise StartError(f"already running on this data directory (pid {pid})")
    pid_file.unlink(missing_ok=True)


def check_port(host: str, port: int) -> None:
    """Raises StartError when the address can't be listened on."""
    deadline = time.monotonic() + PORT_PATIENCE_SECONDS
    while True:
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise StartError(
                    f"can't listen on {host} port {port}: {error.strerror}; "
                    "choose another with --port or REDLOG_SERVER__PORT"
                ) from None
            time.sleep(0.2)


def check_worker_class(name: str) -> None:
    """Raises StartError when the worker class is not installed."""
    if name == "meinheld" and importlib.util.find_spec("meinheld") is None:
        raise StartError(
            "setting server.worker_class: meinheld is not installed here (it needs a C compiler); "
            "gthread is"
        )
