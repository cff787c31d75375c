"""The README's lines and the examples, run."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from gate import SOURCES
from started import Server, wait_until

HERE = SOURCES.parent
FIRST = re.findall(r"```python\n(.*?)```", (HERE / "README.md").read_text("utf-8"), re.DOTALL)[0]


@pytest.mark.server
@pytest.mark.parametrize("name", ["with_structlog", "with_loguru", "README"])
def test_an_example_reports_as_it_says(server: Server, tmp_path: Path, name: str) -> None:
    before = {record["id"] for record in server.query()}
    code = FIRST if name == "README" else (HERE / f"examples/{name}.py").read_text("utf-8")
    code = code.replace("https://logs.example.com", server.url).replace("rlk_…", server.key)
    example = tmp_path / "example.py"
    example.write_text(code, "utf-8")
    environment = {"PYTHONPATH": str(SOURCES), "REDLOG_URL": server.url, "REDLOG_KEY": server.key}
    done = subprocess.run(
        [sys.executable, str(example)], env=environment, timeout=60, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = wait_until(
        lambda: len(got := [r for r in server.query() if r["id"] not in before]) == 2 and got,
        "two records",
    )
    warning, error = sorted(found, key=lambda record: record["seq"])
    assert warning["message"] == "payment failed, 支付失败"
    assert (warning["level"], warning["user_id"]) == ("warning", "u-1")
    assert warning["attributes"]["order"] == 7
    assert (error["message"], error["level"]) == ("no payment", "error")
    assert (error["exception"]["type"], error["exception"]["value"]) == ("ValueError", "no card")
    assert "raise ValueError" in error["exception"]["stacktrace"]


def test_what_is_installed_is_all_there_is(tmp_path: Path) -> None:
    """It needs nothing but Python, and brings its types and its licence."""
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--quiet", "--wheel-dir", str(tmp_path), str(HERE)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("redlog_client-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        metadata = next(name for name in names if name.endswith("METADATA"))
        assert "Requires-Dist" not in packed.read(metadata).decode()
    assert "redlog_client/py.typed" in names and any(name.endswith("LICENSE") for name in names)
    modules = {path.name for path in (SOURCES / "redlog_client").glob("*.py")}
    assert {f"redlog_client/{name}" for name in modules} <= set(names)
