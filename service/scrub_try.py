"""A dry run of scrubbing: what rules would change in records, of which none is kept."""

from typing import Annotated

from msgspec import Meta, Raw, Struct

from service.batch import Rejection, decode_batch
from service.cut import cut_up
from service.replies import Change
from service.scrub import check_scrubbing, failure, places_sent
from utils.app_settings import Scrubbing
from utils.record import dumps

MOST = 100


class Trial(Struct, forbid_unknown_fields=True):
    """Records, and the rules to be tried on them; without rules those of the app."""

    logs: Annotated[list[Raw], Meta(max_length=MOST)]
    scrubbing: Scrubbing | None = None


class Tried(Struct):
    """A record by its place, and what would change in it."""

    index: int
    changes: list[Change]


class Outcome(Struct):
    """What would become of the records; `rejected` are those that would not be kept."""

    records: list[Tried]
    rejected: list[Rejection]


def try_out(trial: Trial, own: Scrubbing) -> Outcome:
    """What would become of the records by the rules that are tried, or by the app's own ones.

    Raises BadRequestBody when the rules can't be used.
    """
    scrubbing = own if trial.scrubbing is None else trial.scrubbing
    check_scrubbing(scrubbing)
    batch = decode_batch(dumps({"logs": trial.logs}), False, MOST)
    outcome = Outcome([], list(batch.rejected))
    for place, record in zip(places_sent(batch), cut_up(batch).logs, strict=True):
        try:
            outcome.records.append(Tried(place, _changes(bytes(record), scrubbing)))
        except Exception:  # as when it is reported: then it is not kept
            outcome.rejected.append(failure(place))
    return outcome


def _changes(record: bytes, scrubbing: Scrubbing) -> list[Change]:
    if not scrubbing.is_on:
        return []
    from service.scrub_record import scrubber_of  # only then: RE2 takes memory

    scrubber = scrubber_of(scrubbing)
    return scrubber.scrub(record)[1] if scrubber.may_match(record) else []
