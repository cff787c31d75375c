"""The dashboard: files of `resource/dashboard`, which use nothing but the public API."""

from functools import cache

from flask import Response, request

from __init__ import app, public, root
from exceptions import NotFound
from utils.describe import describes
from utils.headers import PAGE_POLICY
from utils.static_file import Packed, file_reply, pack
from utils.wording import say

FOLDER = root / "resource" / "dashboard"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
# What may be asked for: a name that is not here is no file, wherever it points.
FILES = {
    path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.suffix in TYPES
}


@app.get("/")
@describes(reply=str, media=("text/html",), also={304: None})
@public
def show_dashboard() -> Response:
    """The dashboard, a page."""
    who_we_are = app.view_functions.get("adapter /")  # for clients of Elasticsearch
    accepted = request.headers.get("Accept", "")
    if who_we_are and "html" not in accepted and "*/*" not in accepted:
        answer: Response = who_we_are()  # type: ignore[assignment]  # no coroutine
        return answer
    return _file("index.html", moved=True)


@app.get("/dashboard/<path:name>")
@describes(reply=str, media=("*/*",), also={304: None})
@public
def show_dashboard_file(name: str) -> Response:
    """A file of the dashboard: script, style."""
    return _file(name)


def _file(name: str, moved: bool = False) -> Response:
    """A file, or 304 when the browser has it. Browsers ask each time, so that after an update no
    page runs with scripts of two versions.
    """
    if name not in FILES:
        raise NotFound(say("the dashboard has no file {name}", name=name[:80]))
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": PAGE_POLICY}
    return file_reply(_load(name, moved), TYPES[FILES[name].suffix], headers)


@cache
def _load(name: str, moved: bool) -> Packed:
    """A file, read once.

    `moved`: for a page beside the folder, which names the folder's files from there.
    """
    content = FILES[name].read_bytes()
    return pack(content.replace(b'"./', b'"dashboard/') if moved else content)
