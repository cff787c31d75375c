"""Saved searches: seen by all who may read their app, made and changed by its members."""

from flask import Response, request

from __init__ import app, audit_log, engine, role_required, token_required
from database.saved_searches import SavedSearches
from exceptions import BadParameter, BadQuery, NameTaken, NotFound, TooMany
from service import saved_searches as service
from service.parameters import read_parameters
from utils.body import read_json
from utils.describe import describes
from utils.principal import Principal
from utils.record import dumps

PATH = "/api/v1/searches"
saved_searches = SavedSearches(engine)


@app.get(PATH)
@describes(reply=service.SearchList, query=service.SearchQuery, errors=(NotFound,))
@token_required("read")
def list_searches(principal: Principal) -> Response:
    """The saved searches of the apps that the caller may read."""
    asked = read_parameters(list(request.args.items(multi=True)), service.SearchQuery)
    return _reply(service.list_searches(saved_searches, principal, asked.app))


@app.post(PATH)
@describes(
    body=service.SearchForm,
    reply=service.SearchDetails,
    status=201,
    errors=(BadParameter, BadQuery, NameTaken, NotFound, TooMany),
)
@role_required("member")
def create_search(principal: Principal) -> Response:
    """Keep a search under a name, for all who may read the app."""
    form = read_json(request.environ, service.SearchForm)
    made = service.create(saved_searches, principal, form)
    about = {"app": made.app, "name": made.name}
    audit_log.record(principal, "search.create", f"search {made.id}", about)
    return _reply(made, 201)


@app.patch(f"{PATH}/<int:search_id>")
@describes(
    body=service.SearchChange,
    reply=service.SearchDetails,
    errors=(BadParameter, BadQuery, NameTaken),
)
@role_required("member")
def change_search(principal: Principal, search_id: int) -> Response:
    """Give a search another name, query or columns."""
    wanted = read_json(request.environ, service.SearchChange)
    changed = service.change(saved_searches, principal, search_id, wanted)
    audit_log.record(principal, "search.update", f"search {search_id}", wanted)
    return _reply(changed)


@app.delete(f"{PATH}/<int:search_id>")
@describes(status=204)
@role_required("member")
def delete_search(principal: Principal, search_id: int) -> Response:
    """Delete a search."""
    was = service.delete(saved_searches, principal, search_id)
    about = {"app": was.app_id, "name": was.name}
    audit_log.record(principal, "search.delete", f"search {search_id}", about)
    return Response(status=204)


def _reply(body: object, status: int = 200) -> Response:
    return Response(dumps(body), status, content_type="application/json")
