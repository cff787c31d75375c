"""The clients for JavaScript in test_case/clients: run by Node.js, or in a page of a Chromium."""

import json
import shutil
import subprocess
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from selenium.webdriver import Chrome
from started import ROOT, wait_until

CLIENTS = ROOT / "test_case" / "clients"
SCRIPTS = CLIENTS / "scripts"
PACKAGES = CLIENTS / "node_modules"
OLDEST = 20  # of Node.js, that the clients' own versions want
_SECONDS = 60

# What is told comes by the standard input: some clients report their arguments and environment.
IN_NODE = """
    const told = JSON.parse(require("node:fs").readFileSync(0));
    import(process.argv[1]).then(({run}) => run(told)).then(value => {
        process.stdout.write(`\\n${JSON.stringify(value ?? null)}`);
        process.exit();
    });
"""
IS_READY = "return typeof run === 'function'"
IN_PAGE = """
    const [told, done] = arguments;
    run(told).then(value => done({value}), error => done({error: `${error} ${error.stack}`}));
"""


class Ran(NamedTuple):
    """What `run` of a script returned, and what the client wrote to the error output meanwhile."""

    value: Any
    errors: str


def demand_node() -> None:
    """Skip where the clients can't run."""
    if not PACKAGES.exists():
        pytest.skip("the clients' packages are not installed: ./test.sh --clients does it")
    if not shutil.which("node") or _version() < OLDEST:
        pytest.skip(f"no Node.js of version {OLDEST} or newer here")


@cache
def _version() -> int:
    done = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return int(done.stdout.lstrip("v").partition(".")[0])


def run_node(script: str, **told: Any) -> Ran:
    """Call `run` of scripts/<script>.mjs in a Node.js of its own."""
    done = subprocess.run(
        ["node", "-e", IN_NODE, str(SCRIPTS / f"{script}.mjs")],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Ran(json.loads(done.stdout.splitlines()[-1]), done.stderr)


class Pages:
    """A server of pages, each of which has the client and the function `run` of a script."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                folder, _, name = self.path.strip("/").partition("/")
                if folder == "bundle":
                    self._answer("text/javascript", bundle(name.removesuffix(".js")))
                elif folder == "page":
                    source = f"/bundle/{name.partition('/')[0]}.js"
                    page = f'<!doctype html><title>page</title><script src="{source}"></script>'
                    self._answer("text/html", page.encode())
                else:
                    self._answer("text/html", b"<!doctype html><title>another page</title>")

            def _answer(self, media: str, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", f"{media}; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Be silent."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def run(self, chrome: Chrome, script: str, **told: Any) -> Any:
        """Open a new page with a script, and call its `run`; what that returns."""
        chrome.get(f"{self.url}/page/{script}/{uuid4().hex}")
        # Chromedriver now and then says that a page is complete before its script has run.
        wait_until(lambda: chrome.execute_script(IS_READY), "the page's script")
        done = chrome.execute_async_script(IN_PAGE, told)
        assert "error" not in done, done
        return done["value"]

    def leave(self, chrome: Chrome) -> None:
        """Open a page without a script."""
        chrome.get(f"{self.url}/another")

    def __enter__(self) -> "Pages":
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


@cache
def bundle(script: str) -> bytes:
    """A script with all that it imports, for a page, where it makes `run` known."""
    command = ["node", str(PACKAGES / "esbuild" / "bin" / "esbuild"), f"{SCRIPTS / script}.mjs"]
    options = ["--bundle", "--format=iife", "--global-name=script", "--footer:js=run = script.run"]
    done = subprocess.run(
        [*command, *options], cwd=CLIENTS, capture_output=True, timeout=_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
