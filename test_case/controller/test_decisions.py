"""Every route says who is let in."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from flask import Flask
from started import ROOT

from exceptions import Problem
from utils.guard import Guard
from utils.tokens import Tokens

KNOWN = re.compile(
    "public|ingest_key|token:(read|admin)|(role|account):(newcomer|viewer|member|admin)"
)
LISTING = """
import json
from __init__ import app

views = app.view_functions
print(json.dumps({
    f"{method} {rule.rule}": getattr(views[rule.endpoint], "decision", None)
    for rule in app.url_map.iter_rules()
    for method in rule.methods - {"HEAD", "OPTIONS"}
}))
"""


def decisions(data: Path) -> dict[str, str | None]:
    """What each method of each route says, as a process of its own sees it."""
    done = subprocess.run(
        [sys.executable, "-c", LISTING],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "REDLOG_DATA_DIR": str(data), "REDLOG_SERVER__ROLE": "all"},
    )
    return dict(json.loads(done.stdout))


def test_every_route_has_a_decision(tmp_path: Path) -> None:
    routes = decisions(tmp_path)
    undecided = [route for route, said in routes.items() if not KNOWN.fullmatch(said or "")]
    assert undecided == []
    assert routes["POST /api/v1/logs"] == "ingest_key"
    assert routes["GET /api/v1/logs"] == "token:read"


def test_few_routes_are_open_to_all(tmp_path: Path) -> None:
    open_to_all = {route for route, said in decisions(tmp_path).items() if said == "public"}
    assert open_to_all == {
        *("GET /healthz", "GET /readyz", "GET /metrics"),
        *("GET /api/openapi.json", "GET /api/docs"),
    }


def test_a_decision_goes_with_the_view_and_the_view_keeps_its_name() -> None:
    guard = Guard({"rlk_1": 1}.get, lambda: (1, 2), Tokens("the secret"), lambda _: False)
    for decorate, decision in (
        (guard.public, "public"),
        (guard.ingest_key_required, "ingest_key"),
        (guard.token_required("admin"), "token:admin"),
        (guard.role_required("member"), "role:member"),
        (guard.account_required("newcomer"), "account:newcomer"),
    ):

        def show() -> str:
            """Shows."""
            return ""

        view = decorate(show)
        assert (view.decision, view.__name__, view.__doc__) == (decision, "show", "Shows.")  # type: ignore[attr-defined]


def test_a_token_of_some_apps_is_let_in_as_a_member_of_them() -> None:
    tokens = Tokens("the secret")
    guard = Guard({}.get, lambda: (1, 2), tokens, lambda _: False)
    app = Flask("test")

    def admitted(decision: str, token: str) -> object:
        headers = {"Authorization": f"Bearer {token}"}
        with app.test_request_context(headers=headers):
            try:
                return guard._admit(decision)["principal"].apps
            except Problem as refused:
                return refused.status

    limited, full = tokens.issue("admin", [2, 3], 60), tokens.issue("admin", None, 60)
    reading = tokens.issue("read", None, 60)
    for decision, expected in {
        "token:read": [(2,), (1, 2), (1, 2)],
        "token:admin": [(2,), (1, 2), 403],
        "role:viewer": [(2,), (1, 2), (1, 2)],
        "role:member": [(2,), (1, 2), 403],
        "role:admin": [403, (1, 2), 403],
        "account:viewer": [403, 403, 403],
    }.items():
        assert [admitted(decision, token) for token in (limited, full, reading)] == expected
