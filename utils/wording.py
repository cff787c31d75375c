"""What people are told, in their language: the English in the code is the key of the Chinese."""

import re
from functools import cache
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any, Literal

import yaml

if TYPE_CHECKING:
    from flask import Request

Language = Literal["en", "zh"]
_QUOTED = re.compile(r"`[^`]*`|'[^']*'|-?\d+|[{}]")
RESOURCE = Path(__file__).parent.parent / "resource"


class Said(str):
    """English that remembers its template and what stands in the blanks."""

    template: str
    values: dict[str, Any]


def say(template: str, /, **values: Any) -> Said:
    """A sentence of which `resource/problems.zh.yaml` has the Chinese; blanks as for str.format.

    One that has no blanks needs no `say`, unless it is to fill another's.
    """
    said = Said(template.format(**values))
    said.template, said.values = template, values
    return said


def retold(message: str) -> Said:
    """The same of what a library says: what it quotes and counts goes into blanks, `{a}` and on."""
    said, names = Said(message), iter(ascii_lowercase)
    said.values = {}

    def blank(match: re.Match[str]) -> str:
        name = next(names)
        said.values[name] = match[0]
        return f"{{{name}}}"

    said.template = _QUOTED.sub(blank, message, len(ascii_lowercase))
    return said


def in_chinese(text: str) -> str:
    """The Chinese of what was said; values, and what nobody translated, stay as they are."""
    template = _chinese().get(getattr(text, "template", text))
    if template is None or not isinstance(text, Said):
        return template or text
    told = {
        name: in_chinese(value) if isinstance(value, Said) else value
        for name, value in text.values.items()
    }
    return template.format(**told)


def preferred(request: "Request") -> Language:
    """Which of our languages a client would rather read (Accept-Language, RFC 9110, 12.5.4)."""
    if "zh" not in request.environ.get("HTTP_ACCEPT_LANGUAGE", "").lower():
        return "en"  # as for most who report: reading the header would cost more than the reply
    return "zh" if request.accept_languages.best_match(["en", "zh"]) == "zh" else "en"


@cache
def _chinese() -> dict[str, str]:
    """Read when the first client asks for Chinese."""
    chinese: dict[str, str] = yaml.safe_load((RESOURCE / "problems.zh.yaml").read_text("utf-8"))
    return chinese
