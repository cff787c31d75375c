"""What the API takes and gives: for machines, and as a page to read."""

import sys
from functools import cache
from typing import Any

from flask import Response, render_template_string, request

from __init__ import app, public, root
from service import docs
from service.openapi import Json, Route, describe
from service.parameters import read_parameters
from utils.describe import describes
from utils.headers import style_policy
from utils.record import dumps
from utils.wording import Language, preferred

STYLE = (root / "resource" / "docs.css").read_text("utf-8")
PAGE = (root / "resource" / "docs.html").read_text("utf-8")
WORDS = docs.load_words(root / "resource")


@app.get("/api/openapi.json")
@describes(reply=dict)
@public
def show_openapi() -> Response:
    """This description (OpenAPI 3.1)."""
    return Response(dumps(_document()), content_type="application/json")


@app.get("/api/docs")
@describes(reply=str, media=("text/html",), query=docs.DocsQuery)
@public
def show_docs() -> Response:
    """The same as a page."""
    asked = read_parameters(list(request.args.items(multi=True)), docs.DocsQuery)
    policy = {"Content-Security-Policy": style_policy(STYLE)}
    language = asked.lang or preferred(request)
    response = Response(_page(language), headers=policy)
    response.vary.add("Accept-Language")
    return response


@cache
def _page(language: Language) -> str:
    told = docs.page_of(_document(), WORDS, language)
    return render_template_string(PAGE, style=STYLE, **told)


@cache
def _document() -> Json:
    """Made when first asked for, of the routes that this node answers."""
    routes = []
    for rule in app.url_map.iter_rules():
        view: Any = app.view_functions[rule.endpoint]
        if not hasattr(view, "description"):  # another protocol's, which has its own
            continue
        module = sys.modules[view.__module__]
        group = (module.__name__.rpartition(".")[2], module.__doc__ or "")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            about = (rule.endpoint, view.__doc__, view.decision, view.description)
            routes.append(Route(rule.rule, method, *about, *group))
    return describe(routes, "RedLog", WORDS.words["en"]["intro"])
