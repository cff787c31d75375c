"""The documentation is run, and says all there is to say."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from started import ROOT, free_port, wait_until

from utils.app_settings import AppLimits, AppSettings

READMES = ("README.md", "README.zh-CN.md")


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


LISTING = """
import json
from __init__ import app
from manage import cli

commands = []
for name, command in cli.commands.items():
    subcommands = getattr(command, "commands", {})  # a hidden one is not for operators
    shown = [f"{name} {sub}" for sub, each in subcommands.items() if not each.hidden]
    commands += shown if subcommands else [name]
rules = [(rule.rule, rule.endpoint) for rule in app.url_map.iter_rules()]
foreign = [rule for rule, endpoint in rules if endpoint.startswith("adapter ")]
routes = [rule for rule, _ in rules if rule not in foreign]
print(json.dumps({"routes": routes, "foreign": foreign, "commands": commands}))
"""


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The server's routes and manage.py's commands, as a process of its own sees them."""
    done = subprocess.run(
        [sys.executable, "-c", LISTING],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=_environment(tmp_path_factory.mktemp("data")),
    )
    return dict(json.loads(done.stdout))


def _environment(data: Path, **more: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("REDLOG_")}
    return {**plain, "REDLOG_DATA_DIR": str(data), **more}


@pytest.mark.parametrize("readme", READMES)
def test_every_setting_is_documented(readme: str) -> None:
    default = yaml.safe_load(_text("setting.yaml"))["default"]
    names = [
        f"{section}.{key}" if isinstance(keys, dict) else section
        for section, keys in default.items()
        for key in (keys if isinstance(keys, dict) else [""])
    ]
    assert [name for name in names if f"`{name}`" not in _text(readme)] == []


@pytest.mark.parametrize("readme", READMES)
def test_every_route_is_documented(readme: str, listing: dict[str, list[str]]) -> None:
    text = _text(readme)
    part = re.compile(r"<(?:(path):|\w+:)?\w+>")
    routes = [part.sub(lambda found: f"<{found[1] or 'id'}>", rule) for rule in listing["routes"]]
    assert [rule for rule in routes if rule not in text] == []


def test_every_route_of_another_protocol_is_documented(listing: dict[str, list[str]]) -> None:
    text = _text("docs/clients/README.md")
    routes = {rule.removeprefix("/k/-") for rule in listing["foreign"]}
    assert [rule for rule in sorted(routes) if f"`{rule}`" not in text] == []


@pytest.mark.parametrize("readme", READMES)
def test_every_setting_of_an_app_is_documented(readme: str) -> None:
    names = AppSettings.__struct_fields__ + AppLimits.__struct_fields__
    assert [name for name in names if f"`{name}`" not in _text(readme)] == []


@pytest.mark.parametrize("readme", READMES)
def test_every_command_is_documented(readme: str, listing: dict[str, list[str]]) -> None:
    prose = re.sub(r"```.*?```", "", _text(readme), flags=re.DOTALL)
    words = set(re.findall(r"[a-z][a-z-]+", " ".join(re.findall(r"`[^`]+`", prose))))
    assert [name for name in listing["commands"] if not set(name.split()) <= words] == []


@pytest.mark.parametrize("readme", READMES)
def test_the_first_screen_works_as_printed(readme: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", _text(readme), re.DOTALL)
    start, report, read, stop = blocks[:4]
    assert stop.endswith("./test.sh\n")
    port = str(free_port())
    environment = _environment(tmp_path / "data", REDLOG_SERVER__PORT=port, CURL_HOME=str(tmp_path))

    def run(*parts: str) -> str:
        script = "set -eo pipefail\n" + "".join(parts).replace("5000", port)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    keys = start.split("\n", 1)[1]
    try:
        welcome = run(start)
        assert f"http://127.0.0.1:{port}" in welcome and "curl" in welcome
        assert json.loads(run(keys, report).splitlines()[-1])["accepted"] == 1
        found = wait_until(
            lambda: json.loads(run(keys, read).splitlines()[-1])["logs"], "the record"
        )
        assert found[0]["message"] == "payment failed, 支付失败"
        for line in (
            line.strip() for line in welcome.splitlines() if line.strip().startswith("curl")
        ):
            assert '"accepted":1' in run(line) or '"logs":[{' in run(line)
    finally:
        assert "stopped" in run(stop.replace("./test.sh\n", ""))


@pytest.mark.parametrize("page", ["docs/reliability.md", "docs/security.md"])
def test_every_test_that_holds_a_promise_is_there(page: str) -> None:
    text = _text(page)
    named = re.findall(r"`((?:test_case|sdk)/[\w/]+\.py)::(\w+)`", text)
    assert len(named) > 20
    missing = [name for name in named if f"def {name[1]}(" not in _text(name[0])]
    assert missing == []
    tables = re.findall(r"^\| .*\| test \|\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = [row for table in tables for row in table.splitlines()]
    assert len(rows) >= 15
    assert [row for row in rows if "::test_" not in row] == []


@pytest.mark.parametrize("readme", READMES)
def test_the_readme_leads_to_the_other_pages(readme: str) -> None:
    linked = re.findall(r"\]\((?!https?:)([^)#]+)", _text(readme))
    assert [path for path in linked if not (ROOT / path).exists()] == []
    assert {"docs/reliability.md", "docs/security.md"} <= set(linked)
