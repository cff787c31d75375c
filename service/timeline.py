"""Timelines: the records of a session or device in order, and which of them never arrived."""

from itertools import groupby, pairwise
from typing import Annotated

import msgspec

from database.log_counter import LogCounter
from exceptions import BadParameter
from service.parameters import Parameters, parse_query, read_parameters
from service.replies import Gap, Timeline
from service.search import find

MAX_GAPS = 1000
_Id = Annotated[int, msgspec.Meta(ge=1, le=2**31)]
_Limit = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class TimelineQuery(
    msgspec.Struct, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}
):
    """Of what a timeline is wanted; any other filter would look as if records were missing."""

    app: _Id | None = None
    session_id: str | None = None
    device_id: str | None = None
    start: str | None = None
    end: str | None = None
    limit: _Limit = 100
    cursor: str | None = None


def timeline(
    given: Parameters, apps: tuple[int, ...], all_apps: tuple[int, ...], log_store: LogCounter
) -> Timeline:
    """A page of a session's or device's records, the oldest first, and the gaps of all of them.

    Raises BadParameter, BadCursor, Forbidden and NotFound.
    """
    asked = read_parameters(given, TimelineQuery)
    if asked.session_id is None and asked.device_id is None:
        raise BadParameter("session_id or device_id is missing")
    options = frozenset(("limit", "cursor", "order"))
    query = parse_query([*given, ("order", "oldest")], options, apps, all_apps)
    seqs = log_store.count_seqs(query.wanted)
    page = find(query, log_store)
    is_known = not (seqs.partial or seqs.approximate or seqs.unreadable)
    gaps = _gaps(sorted(seqs.records)) if is_known else []
    return {**page, "gaps": gaps[:MAX_GAPS], "gaps_known": is_known and len(gaps) <= MAX_GAPS}


def _gaps(seqs: list[tuple[int, str, int]]) -> list[Gap]:
    """What is missing between the numbers of each app's sessions, which are in order."""
    gaps: list[Gap] = []
    for (app_id, session_id), own in groupby(seqs, key=lambda each: each[:2]):
        for (_, _, before), (_, _, after) in pairwise(own):
            if after > before + 1:
                gaps.append(
                    {
                        "app": app_id,
                        "session_id": session_id,
                        "first": before + 1,
                        "last": after - 1,
                        "missing": after - before - 1,
                    }
                )
    return gaps
