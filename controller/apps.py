"""Apps, for those who look after them: what they set, their keys, what became of their records."""

from typing import Any

from flask import Response, request

from __init__ import app, apps, audit_log, data, role_required
from exceptions import NameTaken, NotFound, TooMany
from service import app_shapes as shapes
from service import apps as service
from service.parameters import read_parameters
from utils.body import read_json
from utils.describe import describes
from utils.principal import Principal
from utils.record import dumps


@app.get("/api/v1/apps")
@describes(reply=(shapes.AppList, shapes.AppNames))
@role_required("viewer")
def list_apps(principal: Principal) -> Response:
    """The apps that the caller may see."""
    seen = [each for each in apps.all() if each.id in principal.apps]
    if principal.is_at_least("member"):
        return _reply(shapes.AppList([service.describe(each) for each in seen]))
    return _reply(shapes.AppNames([service.name(each) for each in seen]))


@app.post("/api/v1/apps")
@describes(body=shapes.AppForm, reply=shapes.AppDetails, status=201, errors=(NameTaken,))
@role_required("admin")
def create_app(principal: Principal) -> Response:
    """Make an app with a key and a secret."""
    made = service.create(apps, read_json(request.environ, shapes.AppForm))
    audit_log.record(principal, "app.create", f"app {made.id}", {"name": made.name})
    return _reply(service.describe(made), 201)


@app.get("/api/v1/apps/<int:app_id>")
@describes(reply=(shapes.AppDetails, shapes.AppName))
@role_required("viewer")
def show_app(principal: Principal, app_id: int) -> Response:
    """One app."""
    _check(principal, app_id)
    describe = service.describe if principal.is_at_least("member") else service.name
    return _reply(describe(service.find(apps, app_id)))


@app.patch("/api/v1/apps/<int:app_id>")
@describes(body=shapes.AppChange, reply=shapes.AppDetails, errors=(NameTaken,))
@role_required("member")
def change_app(principal: Principal, app_id: int) -> Response:
    """Set an app's name or settings."""
    _check(principal, app_id)
    changes = read_json(request.environ, shapes.AppChange)
    changed = service.change(apps, app_id, changes)
    audit_log.record(principal, "app.update", f"app {app_id}", service.describe_change(changes))
    return _reply(service.describe(changed))


@app.delete("/api/v1/apps/<int:app_id>")
@describes(body=shapes.Removal, reply=shapes.Removed, status=202)
@role_required("admin")
def delete_app(principal: Principal, app_id: int) -> Response:
    """Delete an app, which must be named; its records go in the background."""
    _check(principal, app_id)
    name = read_json(request.environ, shapes.Removal).name
    erasure = service.delete(apps, app_id, name, principal.actor)
    audit_log.record(principal, "app.delete", f"app {app_id}", {"name": name, "erasure": erasure})
    return _reply(shapes.Removed(app_id, erasure), 202)


@app.get("/api/v1/apps/<int:app_id>/keys")
@describes(reply=shapes.KeyList)
@role_required("member")
def list_keys(principal: Principal, app_id: int) -> Response:
    """An app's keys that are good."""
    _check(principal, app_id)
    return _reply(shapes.KeyList([service.describe_key(key) for key in apps.keys.of_app(app_id)]))


@app.post("/api/v1/apps/<int:app_id>/keys")
@describes(body=shapes.KeyForm, reply=shapes.KeyDetails, status=201, errors=(TooMany,))
@role_required("member")
def create_key(principal: Principal, app_id: int) -> Response:
    """Make another key."""
    _check(principal, app_id)
    made = apps.keys.create(app_id, read_json(request.environ, shapes.KeyForm).label)
    _record(principal, "key.create", app_id, made.id, label=made.label)
    return _reply(service.describe_key(made), 201)


@app.patch("/api/v1/apps/<int:app_id>/keys/<int:key_id>")
@describes(body=shapes.KeyForm, reply=shapes.KeyDetails)
@role_required("member")
def label_key(principal: Principal, app_id: int, key_id: int) -> Response:
    """Give a key another label."""
    _check(principal, app_id)
    label = read_json(request.environ, shapes.KeyForm).label
    changed = service.known_key(apps.keys.relabel(app_id, key_id, label))
    _record(principal, "key.update", app_id, key_id, label=label)
    return _reply(service.describe_key(changed))


@app.post("/api/v1/apps/<int:app_id>/keys/<int:key_id>/rotate")
@describes(body=shapes.Rotation, reply=shapes.KeyDetails, status=201, errors=(TooMany,))
@role_required("member")
def rotate_key(principal: Principal, app_id: int, key_id: int) -> Response:
    """Replace a key; the old one goes on for as long as is said."""
    _check(principal, app_id)
    overlap = read_json(request.environ, shapes.Rotation).overlap_hours
    made = service.rotate(apps, app_id, key_id, overlap)
    _record(principal, "key.rotate", app_id, key_id, new_key=made.id, overlap_hours=overlap)
    return _reply(service.describe_key(made), 201)


@app.delete("/api/v1/apps/<int:app_id>/keys/<int:key_id>")
@describes(status=204)
@role_required("member")
def revoke_key(principal: Principal, app_id: int, key_id: int) -> Response:
    """End a key now."""
    _check(principal, app_id)
    ended = service.known_key(apps.keys.revoke(app_id, key_id))
    _record(principal, "key.revoke", app_id, key_id, label=ended.label)
    return Response(status=204)


@app.get("/api/v1/apps/<int:app_id>/counters")
@describes(reply=shapes.Counters, query=shapes.CounterQuery)
@role_required("viewer")
def count_records(principal: Principal, app_id: int) -> Response:
    """What became of an app's records."""
    _check(principal, app_id)
    query = read_parameters(list(request.args.items(multi=True)), shapes.CounterQuery)
    return _reply(service.count(apps, app_id, query, data / "journal"))


def _check(principal: Principal, app_id: int) -> None:
    """Who may not see an app is told that there is none."""
    if app_id not in principal.apps:
        raise NotFound("there is no such app")


def _record(principal: Principal, act: str, app_id: int, key_id: int, **details: Any) -> None:
    audit_log.record(principal, act, f"app {app_id}, key {key_id}", details)


def _reply(body: object, status: int = 200) -> Response:
    return Response(dumps(body), status, content_type="application/json")
