"""A real nginx for tests, set up as deploy/nginx.conf says, but for TLS."""

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from raw_requests import get, statuses_of
from started import ROOT, Server, free_port, wait_until

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")


@contextmanager
def in_front_of(server: Server, folder: Path, more: str = "") -> Iterator[int]:
    """Its port; its files lie in this folder, `more` are settings. Skips where there is none."""
    if NGINX is None:
        pytest.skip("no nginx here (Debian, Ubuntu: sudo apt install nginx-light)")
    port = free_port()
    site = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    site = re.sub(r".*ssl_certificate.*\n", "", site).replace("443 ssl", f"127.0.0.1:{port}")
    site = site.replace("127.0.0.1:5000", f"127.0.0.1:{server.port}")
    paths = "".join(
        f"{name}_temp_path {folder / name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder / 'pid'}; error_log {folder / 'error.log'}; worker_processes 1;"
        f"events {{}} http {{ access_log off; {paths} {more} {site} }}"
    )
    command = [NGINX, "-e", str(folder / "error.log"), "-p", str(folder), "-c", "nginx.conf"]
    nginx = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(port), "nginx")
        yield port
    finally:
        nginx.send_signal(signal.SIGQUIT)
        nginx.wait(30)


def _answers(port: int) -> bool:
    try:
        return statuses_of(port, get()) == (200,)
    except OSError:
        return False
