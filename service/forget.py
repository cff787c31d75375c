"""A person's records, to be forgotten: asked for, looked after, waited for."""

import time
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from database.erasures import Erasure, Erasures
from database.writer import Writer
from exceptions import BadRequestBody, NotFound, StartError
from utils.clock import format_time
from utils.principal import Principal
from utils.wording import say

POLL_SECONDS = 0.05
Text = Annotated[str, Meta(min_length=1, max_length=128)]


class ErasureForm(Struct, forbid_unknown_fields=True):
    """Whose records are to be erased: `user_id` or `device_id`, in one app or all of the caller."""

    user_id: Text | UnsetType = UNSET
    device_id: Text | UnsetType = UNSET
    app: Annotated[int, Meta(ge=1, le=2**31 - 1)] | UnsetType = UNSET


class ErasureReply(Struct):
    """An erasure. `field` is user_id, device_id or app; whose records they were is not told.

    `apps` are those that were asked for, null: all; `records` how many were removed by app, and
    `quarantined` how many pieces from the quarantine. From `unreadable_days`, which are damaged,
    nothing could be removed.
    """

    id: int
    state: str  # pending or done
    field: str
    apps: list[int] | None
    requested_by: str
    requested_at: str
    finished_at: str | None
    records: dict[str, int]
    removed: int
    quarantined: int
    unreadable_days: list[str]


class ErasureList(Struct):
    """Erasures, the newest first."""

    erasures: list[ErasureReply]


def request(erasures: Erasures, form: ErasureForm, principal: Principal) -> ErasureReply:
    """Ask for a person's records to be erased. Raises BadRequestBody and NotFound."""
    given = {"user_id": form.user_id, "device_id": form.device_id}
    named = [(field, value) for field, value in given.items() if isinstance(value, str)]
    if len(named) != 1:
        raise BadRequestBody("name a user_id or a device_id, and only one of them")
    apps: tuple[int, ...] | None = principal.apps
    if isinstance(form.app, int):
        if form.app not in principal.apps:
            raise NotFound(say("there is no app {app}", app=form.app))
        apps = (form.app,)
    elif principal.is_at_least("admin"):
        apps = None  # also those that are deleted
    return describe(erasures.request(*named[0], apps, principal.actor))


def list_all(erasures: Erasures, principal: Principal) -> ErasureList:
    """The erasures that somebody may see."""
    return ErasureList([describe(each) for each in erasures.all() if _may_see(principal, each)])


def find(erasures: Erasures, number: int, principal: Principal) -> ErasureReply:
    """One of them. Raises NotFound."""
    found = erasures.get(number)
    if found is None or not _may_see(principal, found):
        raise NotFound(say("there is no erasure {number}", number=number))
    return describe(found)


def _may_see(principal: Principal, erasure: Erasure) -> bool:
    seen = erasure.apps is not None and set(erasure.apps) <= set(principal.apps)
    return seen or principal.is_at_least("admin")


def describe(erasure: Erasure) -> ErasureReply:
    """An erasure as it is shown."""
    finished = erasure.finished_at
    return ErasureReply(
        erasure.id,
        "pending" if finished is None else "done",
        erasure.field,
        None if erasure.apps is None else list(erasure.apps),
        erasure.requested_by,
        format_time(erasure.requested_at),
        None if finished is None else format_time(finished),
        {str(app_id): records for app_id, records in sorted(erasure.records.items())},
        sum(erasure.records.values()),
        erasure.quarantined,
        erasure.unreadable_days,
    )


def wait_for(erasures: Erasures, number: int, writer: Writer, seconds: float) -> ErasureReply:
    """Wait until an erasure is done, by the server's writer, or by this one when no server runs.

    What it is after `seconds`; it goes on when a server runs. Raises StartError when there is none
    of that number.
    """
    deadline = time.monotonic() + seconds
    try:
        while True:
            found = erasures.get(number)
            if found is None:
                raise StartError(f"there is no erasure {number}")
            if found.finished_at is not None or time.monotonic() >= deadline:
                return describe(found)
            if writer.elected():
                writer.drain()
            time.sleep(POLL_SECONDS)
    finally:
        writer.resign()
