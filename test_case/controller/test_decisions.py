"""Every route says who is let in."""

import re
from pathlib import Path

import pytest
from decisions import decisions
from flask import Flask

from exceptions import BadToken, Problem
from utils.guard import Guard
from utils.principal import Principal

KNOWN = re.compile(
    "public|ingest_key(:403)?|token:(read|admin)|(role|account):(newcomer|viewer|member|admin)"
)


# What clients of other servers ask before they send; each gets an answer that is always the same.
NAMED = ("_nodes", "_ilm/policy", "_index_template", "_ingest", "_logstash")
ASKED = ("/_license", "/_nodes", "/_refresh", "/<index>/_refresh")
ELASTICSEARCH = (*ASKED, *(f"/{name}/<path:name>" for name in NAMED))
SPLUNK = ("/services/collector/health", "/services/collector/health/1.0")
ASKED_FIRST = (
    *((ask, path) for ask in ("GET", "PUT", "POST") for path in ELASTICSEARCH),
    *(("GET", path) for path in SPLUNK),
)


def test_every_route_has_a_decision(tmp_path: Path) -> None:
    routes = decisions(tmp_path)
    undecided = [route for route, said in routes.items() if not KNOWN.fullmatch(said or "")]
    assert undecided == []
    assert routes["POST /api/v1/logs"] == "ingest_key"
    assert routes["GET /api/v1/logs"] == "token:read"
    below_key = {said for route, said in routes.items() if "/k/-" in route}
    assert below_key == {"ingest_key", "ingest_key:403", "public"}


def test_few_routes_are_open_to_all(tmp_path: Path) -> None:
    open_to_all = {route for route, said in decisions(tmp_path).items() if said == "public"}
    assert open_to_all == {
        *("GET /healthz", "GET /readyz", "GET /metrics"),
        *("GET /api/openapi.json", "GET /api/docs", "GET /sdk/redlog.js"),
        *("GET /api/v1/login", "POST /api/v1/login", "GET /api/v1/refresh", "POST /api/v1/refresh"),
        *("POST /api/v1/register", "GET /api/v1/oidc/login", "GET /api/v1/oidc/callback"),
        *("GET /", "GET /dashboard/<path:name>"),
        *(f"{ask} {below}{path}" for ask, path in ASKED_FIRST for below in ("", "/k/-")),
        "GET /k/-/",
    }


CALLERS = {
    "newcomer": Principal("account new", "newcomer", "read", (), (1, 2), 1, "s"),
    "viewer": Principal("account v", "viewer", "read", (1,), (1, 2), 2, "s"),
    "member": Principal("account m", "member", "read", (1,), (1, 2), 3, "s"),
    "admin": Principal("account a", "admin", "admin", (1, 2), (1, 2), 4, "s"),
    "reading machine": Principal("token r", "viewer", "read", (1, 2), (1, 2)),
    "machine of an app": Principal("token m", "member", "admin", (2,), (1, 2)),
    "machine": Principal("token a", "admin", "admin", (1, 2), (1, 2), 4),
}


def refuse(token: str) -> Principal:
    raise BadToken("nobody")


def guard_of(caller: str) -> Guard:
    return Guard({"rlk_1": 1}.get, lambda _: CALLERS[caller], lambda *_: False)


def test_a_decision_goes_with_the_view_and_the_view_keeps_its_name() -> None:
    guard = guard_of("admin")
    for decorate, decision in (
        (guard.public, "public"),
        (guard.ingest_key_required, "ingest_key"),
        (guard.ingest_key_from(tuple), "ingest_key"),
        (guard.ingest_key_from(tuple, 403), "ingest_key:403"),
        (guard.token_required("admin"), "token:admin"),
        (guard.role_required("member"), "role:member"),
        (guard.account_required("newcomer"), "account:newcomer"),
    ):

        def show() -> str:
            """Shows."""
            return ""

        view = decorate(show)
        assert (view.decision, view.__name__, view.__doc__) == (decision, "show", "Shows.")  # type: ignore[attr-defined]


LET_IN = {
    "token:read": {"viewer", "member", "admin", "reading machine", "machine of an app", "machine"},
    "token:admin": {"admin", "machine of an app", "machine"},
    "role:newcomer": set(CALLERS),
    "role:viewer": set(CALLERS) - {"newcomer"},
    "role:member": {"member", "admin", "machine of an app", "machine"},
    "role:admin": {"admin", "machine"},
    "account:newcomer": {"newcomer", "viewer", "member", "admin"},
    "account:viewer": {"viewer", "member", "admin"},
    "account:member": {"member", "admin"},
    "account:admin": {"admin"},
}


@pytest.mark.parametrize("decision", LET_IN)
def test_a_decision_lets_in_whom_it_names(decision: str) -> None:
    for name, caller in CALLERS.items():
        with Flask("test").test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.1"}):
            if name in LET_IN[decision]:
                (admitted,) = guard_of(name)._admit(decision).values()
                assert admitted == caller._replace(address="192.0.2.1")
                continue
            with pytest.raises(Problem) as refused:
                guard_of(name)._admit(decision)
        newcomer = name == "newcomer"
        expected = (403, "password_change_required" if newcomer else "forbidden")
        assert (refused.value.status, refused.value.code) == expected


@pytest.mark.parametrize("decision", LET_IN)
def test_strangers_are_not_told_what_a_route_needs(decision: str) -> None:
    with Flask("test").test_request_context(), pytest.raises(BadToken):
        Guard({}.get, refuse, lambda *_: False)._admit(decision)
