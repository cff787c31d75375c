"""The server's secret: made once, for its owner alone, and replaced key by key."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from started import ROOT

from exceptions import StartError
from utils import secret as module
from utils.secret import Secret, rotate


def test_the_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        (line,) = Secret(tmp_path).lines()
    finally:
        os.umask(umask)
    file = tmp_path / "secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(bytes.fromhex(line)) == 32
    assert Secret(tmp_path).lines() == (line,) == (file.read_text().strip(),)
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_every_installation_has_a_secret_of_its_own(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    first, second = (Secret(folder) for folder in folders)
    assert first.lines() != second.lines() and first.installation != second.installation


def test_first_starts_side_by_side_agree_on_one_secret(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib as p, utils.secret as s; print(*s.Secret(p.Path(sys.argv[1])).lines())"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with ThreadPoolExecutor(6) as pool:
        jobs = [
            pool.submit(subprocess.run, command, cwd=ROOT, capture_output=True, check=True)
            for _ in range(6)
        ]
        secrets = {job.result().stdout.strip() for job in jobs}
    assert secrets == {(tmp_path / "secret").read_bytes().strip()}
    assert len(secrets.pop()) == 64


GOOD = b"g" * 64 + b"\n"


@pytest.mark.parametrize("content", [b"", b"\n", b"short\n", GOOD + b"short\n", b"# " + GOOD])
def test_a_secret_that_was_cut_short_stops_the_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(StartError, match="secret"):
        Secret(tmp_path)
    assert (tmp_path / "secret").read_bytes() == content


# Rotation.


def test_the_fresh_key_comes_first_and_two_are_kept(tmp_path: Path) -> None:
    seen = [*Secret(tmp_path).lines()]
    for _ in range(3):
        many = rotate(tmp_path, keep=2)
        lines = Secret(tmp_path).lines()
        assert len(lines) == many and lines[0] not in seen
        assert list(lines[1:]) == seen[:2]
        seen.insert(0, lines[0])
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert rotate(tmp_path, keep=0) == 1


def test_the_name_of_the_installation_outlives_its_keys(tmp_path: Path) -> None:
    """Nodes that have the new file and nodes that have the old one still meet in Redis."""
    name = Secret(tmp_path).installation
    for _ in range(4):
        rotate(tmp_path, keep=1)
        assert Secret(tmp_path).installation == name


def test_a_running_process_sees_the_fresh_key_within_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    running = Secret(tmp_path)
    before = running.lines()
    rotate(tmp_path, keep=2)
    assert running.lines() == before
    now += module.LOOK_SECONDS
    assert running.lines() == Secret(tmp_path).lines() != before


@pytest.mark.parametrize("content", [b"", b"short", None])
def test_a_running_process_goes_on_when_the_file_is_no_good(
    tmp_path: Path, content: bytes | None
) -> None:
    running = Secret(tmp_path)
    before = running.lines()
    (tmp_path / "secret").unlink()
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    assert running.lines(look=True) == before
    (tmp_path / "secret").write_bytes(GOOD)
    assert running.lines(look=True) == ("g" * 64,)
