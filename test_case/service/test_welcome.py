"""The first start: what it makes, and that it is known who made it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from node import Node
from started import ROOT

from database.accounts import Accounts
from database.api_tokens import ApiTokens
from database.apps import Apps
from database.redis_bus import RedisBus
from database.redis_link import RedisLink
from database.revoked import RevokedTokens
from service.audit import Audit, AuditQuery
from service.login import Login
from service.welcome import make_ready
from utils.settings import AccountSettings, load_settings


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    yield made
    made.close()


def start(node: Node) -> str:
    """What the operator reads."""
    settings = load_settings(ROOT / "setting.yaml", {"REDLOG_DATA_DIR": str(node.data)})
    revoked = RevokedTokens(node.engine, RedisBus(RedisLink("", "one", 1)))
    tokens = ApiTokens(node.engine, revoked, lambda work: work)
    login = Login(Accounts(node.engine), AccountSettings(64, 1, 1, "off", 7))
    apps, audit = Apps(node.engine, node.data), Audit(node.engine)
    return make_ready(settings, node.store, apps, tokens, login, audit)


def test_what_a_first_start_makes_stands_in_the_audit_log(node: Node) -> None:
    greeting = start(node)
    again = start(node)
    acts = Audit(node.engine).page(AuditQuery()).acts[::-1]
    assert [(act.actor, act.act) for act in acts] == [
        ("operator", "app.create"),
        ("operator", "token.create"),
        ("operator", "account.create"),
    ]
    assert [acts[0].target, acts[2].target] == ["app 1", "account admin"]
    (password,) = (line.split()[-1] for line in greeting.splitlines() if "password " in line[-40:])
    (token,) = (line.split()[-1] for line in greeting.splitlines() if "Bearer" in line)
    for secret in (password, token.strip("'")):
        assert secret not in str(acts) + again
