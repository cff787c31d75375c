"""What a route takes and gives, said beside its view; `/api/openapi.json` is made of it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from msgspec import Struct

from exceptions import Problem

View = TypeVar("View", bound=Callable[..., Any])
Query = type[Struct] | frozenset[str] | None


class Description(NamedTuple):
    """What `describes` was told."""

    body: Any
    body_media: tuple[str, ...]
    reply: Any
    media: tuple[str, ...]
    status: int
    also: Mapping[int, Any]
    query: Query
    errors: tuple[type[Problem], ...]


def describes(
    *,
    body: Any = None,
    body_media: tuple[str, ...] = ("application/json",),
    reply: Any = None,
    media: tuple[str, ...] = ("application/json",),
    status: int = 200,
    also: Mapping[int, Any] | None = None,
    query: Query = None,
    errors: tuple[type[Problem], ...] = (),
) -> Callable[[View], View]:
    """Say of a view, in the types that it uses itself, what it takes and gives.

    `body` and `reply` are types that msgspec knows; a tuple: one of them; None: there is none.
    `status` goes with `reply`; `also` holds the types of other good replies by their status.
    `query` is the struct that the parameters are read into, or the names of the options beside the
    filters of records.
    `errors` are its own; those that follow from who is let in, a body, a query or a part of the
    path need not be named.
    """
    said = Description(body, body_media, reply, media, status, also or {}, query, errors)

    def decorate(view: View) -> View:
        view.description = said  # type: ignore[attr-defined]  # functions take attributes
        return view

    return decorate
