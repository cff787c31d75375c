"""Saved searches: what may be kept, and how they are shown."""

from typing import Annotated, Any
from urllib.parse import urlencode

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from database.saved_searches import SavedSearch, SavedSearches
from exceptions import BadParameter, BadRequestBody, NotFound
from service.app_shapes import Plain
from service.parameters import LIST_OPTIONS, parse_query
from utils.clock import format_time
from utils.principal import Principal
from utils.wording import say

MAX_ID = 2**31 - 1
MAX_BYTES = 7000  # of a query in a URL: the rest of the 8190 is for what asks it
OPTIONS = LIST_OPTIONS - {"cursor"}
AppId = Annotated[int, Meta(ge=1, le=MAX_ID)]
Query = Annotated[dict[str, str], Meta(max_length=32)]
Columns = Annotated[list[Plain], Meta(max_length=32)]


class SearchForm(Struct, forbid_unknown_fields=True):
    """A search to be kept: `query` holds the parameters of the list of records as they are written,
    so `-15m` stays so; not `app`, which stands beside it, nor `cursor`. `columns` are fields.
    """

    app: AppId
    name: Plain
    query: Query
    columns: Columns | None = None


class SearchChange(Struct, forbid_unknown_fields=True):
    """What is to be changed; what is not named stays, a query is replaced as a whole."""

    name: Plain | UnsetType = UNSET
    query: Query | UnsetType = UNSET
    columns: Columns | UnsetType | None = UNSET


class SearchDetails(Struct):
    """A saved search; `created_by` is who made it, an account or a token."""

    id: int
    app: int
    name: str
    query: dict[str, str]
    columns: list[str] | None
    created_by: str
    created_at: str
    updated_at: str


class SearchList(Struct):
    """Saved searches, the oldest first."""

    searches: list[SearchDetails]


class SearchQuery(Struct, forbid_unknown_fields=True):
    """Of which app; without one of all that the caller may read."""

    app: AppId | None = None


def list_searches(saved: SavedSearches, caller: Principal, app: int | None) -> SearchList:
    """Those that the caller may see. Raises NotFound."""
    apps = caller.apps if app is None else (_visible(app, caller),)
    return SearchList([describe(each) for each in saved.of_apps(apps)])


def create(saved: SavedSearches, caller: Principal, form: SearchForm) -> SearchDetails:
    """Keep a search.

    Raises NotFound, NameTaken, TooMany and what `_check` raises.
    """
    app = _visible(form.app, caller)
    _check(form.query)
    values = {"name": form.name, "query": form.query, "columns": form.columns}
    return describe(saved.create(app, caller.actor, values))


def change(
    saved: SavedSearches, caller: Principal, number: int, wanted: SearchChange
) -> SearchDetails:
    """Change a search. Raises NotFound, NameTaken and what `_check` raises."""
    if isinstance(wanted.query, dict):
        _check(wanted.query)
    given = {name: value for name, value in asdict(wanted).items() if value is not UNSET}
    return describe(saved.change(_possible(number), caller.apps, given))


def delete(saved: SavedSearches, caller: Principal, number: int) -> SavedSearch:
    """Delete a search; what it was. Raises NotFound."""
    return saved.delete(_possible(number), caller.apps)


def describe(search: SavedSearch) -> SearchDetails:
    """A search as it is shown."""
    told: dict[str, Any] = search._asdict()
    told["app"] = told.pop("app_id")
    times = {name: format_time(told[name]) for name in ("created_at", "updated_at")}
    return SearchDetails(**told | times)


def _visible(app: int, caller: Principal) -> int:
    """Who may not see an app is told that there is none."""
    if app not in caller.apps:
        raise NotFound(say("there is no app {app}", app=app))
    return app


def _possible(number: int) -> int:
    if number > MAX_ID:
        raise NotFound(say("there is no saved search {number}", number=number))
    return number


def _check(query: dict[str, str]) -> None:
    """A query that the list would not take is not kept.

    Raises BadQuery, which says where `q` is wrong, BadParameter, and BadRequestBody when it is too
    long.
    """
    if "app" in query:
        raise BadParameter("app stands beside the query, not in it")
    if len(urlencode(query)) > MAX_BYTES:
        raise BadRequestBody(
            say("query: over {most} bytes in a URL", most=MAX_BYTES), field="query"
        )
    parse_query(list(query.items()), OPTIONS, (), ())
