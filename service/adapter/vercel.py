"""Vercel's log drains: its log objects, in an array or a line each.

Source: Vercel, "Log Drains". The signature is checked before this is asked (`service.signature`).
"""

import re

from exceptions import Problem
from service.adapter.lift import record_from
from service.adapter.ndjson import members_of, objects_of
from service.adapter.wire import Bad, Record, Reply, Sent, Translated, key_of_body, text_refusal
from service.batch import Batch
from service.ingest import demand_good

_TOKEN = re.compile("[0-9A-Za-z_-]{1,128}")


def read(sent: Sent) -> Translated | Reply:
    """A record for each object; to the check of a new drain what Vercel wants to read."""
    if sent.method != "POST" or not sent.body:
        return Reply(200, headers=_verified(sent))
    records = [_record(text) for text in objects_of(sent)]
    dated = all(isinstance(record, Bad) or "time" in record for record in records)
    return Translated(records, key_of_body("vercel", sent.body) if dated else "")


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """200 and nothing more."""
    demand_good(kept)
    return Reply(200, headers=_verified(sent))


def refuse(sent: Sent, problem: Problem) -> Reply:
    """A line of text."""
    return text_refusal(problem)._replace(headers=_verified(sent))


def _record(text: bytes) -> Record | Bad:
    members = members_of(text)
    return members if isinstance(members, Bad) else record_from(members)


def _verified(sent: Sent) -> dict[str, str]:
    """What shows that the drain is ours: the token in its URL."""
    token = sent.query.get("verify", "")
    return {"x-vercel-verify": token} if _TOKEN.fullmatch(token) else {}
