"""Apps: made, shown, changed and deleted; their keys; what became of their records."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import asdict, replace

from database.apps import App, Apps
from database.ingest_keys import IngestKey
from exceptions import BadParameter, BadRequestBody, NotFound
from service.app_shapes import (
    AppDetails,
    AppForm,
    AppName,
    CounterQuery,
    Counters,
    Counts,
    CountsBucket,
    KeyDetails,
)
from service.counts import MAX_BUCKETS, fitting_interval
from service.journal import waiting_records
from service.logan_key import check_private_key
from service.parameters import moment_of, seconds_of
from service.scrub import check_scrubbing
from utils.app_settings import SECRETS, AppSettings
from utils.clock import DAY, MINUTE, SECOND, format_time, now_us
from utils.wording import say

MAX_DAYS = 92
MINUTE_SECONDS = MINUTE // SECOND


def describe(app: App) -> AppDetails:
    """An app, to those who look after it."""
    told: dict[str, Any] = app._asdict() | _without_secrets(asdict(app.settings))
    del told["settings"]
    return AppDetails(**told | {"created_at": format_time(app.created_at)})


def name(app: App) -> AppName:
    """An app, to those who may only look."""
    return AppName(app.id, app.name)


def describe_key(key: IngestKey) -> KeyDetails:
    """A key, to those who look after its app."""
    times = (key.created_at, key.last_used_at, key.expires_at)
    written = [None if each is None else format_time(each) for each in times]
    return KeyDetails(key.id, key.key, key.label, str(written[0]), *written[1:])


def describe_change(changes: Struct) -> dict[str, Any]:
    """What an AppChange says, without its secrets: that they are set or unset."""
    return _without_secrets(_given(changes))


def _given(changes: Struct) -> dict[str, Any]:
    return {each: value for each, value in asdict(changes).items() if value is not UNSET}


def _without_secrets(values: dict[str, Any]) -> dict[str, Any]:
    return {each: value != "" if each in SECRETS else value for each, value in values.items()}


def create(apps: Apps, form: AppForm) -> App:
    """Make an app. Raises NameTaken, and BadRequestBody for what can't be kept: scrubbing rules, a
    private key.
    """
    own = {each: getattr(form, each) for each in AppSettings.__struct_fields__}
    _check(own)
    return apps.create(form.name, AppSettings(**own))


def find(apps: Apps, app_id: int) -> App:
    """One app. Raises NotFound."""
    return _there(apps.find(app_id))


def change(apps: Apps, app_id: int, changes: Struct) -> App:
    """Set what an AppChange says; `limits` and `scrubbing` are replaced as a whole.

    Raises NameTaken and NotFound, and BadRequestBody as `create` does.
    """
    given = _given(changes)
    _check(given)
    names = {"name": given.pop("name")} if "name" in given else {}

    def edit(before: App) -> App:
        return before._replace(settings=replace(before.settings, **given), **names)

    return _there(apps.change(app_id, edit))


def _check(given: dict[str, Any]) -> None:
    if "scrubbing" in given:
        check_scrubbing(given["scrubbing"])
    if given.get("logan_private_key"):
        check_private_key(given["logan_private_key"])


def delete(apps: Apps, app_id: int, its_name: str, requested_by: str) -> int:
    """Delete an app; its records go in the background, by the erasure whose id this is.

    Raises NotFound, and BadRequestBody when this is not its name.
    """
    if find(apps, app_id).name != its_name:
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


def count(apps: Apps, app_id: int, query: CounterQuery, journal: Path) -> Counters:
    """What became of the records that an app reported in a range of time, by whole minutes.

    Raises BadParameter.
    """
    end = now_us() + MINUTE if query.end is None else moment_of("to", query.end)
    start = end - DAY if query.start is None else moment_of("from", query.start)
    if not 0 <= end - start <= MAX_DAYS * DAY:
        raise BadParameter(say("from must be before to, and at most {most} days", most=MAX_DAYS))
    start, end = start // MINUTE * MINUTE, -(-end // MINUTE) * MINUTE
    interval = _interval(query, end - start)
    waiting = waiting_records(journal, start, end)
    counters = Counters(
        start=format_time(start),
        end=format_time(end),
        interval=interval,
        pending=None if waiting is None else waiting.get(app_id, 0),
        totals=Counts(),
        buckets=[],
    )
    _fill(counters, apps.counts(app_id, start // MINUTE, end // MINUTE, interval // MINUTE_SECONDS))
    return counters


def _interval(query: CounterQuery, length: int) -> int:
    """The seconds of a bucket; `length` is that of the range, in µs."""
    if query.interval is None:
        return max(MINUTE_SECONDS, fitting_interval(length))
    interval = seconds_of("interval", query.interval)
    if interval % MINUTE_SECONDS:
        raise BadParameter("interval must be whole minutes")
    if length // (interval * SECOND) > MAX_BUCKETS:
        raise BadParameter(say("interval is too short: more than {most} buckets", most=MAX_BUCKETS))
    return interval


def _fill(counters: Counters, found: Iterable[tuple[int, str, int]]) -> None:
    """Add counts by bucket (a minute since 1970) and outcome, in order."""
    for at, outcome, records in found:
        time = format_time(at * MINUTE)
        if not counters.buckets or counters.buckets[-1].time != time:
            counters.buckets.append(CountsBucket(time=time))
        for counts in (counters.buckets[-1], counters.totals):
            _add(counts, outcome, records)


def _add(counts: Counts, outcome: str, records: int) -> None:
    kind, _, reason = outcome.partition(":")
    if reason:
        by_reason = getattr(counts, kind)
        by_reason[reason] = by_reason.get(reason, 0) + records
    else:
        setattr(counts, kind, getattr(counts, kind) + records)


def _there(app: App | None) -> App:
    if app is None:
        raise NotFound("there is no such app")
    return app
