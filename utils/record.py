"""A log record and a batch of them, as types that msgspec decodes in compiled code.

Two views of the same JSON (DESIGN.md, section 3). `Checked*` serves the acknowledging path: it
validates every field and keeps nothing nested. `Kept*` serves the writer: it knows that the fields
are good, keeps nested values as raw JSON and refuses unknown fields, which then take the slower
way into `attributes`.
"""

from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from utils.level import spellings

MAX_TEXT = 128
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Moment = Annotated[datetime, Meta(tz=True)] | int | float | None
Sequence = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
if TYPE_CHECKING:
    Level = str | int
else:
    Level = Literal[tuple(spellings())] | Annotated[int, Meta(ge=1, le=24)]

NOTHING = Raw(b"null")
# They stand among the reasons of `rejected` for good records that are not kept: under overload, or
# because their app does not want their level.
SHED, FILTERED = LEFT_OUT = "shed", "filtered"
# Before the reason of records that never came: their device says that it lost them.
LOST = "lost:"


class Form(IntEnum):
    """How a frame's payload is written; the number stands in the frame."""

    ARRAY = 1
    RECORD = 2
    ENVELOPE = 3
    LINES = 4
    CLEANED = 5


class Object(Struct, gc=False):
    """Any JSON object; its members are read over without being kept."""


class Exception_(Struct, gc=False):
    """What `exception` must look like; further members are allowed."""

    type: str | None = None
    value: str | None = None
    stacktrace: str | list[Object | str] | None = None


class _Fields(Struct, gc=False, kw_only=True):
    """What a record and a context have in common."""

    time: Moment = None
    level: Level | None = None
    logger: Text | None = None
    environment: Text | None = None
    release: Text | None = None
    platform: Text | None = None
    device_id: Text | None = None
    session_id: Text | None = None
    user_id: Text | None = None
    trace_id: Text | None = None
    span_id: Text | None = None
    seq: Sequence | None = None


class CheckedContext(_Fields, gc=False, kw_only=True):
    """Defaults for every record of a batch."""

    exception: Exception_ | None = None
    attributes: Object | None = None


class CheckedRecord(CheckedContext, gc=False, kw_only=True):
    """One record."""

    message: str


class KeptContext(_Fields, gc=False, kw_only=True, forbid_unknown_fields=True):
    """A context's values."""

    exception: Raw = NOTHING
    attributes: Raw = NOTHING


class KeptRecord(KeptContext, gc=False, kw_only=True, forbid_unknown_fields=True):
    """A record's values."""

    message: str


class _Envelope(Struct, gc=False, kw_only=True):
    batch_id: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)] | Int64 | None = None


class CheckedEnvelope(_Envelope, gc=False, kw_only=True):
    """A batch with its context."""

    sent_at: Moment = None
    context: CheckedContext | None = None
    logs: list[CheckedRecord]


class KeptEnvelope(_Envelope, gc=False, kw_only=True):
    """A batch's values; `rejected` (reason: records) is read from `Form.CLEANED` only."""

    sent_at: Moment = None
    context: KeptContext | None = None
    logs: list[KeptRecord]
    rejected: Raw = NOTHING


class LooseEnvelope(_Envelope, gc=False, kw_only=True):
    """A batch whose records have unknown fields."""

    sent_at: Moment = None
    context: dict[str, Raw] | None = None
    logs: list[dict[str, Raw]]
    rejected: Raw = NOTHING


TEXT_FIELDS = tuple(set(_Fields.__struct_fields__) - {"time", "level", "seq"})
FIELDS = frozenset(KeptRecord.__struct_fields__)

dumps = msgspec.json.Encoder().encode
