"""The page of the API: its description in the order in which one reads it, in two languages."""

from pathlib import Path
from typing import Any, NamedTuple

import yaml
from msgspec import Struct, convert

from service.openapi import Json
from utils.wording import Language


class DocsQuery(Struct, forbid_unknown_fields=True):
    """The language of the page; without it the browser's."""

    lang: Language | None = None


class Operation(NamedTuple):
    """A route of the page; `summary` is in the page's language, `said` its OpenAPI object."""

    method: str
    path: str
    summary: str
    said: Json


class Group(NamedTuple):
    """What one controller answers."""

    name: str
    title: str
    operations: list[Operation]


class Words(Struct, forbid_unknown_fields=True):
    """What `resource/docs.yaml` holds: the page's own words, and Chinese for what is English."""

    words: dict[Language, dict[str, str]]
    groups: dict[str, str]
    routes: dict[str, str]
    parameters: dict[str, str]


def load_words(resource: Path) -> Words:
    """Read them from the folder. Raises msgspec.ValidationError."""
    return convert(yaml.safe_load((resource / "docs.yaml").read_text("utf-8")), Words)


def page_of(document: Json, words: Words, language: Language) -> dict[str, Any]:
    """What the page is made of: `groups`, in the order of the file, the rest at the end; the
    `types`; the Chinese of `parameters`, as far as there is some; `word`s and the `language`.
    """
    chinese = words if language == "zh" else Words(words.words, {}, {}, {})
    order = list(words.groups)
    tags = sorted(
        document["tags"],
        key=lambda tag: order.index(tag["name"]) if tag["name"] in order else len(order),
    )
    return {
        "groups": [_group(tag, document, chinese) for tag in tags],
        "types": document["components"]["schemas"],
        "parameters": chinese.parameters,
        "word": words.words[language],
        "language": language,
    }


def _group(tag: Json, document: Json, chinese: Words) -> Group:
    name = tag["name"]
    operations = [
        Operation(method.upper(), path, _summary(said, chinese), said)
        for path, methods in document["paths"].items()
        for method, said in methods.items()
        if said["tags"] == [name]
    ]
    return Group(name, chinese.groups.get(name, tag["description"].removesuffix(".")), operations)


def _summary(said: Json, chinese: Words) -> str:
    english = f"{said['summary']} {said.get('description', '')}".strip()
    return chinese.routes.get(said["operationId"], english)
