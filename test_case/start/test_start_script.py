"""start.sh as an operator uses it: on a bare machine, interrupted, twice, in the background.

The tests run a copy of the project. Its .venv borrows this Python's packages instead of installing
them; where installing is what is tested, the copy has a pretended Python or a pretended manage.py.
"""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from started import ROOT, free_port

SCRIPTS = ("start.sh", "deploy/venv.sh", "requirements.txt")
TOOLS = ["bash", "cat", "dirname", "env", "flock", "grep", "mkdir", "mv", "ps", "readlink", "rm"]
TOOLS += ["sha256sum", "tail", "touch", "tr"]

# Says how it was called; the rest of the time it is a Python that pip fails or succeeds with.
PRETENDED_PYTHON = """#!/bin/sh
echo "$*" >>"$0.calls"
case "$*" in
    --version) echo "Python 3.11.99" ;;
    "-m pip install"*) echo "Collecting Flask"; echo "{said}"; exit {status} ;;
    "-m venv"*) echo "Error: no space left"; exit 1 ;;
    manage.py*) echo "$*" ;;
esac
"""


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the copy's start.sh from another folder, with none of our own settings."""
    return subprocess.run(
        [str(folder / "start.sh"), *arguments],
        cwd="/",
        env=environment_of(REDLOG_STOP_WAIT="20", **environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def environment_of(**added: str) -> dict[str, str]:
    ours = ("REDLOG_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, **added}


def write_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def line_of(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a refused start prints."""
    assert done.returncode == 1, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The scripts alone, in a folder with a blank in its name, and no .venv."""
    folder = tmp_path / "red log"
    for name in SCRIPTS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


# What needs no server.


def test_help_explains_everything_and_touches_nothing(bare: Path) -> None:
    before = sorted(bare.rglob("*"))
    for option in ("--help", "-h"):
        done = run(bare, option)
        assert (done.returncode, done.stderr) == (0, "")
        for word in ("-d", "stop", "status", "restart", "--port", "--profile", "REDLOG_DATA_DIR"):
            assert word in done.stdout
    assert sorted(bare.rglob("*")) == before


def test_status_and_stop_when_it_does_not_run(bare: Path) -> None:
    done = run(bare, "status")
    assert (done.returncode, done.stdout) == (3, "not running\n")
    done = run(bare, "stop")
    assert (done.returncode, done.stdout) == (0, "not running\n")


@pytest.mark.parametrize("left_behind", ["{pid}", "", "nonsense", "-1", "99999999"])
def test_a_pid_file_left_behind_kills_nobody(bare: Path, left_behind: str) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (bare / "data").mkdir()
        (bare / "data" / "redlog.pid").write_text(left_behind.format(pid=stranger.pid))
        assert run(bare, "status").returncode == 3
        assert run(bare, "stop").stdout == "not running\n"
        assert stranger.poll() is None
        stranger.kill()


# Finding a Python, making .venv.


def test_a_python_that_is_too_old_is_named(bare: Path) -> None:
    old = write_program(
        bare / "python3", "#!/bin/sh\n[ $1 = --version ] && echo Python 3.8.18 || exit 1\n"
    )
    line = line_of(run(bare, PYTHON=str(old)))
    assert "Python 3.8.18" in line and "3.10 or newer" in line and "apt install python3" in line
    assert not (bare / ".venv").exists()


def test_no_python_at_all_is_said(bare: Path) -> None:
    assert "is not there" in line_of(run(bare, "-d", PATH=path_without_compiler(bare)))


def test_a_newer_python_is_found_beside_an_old_one(bare: Path) -> None:
    path = path_without_compiler(bare)
    write_program(bare / "bin" / "python3", "#!/bin/sh\nexit 1\n")
    write_program(bare / "bin" / "python3.12", PRETENDED_PYTHON)
    done = run(bare, PATH=path)
    assert done.returncode == 1
    assert "python3.12 -m venv failed: Error: no space left" in done.stderr


def test_a_python_without_its_venv_module_is_said(bare: Path) -> None:
    text = '#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; esac\n'
    split_off = write_program(bare / "python3", text)
    line = line_of(run(bare, PYTHON=str(split_off)))
    assert "venv" in line and "apt install python3-venv" in line
    assert not (bare / ".venv").exists()


def test_a_venv_that_cannot_be_made_is_made_anew_next_time(bare: Path) -> None:
    python = write_program(bare / "python3", PRETENDED_PYTHON)
    for _ in range(2):
        done = run(bare, PYTHON=str(python))
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith(f"redlog: {python} -m venv failed")
    assert (bare / "python3.calls").read_text().count("-m venv .venv") == 2


# Installing, with a .venv whose Python is pretended.


def path_without_compiler(folder: Path) -> str:
    """A PATH that has the tools of start.sh and neither a Python nor a C compiler."""
    (folder / "bin").mkdir(exist_ok=True)
    for tool in TOOLS:
        found = shutil.which(tool)
        if found:
            (folder / "bin" / tool).symlink_to(found)
    return str(folder / "bin")


def pretend_venv(folder: Path, said: str = "", status: int = 0) -> Path:
    """A .venv whose pip says something and ends with a status; the list of its calls."""
    text = PRETENDED_PYTHON.format(said=said, status=status)
    python = write_program(folder / ".venv" / "bin" / "python", text)
    return python.with_name("python.calls")


def installations(calls: Path) -> int:
    return calls.read_text().count("-m pip install") if calls.exists() else 0


def test_requirements_are_installed_once_and_again_when_they_change(bare: Path) -> None:
    calls, path = pretend_venv(bare), path_without_compiler(bare)
    for _ in range(2):
        done = run(bare, "--port", "1", "--", "--max-requests", "9", PATH=path)
        assert done.stdout == "manage.py gunicorn-server --port 1 -- --max-requests 9\n"
        assert installations(calls) == 1
    with (bare / "requirements.txt").open("a") as file:
        file.write("# changed\n")
    assert run(bare, PATH=path).returncode == 0
    assert installations(calls) == 2


def test_a_failed_installation_shows_why_and_spoils_nothing(bare: Path) -> None:
    pretend_venv(bare)
    path = path_without_compiler(bare)
    assert run(bare, PATH=path).returncode == 0
    before = (bare / "requirements.txt").read_text()
    (bare / "requirements.txt").write_text(before + "nonesuch==9\n")

    calls = pretend_venv(bare, "ERROR: No matching distribution found for nonesuch==9", 1)
    done = run(bare, PATH=path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "ERROR: No matching distribution" in done.stderr
    assert "requirements.txt could not be installed" in done.stderr.splitlines()[-1]

    (bare / "requirements.txt").write_text(before)
    tries = installations(calls)
    assert run(bare, PATH=path).returncode == 0
    assert installations(calls) == tries


@pytest.mark.parametrize("interrupted_by", ["a kill", "an error while writing"])
def test_half_an_installation_is_made_anew(bare: Path, interrupted_by: str) -> None:
    path = path_without_compiler(bare)
    if interrupted_by == "a kill":
        pretend_venv(bare)
        (bare / ".venv" / "unfinished").touch()
    else:
        pretend_venv(bare, "Installing collected packages: Flask", 1)
        assert run(bare, PATH=path).returncode == 1
    again = write_program(bare / "python3", PRETENDED_PYTHON)
    assert "-m venv failed" in run(bare, PATH=path, PYTHON=str(again)).stderr
    assert not (bare / ".venv" / "bin").exists()


def test_meinheld_waits_for_a_compiler(bare: Path) -> None:
    calls, path = pretend_venv(bare), path_without_compiler(bare)
    assert "meinheld is left out: no C compiler" in run(bare, PATH=path).stderr
    assert run(bare, PATH=path).stderr == ""
    assert "meinheld" not in calls.read_text()
    write_program(bare / "bin" / "gcc", "#!/bin/sh\n")
    assert "meinheld is left out: it can't be built here" in run(bare, PATH=path).stderr
    assert calls.read_text().count("meinheld==1.0.2") == 1
    assert run(bare, PATH=path).stderr == ""
    assert calls.read_text().count("meinheld==1.0.2") == 1


def test_a_second_start_costs_little(bare: Path) -> None:
    pretend_venv(bare)
    run(bare)
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        run(bare)
        took.append(time.perf_counter() - begun)
    assert min(took) < 0.2


# The real server.


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project whose .venv has this Python's packages and counts as installed."""
    folder = tmp_path_factory.mktemp("start") / "redlog"
    left_out = shutil.ignore_patterns(".*", "data", "__pycache__", "test_case", "docs", "bench")
    shutil.copytree(ROOT, folder, ignore=left_out)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    (site_packages,) = folder.glob(".venv/lib/python*/site-packages")
    (site_packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    stamp = ". deploy/venv.sh; fingerprint requirements.txt >.venv/requirements.txt.stamp"
    subprocess.run(["bash", "-c", stamp], cwd=folder, check=True)
    return folder


class Operator:
    """Someone who uses start.sh with a data directory and a port of their own."""

    def __init__(self, project: Path, data: Path) -> None:
        self.project = project
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "REDLOG_DATA_DIR": str(data),
            "REDLOG_SERVER__PORT": str(self.port),
            "REDLOG_SERVER__WORKERS": "1",
        }

    def do(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return run(self.project, *arguments, **{**self.settings, **environment})

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.project / "start.sh"), *arguments],
            env=environment_of(**self.settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def pid(self) -> int:
        return int((self.data / "redlog.pid").read_text())


@pytest.fixture
def operator(project: Path, tmp_path: Path) -> Iterator[Operator]:
    user = Operator(project, tmp_path / "data")
    yield user
    user.do("stop")


@pytest.mark.server
def test_a_life_in_the_background(operator: Operator) -> None:
    started = operator.do("-d")
    assert started.returncode == 0, started.stderr
    assert operator.url in started.stdout and "rlk_" in started.stdout
    assert started.stdout.count("account admin, password ") == 1
    assert requests.get(f"{operator.url}/healthz", timeout=5).status_code == 200

    pid = operator.pid()
    assert operator.do("status").stdout == f"running (pid {pid})\n"
    again = operator.do("-d")
    assert (again.returncode, again.stdout) == (0, f"already running (pid {pid})\n")

    assert stat.S_IMODE(operator.data.stat().st_mode) == 0o700
    assert not (operator.data / "run" / "welcome").exists()
    log = operator.data / "log" / "redlog.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "rlk_" not in log.read_text() and "password" not in log.read_text()

    stopped = operator.do("stop")
    assert (stopped.returncode, stopped.stdout) == (0, f"stopped (pid {pid})\n")
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{operator.url}/healthz", timeout=5)
    assert operator.do("status").returncode == 3


@pytest.mark.server
def test_restart_starts_it_again_with_the_options_given(operator: Operator) -> None:
    assert operator.do("-d").returncode == 0
    before, other = operator.pid(), free_port()
    restarted = operator.do("restart", "--port", str(other), "--", "--log-level", "warning")
    assert restarted.returncode == 0, restarted.stderr
    assert restarted.stdout.startswith(f"stopped (pid {before})\n")
    assert operator.pid() != before
    assert "password" not in restarted.stdout  # it is shown once
    assert requests.get(f"http://127.0.0.1:{other}/healthz", timeout=5).status_code == 200


@pytest.mark.server
def test_restart_keeps_the_port_open(operator: Operator) -> None:
    assert operator.do("-d").returncode == 0
    before = operator.pid()
    stop = threading.Event()
    answers: list[int] = []

    def ask() -> None:
        while not stop.is_set():  # a connection for each: one refused would raise
            answers.append(requests.get(f"{operator.url}/healthz", timeout=5).status_code)

    with ThreadPoolExecutor(1) as asking:
        asked = asking.submit(ask)
        try:
            restarted = operator.do("restart")
        finally:
            stop.set()
        asked.result()
    assert restarted.returncode == 0, restarted.stderr
    assert str(before) in restarted.stdout and operator.pid() != before
    assert set(answers) == {200} and len(answers) > 20
    assert operator.do("status").stdout == f"running (pid {operator.pid()})\n"

    wrong = operator.do("restart", REDLOG_SERVER__WORKERS="many")
    assert wrong.returncode == 1 and "server.workers" in wrong.stderr
    assert requests.get(f"{operator.url}/healthz", timeout=5).status_code == 200
    pid = operator.pid()
    assert operator.do("stop").stdout == f"stopped (pid {pid})\n"
    assert operator.do("restart").stdout.startswith("not running\n")


@pytest.mark.server
def test_two_starts_at_once_are_one_server(operator: Operator) -> None:
    both = [operator.begin("-d"), operator.begin("-d")]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("already running" in text for text in said) == 1


@pytest.mark.server
def test_ctrl_c_ends_the_foreground(operator: Operator) -> None:
    with operator.begin() as server:
        assert server.stdout is not None
        try:
            assert operator.url in server.stdout.readline()
            assert operator.pid() == server.pid  # start.sh has become the server
            server.send_signal(signal.SIGINT)
            assert server.wait(20) == 0
        finally:
            with suppress(ProcessLookupError):
                server.kill()


REFUSALS = ["port in use", "data directory below a file", "bad setting"]


@pytest.mark.server
@pytest.mark.parametrize("background", [False, True], ids=["foreground", "background"])
@pytest.mark.parametrize("because", REFUSALS)
def test_a_refused_start_says_why_in_one_line(
    operator: Operator, tmp_path: Path, because: str, background: bool
) -> None:
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        named, environment = {
            "port in use": (port, {"REDLOG_SERVER__PORT": port}),
            "data directory below a file": (
                str(tmp_path / "file"),
                {"REDLOG_DATA_DIR": str(tmp_path / "file" / "data")},
            ),
            "bad setting": ("server.workers", {"REDLOG_SERVER__WORKERS": "many"}),
        }[because]
        done = operator.do(*(["-d"] if background else []), **environment)
    assert done.returncode == 1
    assert done.stdout == ""
    said = done.stderr.splitlines()
    if background and because != "data directory below a file":
        assert "redlog.log" in said.pop()  # where the rest of the log is
    (line,) = said
    assert line.startswith("redlog: ") and named in line
    assert operator.do("status").returncode == 3


@pytest.mark.server
def test_background_log_of_an_earlier_run_is_not_shown_again(operator: Operator) -> None:
    for port in ("one", "two"):
        done = operator.do("-d", REDLOG_SERVER__PORT=port)
        assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.server
def test_a_data_directory_set_elsewhere_is_pointed_out(operator: Operator, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    with (operator.project / "setting.yaml").open("a") as file:
        file.write(f"\nelsewhere:\n  data_dir: {elsewhere}\n")
    del operator.settings["REDLOG_DATA_DIR"]
    started = operator.do("-d", "--profile", "elsewhere")
    operator.settings["REDLOG_DATA_DIR"] = str(elsewhere)
    assert started.returncode == 0
    assert "REDLOG_DATA_DIR" in started.stderr
    assert operator.do("status").returncode == 0
