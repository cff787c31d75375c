"""The API does what its description says, whatever it is sent."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from people import CHEAP, Person, accounts_of, person
from sqlalchemy import delete
from started import Server

from database.access_tables import login_failure

pytestmark = [pytest.mark.server, pytest.mark.slow]

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)

PHASES = "examples,coverage,fuzzing"  # the second takes minutes, whoever asks
ENDLESS = "tail_logs"  # nobody waits for its end


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One whose sessions last as long as the questions."""
    folder = tmp_path_factory.mktemp("server")
    settings = {**CHEAP, "REDLOG_TOKEN__ACCESS_MINUTES": "600"}
    shared = Server(folder / "data", folder / "server.log", settings).start()
    yield shared
    shared.kill()


class Caller(NamedTuple):
    """Who asks: the headers, and the operations that could end the very token that asks."""

    headers: list[str]
    left_out: list[str]


def anew(server: Server, name: str, role: str) -> Person:
    """Somebody who may sign in, however many have failed to from here."""
    with accounts_of(server).engine.begin() as connection:
        connection.execute(delete(login_failure))
    return person(server, name, role, int(server.app["id"]))


def machine(server: Server) -> Caller:
    """An admin's token without a session, and an app's key."""
    token = server.manage("token", "create", "--scope", "admin", "--json")["token"]
    headers = [f"Authorization: Bearer {token}", f"X-Redlog-Key: {server.key}"]
    return Caller(headers, ["revoke_token"])


SESSION_ENDS = ["log_out", "end_session", "change_account", "delete_account", "reset_account"]


def signed_in(server: Server) -> Caller:
    """The session of an admin."""
    token = anew(server, "ada", "admin").tokens()["token"]
    return Caller([f"Authorization: Bearer {token}"], SESSION_ENDS)


def page(server: Server) -> Caller:
    """A page that somebody has open who only looks."""
    opened = anew(server, "page", "viewer").page()
    cookie = f"Cookie: redlog_access={opened.cookies['redlog_access']}"
    proof = f"X-Redlog-CSRF: {opened.headers['X-Redlog-CSRF']!s}"
    return Caller([cookie, proof], SESSION_ENDS)


@pytest.mark.parametrize("make", [machine, signed_in, page])
def test_no_request_finds_a_failure_or_a_reply_that_is_not_described(
    server: Server, tmp_path: Path, make: Callable[[Server], Caller]
) -> None:
    """By schemathesis; `./test.sh --security` asks more."""
    caller = make(server)
    left_out = [*caller.left_out, ENDLESS]
    options = [
        *(part for header in caller.headers for part in ("--header", header)),
        *(
            "--phases",
            PHASES if make is machine else "examples,fuzzing",
            "--checks",
            ",".join(CHECKS),
        ),
        *("--max-examples", os.environ.get("API_EXAMPLES", "10"), "--seed", "1"),
        *("--generation-database", "none", "--suppress-health-check", "all", "--warnings", "off"),
        *(part for name in left_out for part in ("--exclude-operation-id", name)),
    ]
    command = [sys.executable, "-m", "schemathesis.cli", "--no-color", "run", *options]
    done = subprocess.run(
        [*command, f"{server.url}/api/openapi.json"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout
    assert "Traceback" not in server.log_text()
    sent = dict(header.split(": ", 1) for header in caller.headers)
    asked = requests.get(f"{server.url}/api/v1/me", headers=sent, timeout=60)
    assert asked.status_code == 200, asked.text
