"""The JavaScript SDK, for pages of any origin."""

from flask import Response

from __init__ import app, public, root
from utils.describe import describes
from utils.static_file import file_reply, pack

SCRIPT = pack((root / "sdk" / "js" / "dist" / "redlog.js").read_bytes())
# Its users' pages wait for it: they take it from their cache, and ask for a newer one now and then.
HEADERS = {
    "Cache-Control": "public, max-age=3600, stale-while-revalidate=86400",
    "Access-Control-Allow-Origin": "*",
}


@app.get("/sdk/redlog.js")
@describes(reply=str, media=("text/javascript",), also={304: None})
@public
def show_sdk() -> Response:
    """The JavaScript SDK as a script, made of `sdk/js/src`."""
    return file_reply(SCRIPT, "text/javascript; charset=utf-8", HEADERS)
