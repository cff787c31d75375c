"""Forgetting somebody under load, whoever drains and whoever is killed meanwhile."""

import os
import signal
from contextlib import suppress
from typing import Any

import pytest
from conftest import StartServer
from senders import Senders
from started import Server, wait_until

from utils.record import dumps

pytestmark = [pytest.mark.fault, pytest.mark.server, pytest.mark.slow]
EVE = "eve-4711@example.org"


def erasure(server: Server, admin: str, number: int) -> dict[str, Any]:
    return dict(server.get(f"/api/v1/erasures/{number}", token=admin).json())


def ask(server: Server, admin: str) -> int:
    answer = server.http.post(
        f"{server.url}/api/v1/erasures",
        data=dumps({"user_id": EVE}),
        headers={"Authorization": f"Bearer {admin}"},
        timeout=60,
    )
    assert answer.status_code == 202, answer.text
    return int(answer.json()["id"])


def test_the_hired_process_does_it_and_nothing_else_is_lost(make_server: StartServer) -> None:
    server = make_server(REDLOG_WRITER__PROCESS_BYTES="1").start()
    admin = str(server.manage("token", "create", "--scope", "admin", "--json")["token"])
    eve = server.manage("app", "create", "eve", "--json")  # the senders know the other app's
    with Senders(server) as load:
        for number in range(3):
            wait_until(lambda: len(server.hired()) == 2, "the process that drains")
            body = [{"message": EVE, "user_id": EVE}] * 1000
            assert server.report(body, key=eve["ingest_key"]).status_code == 202
            asked = ask(server, admin)
            if number:
                with suppress(ProcessLookupError):
                    os.kill(server.hired()[0], signal.SIGKILL)
            wait_until(
                lambda asked=asked: erasure(server, admin, asked)["state"] == "done", "the erasure"
            )
            assert server.query(user_id=EVE) == []
            load.wait_for(50)
    files = [path for path in server.data.rglob("*") if path.is_file()]
    assert [path for path in files if EVE.encode() in path.read_bytes()] == []
    load.check()
    assert "Traceback" not in server.log_text()
