"""Levels: names, their aliases, and OpenTelemetry's severity numbers (1–24, four to a level).

Source of the numbers: OpenTelemetry, Logs Data Model, "Severity Fields".
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

INFO = 9


def load_levels(resource: Path) -> dict[str, int]:
    """Every known spelling in lower case, mapped to its severity; canonical names come first."""
    levels = yaml.safe_load((resource / "levels.yaml").read_text("utf-8"))
    names = {name: level["severity"] for name, level in levels.items()}
    aliases = {alias: level["severity"] for level in levels.values() for alias in level["aliases"]}
    return {**names, **aliases}


SEVERITIES = load_levels(Path(__file__).parent.parent / "resource")
NAMES = list(SEVERITIES)[:6]


def level_name(severity: int) -> str:
    """The name of a severity number."""
    return NAMES[(severity - 1) // 4]


def severity_of(level: Any) -> int | None:
    """The severity of a level in any of its forms; None when it is none of them."""
    if level is None:
        return INFO
    if isinstance(level, str):
        spelling = level.strip().lower()
        is_number = spelling.isdecimal() and len(spelling) <= 2
        return SEVERITIES.get(spelling) or (severity_of(int(spelling)) if is_number else None)
    if isinstance(level, bool) or not isinstance(level, (int, float)):
        return None
    return int(level) if level in range(1, 25) else None


def spellings() -> Iterator[str]:
    """The usual spellings: each name and alias in lower, upper and title case."""
    for name in SEVERITIES:
        yield from {name, name.upper(), name.title()}
