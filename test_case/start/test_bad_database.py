"""A database that can not be used is one clear line, at start and in `doctor`, without password."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from started import ROOT, free_port

URLS = {
    "mysql+pymysql://u:hunter2@127.0.0.1:{port}/redlog": "can't be reached",
    "mysql+pymysql://u:hunter2@127.0.0.1:{port}": "names no database",
    "mysql://u:hunter2@127.0.0.1:{port}/redlog": "mysql is unknown here",
    "oracle://u:hunter2@127.0.0.1:{port}/redlog": "oracle is unknown here",
    "u:hunter2@127.0.0.1": "is no URL of a database",
}


def manage(data: Path, url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("REDLOG_")},
        "REDLOG_DATA_DIR": str(data),
        "REDLOG_SERVER__PORT": str(free_port()),
        "REDLOG_DATABASE__URL": url.format(port=free_port()),
    }
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("url", URLS)
def test_a_start_ends_with_one_line(tmp_path: Path, url: str) -> None:
    done = manage(tmp_path / "data", url, "gunicorn-server")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("redlog: ") and URLS[url] in line
    assert "hunter2" not in line


@pytest.mark.parametrize("url", URLS)
def test_doctor_says_the_same(tmp_path: Path, url: str) -> None:
    done = manage(tmp_path / "data", url, "doctor")
    assert done.returncode == 1
    assert URLS[url] in done.stdout + done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
