"""The dashboard in Chromium: what it transfers, when the first list is there, and its longest
task while records come in and while 100,000 rows are scrolled (see README.md here).
"""

import http.client
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import click

sys.path.append(str(Path(__file__).resolve().parent.parent / "test_case"))

from chromium import open_chromium
from selenium.webdriver import Chrome

from bodies import records, write_bodies
from load import require_wrk
from plan import Figures
from server import ROOT, RedLog, redlog
from sustained import send_all
from table import Row, Samples, circumstances, save, table

DOCS = ROOT / "docs" / "benchmarks.md"
RECORDS, ROUNDS = 200_000, 5
RATE, SECONDS = 1000, 20  # records a second, while it tails
FAST, ROWS_LOADED = 5000, 100_000
PATIENCE = 120.0  # seconds, until they are loaded
SIZE = 100  # records a report
WATCH = """
    window.watched = {list: 0, tasks: []};
    new PerformanceObserver((found) => {
        for (const {duration} of found.getEntries()) watched.tasks.push(duration);
    }).observe({type: "longtask", buffered: true});
    new MutationObserver((_, observer) => {
        if (!document.querySelector(".rows .row")) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => (watched.list = performance.now())));
    }).observe(document, {childList: true, subtree: true});
"""
LOADED = """
    const files = performance.getEntriesByType("navigation")
        .concat(performance.getEntriesByType("resource"));
    const sum = (some) => some.reduce((all, {encodedBodySize}) => all + encodedBodySize, 0) / 1000;
    const answers = files.filter(({name}) => name.includes("/api/"));
    return {list: watched.list, all: sum(files), answers: sum(answers), files: files.length};
"""
SCROLL = """
    const [done, box, frames] = [arguments[0], document.querySelector(".list"), []];
    const [begun, seconds] = [performance.now(), 5];
    let last = begun;
    watched.tasks = [];
    const step = (now) => {
        frames.push(now - last);
        last = now;
        box.scrollTop = ((now - begun) / seconds / 1000) * (box.scrollHeight - box.clientHeight);
        if (now - begun < seconds * 1000) return requestAnimationFrame(step);
        frames.sort((a, b) => a - b);
        setTimeout(() => done({
            frame: frames[Math.floor(frames.length * 0.95)], task: Math.max(0, ...watched.tasks),
        }));
    };
    requestAnimationFrame(step);
"""
COLUMN = "Chromium"
TABLE = [
    Row(
        "Transferred until the first list, gzip, kB: all · of it answers",
        "{:.0f} · {:.0f}",
        ("all", "answers"),
        "≤ 150",
    ),
    Row("… requests", "{:.0f}", ("files",)),
    Row("First list after navigation, nothing cached, ms", "{:.0f}", ("list",), "≤ 1,000"),
    Row("… cached", "{:.0f}", ("list_again",)),
    Row("Tailing 1,000 records/s: longest task, ms", "{:.0f}", ("task",), "≤ 100"),
    Row("… tasks over 50 ms · records shown/s", "{:.0f} · {:,.0f}", ("tasks", "shown")),
    Row(
        "Scrolling 100,000 rows in 5 s: frames' p95 · longest task, ms",
        "{:.0f} · {:.0f}",
        ("frame", "scroll_task"),
        "· ≤ 100",
    ),
]


@click.command(help=__doc__)
@click.option("--records", "stored", default=RECORDS, show_default=True, help="Less: prints only.")
def main(stored: int) -> None:
    """Measure and show the table."""
    require_wrk()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leave nothing behind
    samples: Samples = {COLUMN: defaultdict(list)}
    with (
        tempfile.TemporaryDirectory(prefix="redlog-bench-") as directory,
        redlog("gthread") as server,
    ):
        bodies = write_bodies(Path(directory) / "bodies", SIZE, stored // SIZE, 2)
        send_all(server, bodies, stored)
        with open_chromium(Path(directory) / "profile") as chrome:
            size = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
            chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
            for _ in range(ROUNDS):
                _note(samples, _first_list(chrome, server))
            _note(samples, _tailing(chrome, server))
            _note(samples, _scrolling(chrome, server))
            browser = f"Chromium {chrome.capabilities['browserVersion']}"
    text = f"{circumstances(f'python bench/dashboard.py --records {stored}', browser)}"
    text += f"\n\n{table(samples, TABLE)}"
    print(text)
    if stored >= RECORDS:
        save(DOCS, text, "dashboard")


def _note(samples: Samples, figures: Figures) -> None:
    print("  ".join(f"{name} {value:,.4g}" for name, value in figures.items()), file=sys.stderr)
    for name, value in figures.items():
        samples[COLUMN][name].append(value)


def _first_list(chrome: Chrome, server: RedLog) -> Figures:
    """Signed in by a token; without the browser's cache, and with it."""
    chrome.execute_cdp_cmd("Network.clearBrowserCache", {})
    _open(chrome, server, "?live=off")
    first = chrome.execute_script(LOADED)
    _open(chrome, server, "?live=off")
    return {**first, "list_again": chrome.execute_script(LOADED)["list"]}


def _open(chrome: Chrome, server: RedLog, search: str) -> None:
    chrome.get(f"{server.url}/healthz")
    token = server.reader_headers["Authorization"].removeprefix("Bearer ")
    chrome.execute_script("sessionStorage.setItem('redlog.token ', arguments[0])", token)
    chrome.get(f"{server.url}/{search}")
    _until(chrome, "return watched.list > 0")


def _until(chrome: Chrome, script: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not chrome.execute_script(script):
        if time.monotonic() > deadline:
            raise RuntimeError(f"never so: {script}")
        time.sleep(0.05)


def _tailing(chrome: Chrome, server: RedLog) -> Figures:
    _open(chrome, server, "?live=on")
    _until(chrome, "return document.querySelector('.live[data-tailing=\"true\"]') !== null")
    before = _loaded(chrome)
    chrome.execute_script("watched.tasks = []")
    _report(server, RATE, RATE * SECONDS)
    time.sleep(1)
    tasks = chrome.execute_script("return watched.tasks")
    shown = (_loaded(chrome) - before) / SECONDS
    return {"task": max(tasks, default=0), "tasks": len(tasks), "shown": shown}


def _scrolling(chrome: Chrome, server: RedLog) -> Figures:
    deadline = time.monotonic() + PATIENCE
    while _loaded(chrome) < ROWS_LOADED:
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {_loaded(chrome):,} rows are loaded")
        _report(server, FAST, FAST)
    time.sleep(2)
    found: dict[str, Any] = chrome.execute_async_script(SCROLL)
    return {"frame": found["frame"], "scroll_task": found["task"]}


def _loaded(chrome: Chrome) -> int:
    return int(chrome.execute_script("return document.querySelector('.loaded').dataset.loaded"))


def _report(server: RedLog, rate: int, total: int) -> None:
    """So many new records, at a steady pace."""
    made = (record.partition(",")[2] for record in records(total))  # of now
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    begun = time.monotonic()
    for sent in range(0, total, SIZE):
        time.sleep(max(0.0, begun + sent / rate - time.monotonic()))
        body = ",".join("{" + next(made) for _ in range(SIZE))
        connection.request("POST", "/api/v1/logs", f"[{body}]", server.report_headers)
        reply = connection.getresponse()
        reply.read()
        if reply.status != 202:
            raise RuntimeError(f"a report was answered {reply.status}")


if __name__ == "__main__":
    main()
