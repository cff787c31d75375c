"""Scrubbing: what must not be kept goes before a report touches the disk, the journal included."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw

from exceptions import BadRequestBody, NotAccepting
from service.batch import Batch, Rejection
from service.cut import Cut, cut_up, put_together
from utils.app_settings import Scrubbing
from utils.log import log
from utils.record import NOTHING, CheckedContext, CheckedRecord, Form
from utils.wording import say

if TYPE_CHECKING:
    from service.scrub_record import Scrubber

FAILED = "scrub_failed"
_record = msgspec.json.Decoder(CheckedRecord).decode
_context = msgspec.json.Decoder(CheckedContext | None).decode
Check = Callable[[Raw], Any]


def scrub(batch: Batch, scrubbing: Scrubbing) -> Batch:
    """The batch without what the rules find: the same one when nothing in it could match.

    A record whose scrubbing fails is never kept as it came: it is rejected as `scrub_failed`.
    Raises NotAccepting when the rules themselves can't be used.
    """
    scrubber = _scrubber(scrubbing)
    if not scrubber.may_match(batch.payload):
        return batch
    cut = cut_up(batch)
    failed, logs = _scrub_all(cut, scrubber)
    payload = put_together(cut, logs, FAILED, len(failed))
    scrubbed = msgspec.structs.replace(batch, form=Form.CLEANED, payload=payload, count=len(logs))
    return _with_failures(scrubbed, places_sent(batch), failed) if failed else scrubbed


def check_scrubbing(scrubbing: Scrubbing) -> None:
    """Refuse rules that can't be kept. Raises BadRequestBody."""
    if not scrubbing.is_on:
        return
    from service.scrub_own import BadRule
    from service.scrub_record import Scrubber

    try:
        Scrubber(scrubbing)
    except BadRule as error:
        raise BadRequestBody(
            say("scrubbing: {error}", error=error.args[0]), field="scrubbing"
        ) from None


def _scrubber(scrubbing: Scrubbing) -> Scrubber:
    """Raises NotAccepting for rules that an earlier version took and this one does not."""
    from service.scrub_own import BadRule  # only then: RE2 takes memory
    from service.scrub_record import scrubber_of

    try:
        return scrubber_of(scrubbing)
    except BadRule as error:
        raise NotAccepting(
            say("the app's scrubbing rules can't be used: {error}", error=error.args[0]), 60
        ) from None


def _scrub_all(cut: Cut, scrubber: Scrubber) -> tuple[list[int], list[Raw]]:
    """The places of the records that failed, and the others scrubbed; the context too."""
    context: Raw | None = cut.context
    if cut.context != NOTHING and scrubber.may_match(bytes(cut.context)):
        context = _scrubbed(cut.context, scrubber, _context)
    cut.context = NOTHING if context is None else context
    if context is None:
        return list(range(len(cut.logs))), []
    scrubbed: list[Raw | None] = [*cut.logs]
    for place in scrubber.suspects(cut.logs):
        scrubbed[place] = _scrubbed(cut.logs[place], scrubber, _record)
    failed = [place for place, record in enumerate(scrubbed) if record is None]
    return failed, [record for record in scrubbed if record is not None]


def _scrubbed(raw: Raw, scrubber: Scrubber, check: Check) -> Raw | None:
    """A record or a context without what must not be kept, still good; None when that fails."""
    try:
        clean = Raw(scrubber.scrub(bytes(raw))[0])
        check(clean)
        return clean
    except Exception:  # whatever it is: what is not scrubbed must not be kept
        return None


def places_sent(batch: Batch) -> list[int]:
    """Where the records of a batch stood among those that were sent with them."""
    bad = {rejection.index for rejection in batch.rejected}
    return [place for place in range(batch.count + len(bad)) if place not in bad]


def failure(place: int) -> Rejection:
    """The rejection of a record that could not be scrubbed."""
    return Rejection(place, FAILED, "the record could not be scrubbed, so it is not kept")


def _with_failures(batch: Batch, places: list[int], failed: list[int]) -> Batch:
    log.warning("%d records of a report could not be scrubbed", len(failed))
    rejected = [*batch.rejected, *(failure(places[number]) for number in failed)]
    rejected.sort(key=lambda rejection: rejection.index)
    return msgspec.structs.replace(batch, rejected=tuple(rejected))
