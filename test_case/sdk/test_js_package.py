"""The JavaScript SDK in Node: its own tests (sdk/js/test), and against a real server."""

import re
import subprocess
from collections import Counter
from pathlib import Path
from shutil import which

import pytest
from started import ROOT, Server, free_port

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


PROGRAM = """
import { init } from "%(sdk)s/src/index.js";
import { fileStorage } from "%(sdk)s/adapters/node.js";
const [url, key, folder, count] = process.argv.slice(1);
const log = init({ url, key, storage: fileStorage(folder), context: { device_id: "node" } });
for (let n = 0; n < count; n++) log.info(`m${n}`);
console.log(await log.flush());
"""


@pytest.mark.server
def test_a_program_whose_server_was_away_reports_when_it_runs_again(
    server: Server, tmp_path: Path
) -> None:
    if which("node") is None:
        pytest.skip("no Node here (Debian, Ubuntu: sudo apt install nodejs)")

    def run(url: str, count: int) -> str:
        code = PROGRAM % {"sdk": SDK}
        given = [url, server.key, str(tmp_path / "queue"), str(count)]
        command = ["node", "--input-type=module", "-e", code, *given]
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout

    assert run(f"http://127.0.0.1:{free_port()}", 1000) == "false\n"
    assert run(server.url, 0) == "true\n"
    assert run(server.url, 0) == "true\n"
    server.wait_drained()
    messages = Counter(record["message"] for record in server.walk(device_id="node"))
    assert messages == Counter(f"m{n}" for n in range(1000))
