"""A database that can not be used is one clear line, at start and in `doctor`, without password."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mariadb import MISSING, MariaDB, is_here
from proxy import Proxy
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


def assert_refused(tmp_path: Path, url: str, words: str) -> None:
    """A start ends with these words in one line, and `doctor` says them too."""
    done = manage(tmp_path / "data", url, "gunicorn-server")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("redlog: the database ") and words in line
    done = manage(tmp_path / "data", url, "doctor")
    assert done.returncode == 1 and words in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.mariadb
@pytest.mark.parametrize(
    ("word", "other", "words"),
    [
        (b"utf8mb4", b"utf9mb4", "does not know utf8mb4; RedLog needs MariaDB 10.5 or"),
        (b"nopad_bin", b"nopad_bix", "does not know how to sort utf8mb4 in bytes; RedLog needs"),
        (b"=InnoDB", b"=NoSuch", "has no InnoDB"),
    ],
)
def test_a_server_that_lacks_what_is_needed(
    mariadb: MariaDB, tmp_path: Path, word: bytes, other: bytes, words: str
) -> None:
    """The server is asked for what it lacks: the one that runs here has it all."""
    proxy = Proxy(mariadb.port, word, other)
    try:
        url = mariadb.url(mariadb.new_database()).replace(str(mariadb.port), str(proxy.port))
        assert_refused(tmp_path, url, words)
    finally:
        proxy.close()


@pytest.mark.mariadb
def test_a_server_without_innodb(tmp_path: Path) -> None:
    if not is_here():
        pytest.skip(MISSING)
    server = MariaDB(tmp_path / "mariadb")
    server.start("--innodb=OFF", "--default-storage-engine=Aria")
    try:
        assert_refused(tmp_path, server.url(server.new_database()), "no InnoDB")
    finally:
        server.kill()
