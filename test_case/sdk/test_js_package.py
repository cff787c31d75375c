"""The JavaScript SDK's own tests (sdk/js/test), which Node runs."""

import re
import subprocess
from shutil import which

import pytest
from started import ROOT

SDK = ROOT / "sdk" / "js"


def test_its_own_tests_pass() -> None:
    if which("node") is None:
        pytest.skip("no Node here (Debian, Ubuntu: sudo apt install nodejs)")
    tests = sorted(str(path) for path in (SDK / "test").glob("*.test.mjs"))
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", *tests],
        capture_output=True,
        text=True,
        timeout=120,
    )
    counted = dict(re.findall(r"^# (\w+) (\d+)$", done.stdout, re.MULTILINE))
    failed = re.findall(r"^ *not ok .*?\n *\.\.\.$", done.stdout, re.MULTILINE | re.DOTALL)
    assert done.returncode == 0, "\n".join(failed) or done.stderr
    assert int(counted["pass"]) == int(counted["tests"]) > 40
    assert "Warning" not in done.stdout
