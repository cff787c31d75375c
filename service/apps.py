"""Apps: what they may set, their keys, what became of their records."""

from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from database.apps import App, Apps
from database.ingest_keys import FIRST_LABEL, IngestKey
from exceptions import BadParameter, BadRequestBody, NotFound
from service.journal import waiting_records
from service.parameters import parse_moment
from utils.app_settings import DEFAULTS, AppSettings
from utils.body import checked
from utils.clock import DAY, MINUTE, format_time, now_us
from utils.record import FILTERED, SHED

MAX_DAYS = 92
COUNTED = ("received", "stored", "duplicate", SHED, FILTERED)
REJECTED = "rejected:"
Plain = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]


class AppForm(AppSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is said of a new app: a name, and any of the settings."""

    name: Plain


class Removal(Struct, forbid_unknown_fields=True):
    """What must be said to delete an app: its name, so that it is the right one."""

    name: str


class KeyForm(Struct, forbid_unknown_fields=True):
    """What is said of a new key, or of one that is to have another label."""

    label: Plain = FIRST_LABEL


class Rotation(Struct, forbid_unknown_fields=True):
    """How long the old key goes on; 0: not at all."""

    overlap_hours: Annotated[int, Meta(ge=0, le=8760)] = 0


class CounterQuery(Struct, forbid_unknown_fields=True):
    """The range of time of counters; without it the last 24 hours."""

    start: str | None = field(default=None, name="from")
    end: str | None = field(default=None, name="to")


def describe(app: App, is_brief: bool = False) -> dict[str, Any]:
    """An app as replies show it; briefly, to those who may only look."""
    if is_brief:
        return {"id": app.id, "name": app.name}
    settings = msgspec.structs.asdict(app.settings)
    told = app._asdict() | {"created_at": format_time(app.created_at)} | settings
    del told["settings"]
    return told


def describe_key(key: IngestKey) -> dict[str, Any]:
    """A key as replies show it."""
    times = {
        name: None if value is None else format_time(value)
        for name, value in key._asdict().items()
        if name.endswith("_at")
    }
    return key._asdict() | times


def create(apps: Apps, form: AppForm) -> App:
    """Make an app. Raises NameTaken."""
    return apps.create(form.name, _settings_of(form))


def find(apps: Apps, app_id: int) -> App:
    """One app. Raises NotFound."""
    return _there(apps.find(app_id))


def change(apps: Apps, app_id: int, changes: dict[str, Any]) -> App:
    """Set an app's name or some of its settings; `limits` and `scrubbing` are replaced as a whole.

    Raises BadRequestBody, NameTaken and NotFound.
    """

    def edit(before: App) -> App:
        values = {"name": before.name, **msgspec.to_builtins(before.settings), **changes}
        form = checked(values, AppForm)
        return before._replace(name=form.name, settings=_settings_of(form))

    return _there(apps.change(app_id, edit))


def delete(apps: Apps, app_id: int, name: str, requested_by: str) -> int:
    """Delete an app; its records go in the background, by the erasure whose id this is.

    Raises NotFound, and BadRequestBody when this is not its name.
    """
    if find(apps, app_id).name != name:
        raise BadRequestBody("name: this is not the app's name", field="name")
    erasure = apps.delete(app_id, requested_by)
    if erasure is None:
        raise NotFound("the app is deleted already")
    return erasure


def rotate(apps: Apps, app_id: int, key_id: int | None, overlap_hours: int) -> IngestKey:
    """Replace a key, the newest without an end if none is named. Raises NotFound."""
    if key_id is None:
        current = find(apps, app_id).ingest_key
        key_id = next((key.id for key in apps.keys.of_app(app_id) if key.key == current), 0)
    return known_key(apps.keys.rotate(app_id, key_id, overlap_hours))


def known_key(key: IngestKey | None) -> IngestKey:
    """The key, if there is one. Raises NotFound."""
    if key is None:
        raise NotFound("the app has no such key, or it has ended")
    return key


def count(apps: Apps, app_id: int, query: CounterQuery, journal: Path) -> dict[str, Any]:
    """What became of an app's records that arrived in a range of time, in all and by hour.

    `pending` is how many wait in this node's journal now, None when they are too many to count.
    Raises BadParameter.
    """
    end = now_us() + MINUTE if query.end is None else parse_moment("to", query.end)
    start = end - DAY if query.start is None else parse_moment("from", query.start)
    if not 0 <= end - start <= MAX_DAYS * DAY:
        raise BadParameter(f"from must be before to, and at most {MAX_DAYS} days")
    hours: dict[int, dict[str, Any]] = defaultdict(_nothing)
    totals = _nothing()
    for hour, outcome, records in apps.hours(app_id, start // MINUTE, -(-end // MINUTE)):
        for counts in (hours[hour], totals):
            _add(counts, outcome, records)
    waiting = waiting_records(journal)
    return {
        "from": format_time(start),
        "to": format_time(end),
        "pending": None if waiting is None else waiting.get(app_id, 0),
        "totals": totals,
        "hours": [{"time": format_time(hour * MINUTE), **hours[hour]} for hour in hours],
    }


def _nothing() -> dict[str, Any]:
    return {**dict.fromkeys(COUNTED, 0), "rejected": {}}


def _add(counts: dict[str, Any], outcome: str, records: int) -> None:
    if outcome.startswith(REJECTED):
        counts, outcome = counts["rejected"], outcome.removeprefix(REJECTED)
    counts[outcome] = counts.get(outcome, 0) + records


def _settings_of(form: AppForm) -> AppSettings:
    return AppSettings(**{name: getattr(form, name) for name in DEFAULTS.__struct_fields__})


def _there(app: App | None) -> App:
    if app is None:
        raise NotFound("there is no such app")
    return app
