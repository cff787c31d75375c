"""The API does what its description says, whatever it is sent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from started import Server

pytestmark = [pytest.mark.server, pytest.mark.slow]

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# What would end the very token that asks.
LEFT_OUT: tuple[str, ...] = ()


def test_no_request_finds_a_failure_or_a_reply_that_is_not_described(
    server: Server, tmp_path: Path
) -> None:
    """By schemathesis, as an admin with an app's key; `./test.sh --security` asks more."""
    token = server.manage("token", "create", "--scope", "admin", "--json")["token"]
    options = [
        *("--header", f"Authorization: Bearer {token}"),
        *("--header", f"X-Redlog-Key: {server.key}"),
        *("--phases", "examples,coverage,fuzzing", "--checks", ",".join(CHECKS)),
        *("--max-examples", os.environ.get("API_EXAMPLES", "10"), "--seed", "1"),
        *("--generation-database", "none", "--suppress-health-check", "all", "--warnings", "off"),
        *(option for name in LEFT_OUT for option in ("--exclude-operation-id", name)),
    ]
    command = [sys.executable, "-m", "schemathesis.cli", "--no-color", "run", *options]
    done = subprocess.run(
        [*command, f"{server.url}/api/openapi.json"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout
    assert "Traceback" not in server.log_text()
