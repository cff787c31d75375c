"""The description of the API (OpenAPI 3.1), made of the types that the code itself uses."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.json import schema_components

import exceptions
from exceptions import Problem
from service.query_schema import query_schema
from utils.describe import Description

Json = dict[str, Any]
ID: Json = {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}
REFERENCE = "#/components/schemas/{name}"
SECURITY_SCHEMES: Json = {
    "token": {"type": "http", "scheme": "bearer", "description": "An access token."},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "redlog_access",
        "description": "A page's, behind TLS `__Host-redlog_access`; with X-Redlog-CSRF to change.",
    },
    "ingest_key": {"type": "apiKey", "in": "header", "name": "X-Redlog-Key"},
}
# Problems that follow from who is let in.
REPORTING = {exceptions.BadKey}
ASKING = {
    exceptions.BadToken,
    exceptions.RevokedToken,
    exceptions.Forbidden,
    exceptions.PasswordChangeRequired,
    exceptions.StoreAway,
}

BODY_PROBLEMS = {
    exceptions.UnreadableBody,
    exceptions.TooLarge,
    exceptions.UnsupportedEncoding,
}


class Route(NamedTuple):
    """A route as the application knows it: its rule, whom it lets in and what is said of it; the
    group that it belongs to, and what is said of that.
    """

    rule: str
    method: str
    name: str
    text: str
    decision: str
    said: Description
    group: str
    group_text: str


def describe(routes: Iterable[Route], name: str, text: str) -> Json:
    """The whole document."""
    routes = sorted(routes)
    types = [kind for route in routes for kind in _types(route.said)]
    schemas, components = schema_components(types, ref_template=REFERENCE)
    known = dict(zip(map(id, types), schemas, strict=True))
    paths: dict[str, Json] = {}
    for route in routes:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.rule)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, known)
    return {
        "openapi": "3.1.0",
        "info": {"title": name, "version": "1", "description": text},
        "tags": [
            {"name": group, "description": " ".join(about.split("\n\n")[0].split())}
            for group, about in sorted({(route.group, route.group_text) for route in routes})
        ],
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM, **components},
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _types(said: Description) -> list[Any]:
    kinds = (said.body, said.reply, *said.also.values())
    return [each for kind in kinds for each in _alternatives(kind)]


def _alternatives(kind: Any) -> tuple[Any, ...]:
    return kind if isinstance(kind, tuple) else () if kind is None else (kind,)


def _schema(kind: Any, known: dict[int, Json]) -> Json:
    schemas = [known[id(each)] for each in _alternatives(kind)]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _operation(route: Route, known: dict[int, Json]) -> Json:
    said = route.said
    summary, _, rest = route.text.partition("\n\n")
    operation: Json = {
        "operationId": route.name,
        "tags": [route.group],
        "summary": " ".join(summary.split()),
        "parameters": [*_path_parameters(route.rule), *_query_parameters(said)],
        "responses": _replies(route, known),
    }
    if rest:
        operation["description"] = " ".join(rest.split())
    kind, _, needed = route.decision.partition(":")
    if kind != "public":
        schemes = ("ingest_key",) if kind == "ingest_key" else ("token", "cookie")
        operation["security"] = [{scheme: []} for scheme in schemes]
        operation["x-needs"] = needed or kind
    if said.body is not None:
        content = {media: {"schema": _schema(said.body, known)} for media in said.body_media}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _path_parameters(rule: str) -> list[Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": ID if kind == "int:" else {"type": "string"},
        }
        for kind, name in re.findall(r"<(\w+:)?(\w+)>", rule)
    ]


def _query_parameters(said: Description) -> list[Json]:
    if said.query is None:
        return []
    if isinstance(said.query, frozenset):
        described = query_schema(said.query)
        return [
            {"name": name, "in": "query", "description": text, "schema": schema}
            for name, (text, schema) in described.items()
        ]
    fields = _fields(said.query)
    return [{"name": name, "in": "query", "schema": _given(fields[name])} for name in fields]


def _fields(kind: type[Struct]) -> Json:
    _, components = schema_components([kind])
    fields: Json = components[kind.__name__]["properties"]
    return fields


def _given(schema: Json) -> Json:
    """A parameter's schema when it is given: what is null is left out."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else schema


def _replies(route: Route, known: dict[int, Json]) -> Json:
    said = route.said
    good = {said.status: said.reply, **said.also}
    replies: Json = {
        str(status): _reply(status, None if kind is None else _schema(kind, known), said.media)
        for status, kind in good.items()
    }
    by_status: dict[int, list[type[Problem]]] = {}
    for problem in _problems(route):
        by_status.setdefault(problem.status, []).append(problem)
    for status, problems in sorted(by_status.items()):
        refusal = _refusal(problems)
        if status in good:  # ready or not, the same route tells
            replies[str(status)]["content"] |= refusal["content"]
        else:
            replies[str(status)] = refusal
    return replies


def _reply(status: int, schema: Json | None, media: tuple[str, ...]) -> Json:
    reply: Json = {"description": HTTPStatus(status).phrase}
    if schema is not None:
        reply["content"] = {each: {"schema": schema} for each in media}
    return reply


def _problems(route: Route) -> list[type[Problem]]:
    """All that a route may answer with, in the order of their names and each once."""
    said, guards = route.said, {"public": set(), "ingest_key": REPORTING}
    problems = {*guards.get(route.decision, ASKING), *said.errors}
    if said.query is not None:
        problems.add(exceptions.BadParameter)
    if said.body is not None:
        problems |= BODY_PROBLEMS
    if isinstance(said.body, type) and issubclass(said.body, Struct):
        problems.add(exceptions.BadRequestBody)
    if route.method != "GET" and route.decision not in guards:
        problems.add(exceptions.BadCsrf)
    if "<" in route.rule:
        problems.add(exceptions.NotFound)
    return sorted(problems, key=lambda problem: problem.code)


def _refusal(problems: list[type[Problem]]) -> Json:
    codes = {"properties": {"code": {"enum": [problem.code for problem in problems]}}}
    problem = {"$ref": REFERENCE.format(name="Problem")}
    refusal: Json = {
        "description": "; ".join(f"`{each.code}`: {each.title}" for each in problems) + ".",
        "content": {"application/problem+json": {"schema": {"allOf": [problem, codes]}}},
    }
    return refusal


_PROBLEM: Json = {
    "title": "Problem",
    "description": "Why a request was refused (RFC 9457). `code` is stable.",
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "code"],
}
