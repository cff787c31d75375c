"""What a client of another protocol sent."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple


class Sample(NamedTuple):
    """A request: its path and body as sent, its headers."""

    path: str
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})
    method: str = "POST"


def samples_of(module: str) -> list[Sample]:
    """What the clients of an adapter's module sent: `SAMPLES` of the module of that name here."""
    return list(import_module(f"recorded.{module}").SAMPLES)


def recorded() -> Iterator[str]:
    """The names of all modules here that hold samples."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem != "sample":
            yield path.stem
