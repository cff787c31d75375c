"""What is said of apps and their keys, by those who change them and in replies."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from database.ingest_keys import FIRST_LABEL
from utils.app_settings import AppSettings, OpenSettings

# A name in one line; Python's `$` alone would let a line end stand behind it.
Plain = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]


class AppForm(AppSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new app: a name, and any of the settings."""

    name: Plain


# What is to be changed of an app: any field of the form.
AppChange = msgspec.defstruct(
    "AppChange",
    [(each.name, each.type | UnsetType, UNSET) for each in msgspec.structs.fields(AppForm)],
    frozen=True,
    forbid_unknown_fields=True,
)


class AppDetails(OpenSettings, frozen=True, kw_only=True):
    """An app, to those who look after it; `ingest_key` is the newest key without an end, if any.

    Of what is never shown again it says whether it is set.
    """

    id: int
    name: str
    ingest_key: str | None
    secret: str
    created_at: str
    logan_key: bool
    logan_iv: bool
    logan_private_key: bool


class AppName(Struct):
    """An app, to those who may only look."""

    id: int
    name: str


class AppList(Struct):
    """Apps, the oldest first."""

    apps: list[AppDetails]


class AppNames(Struct):
    """Apps, the oldest first, to those who may only look."""

    apps: list[AppName]


class Removal(Struct, forbid_unknown_fields=True):
    """What must be said to delete an app: its name, so that it is the right one."""

    name: str


class Removed(Struct):
    """An app that was deleted, and the erasure that removes its records."""

    id: int
    erasure: int


class KeyForm(Struct, forbid_unknown_fields=True):
    """A new key, or another label for a key."""

    label: Plain = FIRST_LABEL


class Rotation(Struct, forbid_unknown_fields=True):
    """How long the old key goes on; 0: not at all."""

    overlap_hours: Annotated[int, Meta(ge=0, le=8760)] = 0


class KeyDetails(Struct):
    """A key that is good; when it was used last is known to the minute, and most have no end."""

    id: int
    key: str
    label: str
    created_at: str
    last_used_at: str | None
    expires_at: str | None


class KeyList(Struct):
    """An app's good keys, the oldest first."""

    keys: list[KeyDetails]


class CounterQuery(Struct, forbid_unknown_fields=True):
    """The range of time of counters, without it the last 24 hours; and the length of each bucket,
    in whole minutes (`60`, `5m`, `1h`, `1d`), without it one that fits the range.
    """

    start: str | None = field(default=None, name="from")
    end: str | None = field(default=None, name="to")
    interval: str | None = None


class Counts(Struct):
    """Records by outcome: received = the sum of all others; `rejected` by reason. Those that are
    still pending are not among them. `lost` stands beside them: what never came, by the reason that
    the devices' SDKs tell.
    """

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    shed: int = 0
    filtered: int = 0
    rejected: dict[str, int] = {}
    lost: dict[str, int] = {}


class CountsBucket(Counts, kw_only=True):
    """The records that arrived in one stretch of time, from `time` on."""

    time: str


class Counters(Struct, kw_only=True):
    """What became of the records that an app reported; `interval` in seconds, buckets without
    records are left out. `pending` arrived in the range and wait on this node to be stored; null:
    too many to count.
    """

    start: str = field(name="from")
    end: str = field(name="to")
    interval: int
    pending: int | None
    totals: Counts
    buckets: list[CountsBucket]
