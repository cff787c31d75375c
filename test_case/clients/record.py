"""Records what each client sends into test_case/data/clients, for the quick tests:
`PYTHONPATH=.:test_case .venv/bin/python test_case/clients/record.py [script …]`.

With it goes what the adapters make of it: read the difference before you commit it.
"""

import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from chromium import open_chromium
from javascript import Pages, run_node
from real_bodies import FOLDER, Body, records_of
from relay import Passed, Relay
from started import ROOT, Server

KEY = "rlk_" + "0" * 32
DSN = "http://KEY@HOST/1"
SAID = {"release": "2.1.0", "messages": ["almost out of 茶"]}
OURS = {"key": "KEY", "session": "s-1", "messages": ["almost out of 茶"]}
LOKI = {"host": "URL", "key": "KEY", "labels": {"service_name": "shop", "env": "prod"}}
_PASSED_ON = {"authorization", "content-encoding", "content-type", "idempotency-key"}


class Client(NamedTuple):
    """A script, where it runs, what it is told, and the adapter that reads what it sends."""

    script: str
    adapter: str
    told: dict[str, Any]
    in_page: bool = False


CLIENTS = [
    Client("pino-loki", "loki", {**LOKI, "messages": ["almost out of 茶"]}),
    Client("winston-loki", "loki", {**LOKI, "message": "almost out of 茶", "json": True}),
    Client("opentelemetry", "otlp", {**OURS, "url": "URL/v1/logs"}),
    Client("elasticsearch", "elasticsearch", {**OURS, "node": "URL"}),
    Client("pino-elasticsearch", "elasticsearch", {**OURS, "node": "URL"}),
    Client("splunk", "splunk", {"url": "URL", "key": "KEY", "host": "web-1",
                                "messages": ["almost out of 茶"]}),
    Client("sentry-node", "sentry", {**SAID, "dsn": DSN}),
    Client("sentry-browser", "sentry", {**SAID, "dsn": DSN}, True),
    Client("bugsnag", "bugsnag", {**SAID, "url": "URL/k/KEY"}, True),
    Client("rollbar", "rollbar", {**SAID, "endpoint": "URL/api/1/item/", "key": "KEY"}, True),
    Client("faro", "faro", {**SAID, "url": "URL/collect", "key": "KEY"}, True),
    Client("datadog", "datadog", {**SAID, "proxy": "URL/k/KEY/ddproxy"}, True),
    Client("loglevel", "loglevel", {"url": "URL/logger", "key": "KEY", "name": "shop.pay",
                                    "messages": ["almost out of %s"], "json": False}, True),
    Client("logan-web", "logan", {"reportUrl": "URL/k/KEY/logan/web/upload.json",
                                  "deviceId": "d-1", "messages": ["almost out of 茶"]}, True),
    Client("jsnlog", "jsnlog", {"url": "URL/k/KEY/jsnlog.logger", "name": "shop.pay",
                                "message": "almost out of 茶"}, True),
]  # fmt: skip


def told_for(client: Client, relay: Relay, server: Server) -> dict[str, Any]:
    """What it is told, with the addresses of this run."""
    text = json.dumps(client.told).replace("URL", relay.url).replace("KEY", server.key)
    return dict(json.loads(text.replace("HOST", f"127.0.0.1:{relay.port}")))


def run(client: Client, server: Server, folder: Path) -> list[Body]:
    """Run a client, and see what it sent."""
    with Relay(server) as relay, Pages() as pages:
        told = told_for(client, relay, server)
        if client.in_page:
            with open_chromium(folder / client.script) as chrome:
                pages.run(chrome, client.script, **told)
                time.sleep(1)
                pages.leave(chrome)
                time.sleep(1)
        else:
            run_node(client.script, **told)
        ours = {
            server.key: KEY,
            pages.url: "https://shop.example",
            pages.url.partition("//")[2]: "shop.example",
            relay.url: "https://logs.example.com",
            str(ROOT): "/srv/redlog",
            json.dumps(platform.node()): '"web-1"',
            platform.release(): "6.1.0",
        }
        return [body_of(client, passed, ours) for passed in relay.passed if passed.method == "POST"]


def body_of(client: Client, passed: Passed, ours: dict[str, str]) -> Body:
    """A request without what only this run and this machine have."""
    headers = {
        name: value
        for name, value in passed.headers.items()
        if name in _PASSED_ON or name.startswith(("x-", "bugsnag-", "jsnlog-"))
    }
    text = json.dumps([passed.path, headers, passed.body.decode()], ensure_ascii=False)
    for mine, other in ours.items():
        text = text.replace(json.dumps(mine)[1:-1], json.dumps(other)[1:-1])
    path, named, body = json.loads(text)
    return Body(client.adapter, path.removeprefix(f"/k/{KEY}"), named, body)


def main(names: list[str]) -> None:
    """Record these clients, or all."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        server = Server(data / "data", data / "log", {}).start()
        try:
            for client in CLIENTS:
                if not names or client.script in names:
                    bodies = run(client, server, data)
                    made = [{**each._asdict(), "records": records_of(each)} for each in bodies]
                    text = json.dumps(made, indent=1, ensure_ascii=False)
                    (FOLDER / f"{client.script}.json").write_text(f"{text}\n", "utf-8")
        finally:
            server.kill()


if __name__ == "__main__":
    os.chdir(ROOT)
    main(sys.argv[1:])
