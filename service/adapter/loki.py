"""Loki's push: streams of lines with labels, in JSON or as a snappy block of protobuf.

Source: Grafana Loki, HTTP API, "Ingest logs". Its clients drop what is answered by an error or, as
winston-loki, send it for ever: a report with anything good in it is answered by success.
"""

import re
from typing import Any

from exceptions import NoGoodRecord, Problem
from service.adapter import loki_json
from service.adapter.wire import Bad, Reply, Sent, Translated, key_of_body, text_refusal
from service.batch import Batch
from service.ingest import demand_good

_JSON = re.compile(rb'\s*\{\s*["}]')  # no snappy block begins so


def read(sent: Sent) -> Translated:
    """A record for each line."""
    records = _encoding(sent).read_lines(sent)
    are_dated = all(isinstance(record, Bad) or "time" in record for record in records)
    return Translated(records, key_of_body("loki", sent.body) if are_dated else "")


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """204 and nothing more."""
    demand_good(kept)
    return Reply(204)


def refuse(sent: Sent, problem: Problem) -> Reply:
    """A line of text."""
    reply = text_refusal(problem)
    return reply._replace(status=400) if isinstance(problem, NoGoodRecord) else reply


def _encoding(sent: Sent) -> Any:
    """The module that reads what the request is written in."""
    if "json" in sent.media or ("protobuf" not in sent.media and _JSON.match(sent.body)):
        return loki_json
    from service.adapter import loki_protobuf  # only here: memory

    return loki_protobuf
