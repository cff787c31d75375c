"""What the API takes and gives: for machines, and as a page to read."""

from functools import cache
from typing import Any

from flask import Response, render_template_string

from __init__ import app, public, root
from service.openapi import Json, Route, describe
from utils.describe import describes
from utils.headers import style_policy
from utils.record import dumps

STYLE = (root / "resource" / "docs.css").read_text("utf-8")
PAGE = (root / "resource" / "docs.html").read_text("utf-8")
TEXT = "RedLog keeps the logs of apps and web pages on your own machines, and lets you search them."


@app.get("/api/openapi.json")
@describes(reply=dict)
@public
def show_openapi() -> Response:
    """This description (OpenAPI 3.1)."""
    return Response(dumps(_document()), content_type="application/json")


@app.get("/api/docs")
@describes(reply=str, media="text/html")
@public
def show_docs() -> Response:
    """The same as a page."""
    page = render_template_string(PAGE, api=_document(), style=STYLE)
    policy = {"Content-Security-Policy": style_policy(STYLE)}
    return Response(page, headers=policy, content_type="text/html; charset=utf-8")


@cache
def _document() -> Json:
    """Made when first asked for, of the routes that this node answers."""
    routes = []
    for rule in app.url_map.iter_rules():
        view: Any = app.view_functions[rule.endpoint]
        if not hasattr(view, "description"):  # another protocol's, which has its own
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            about = (rule.endpoint, view.__doc__, view.decision, view.description)
            routes.append(Route(rule.rule, method, *about))
    return describe(routes, "RedLog", TEXT)
