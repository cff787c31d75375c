"""GELF over HTTP, of Graylog: an object or, in bulk, lines of them.

Source: GELF payload specification 1.1. Its clients do not read the reply.
"""

from typing import Any

import msgspec

from exceptions import Problem, UnreadableBody
from service.adapter.fields import decode_json, level_of_syslog, lines_of, read_object, record_of
from service.adapter.wire import Bad, Record, Reply, Sent, Translated, text_refusal
from service.batch import Batch
from service.ingest import demand_good

_object = msgspec.json.Decoder(dict[str, Any])
_LOGGERS = ("facility", "_logger_name", "_logger")
_OWN = frozenset(("version", "short_message", "full_message", "timestamp", "level"))


def read(sent: Sent) -> Translated:
    """One record, or one a line."""
    try:
        return Translated([_record(decode_json(_object, sent.body))])
    except UnreadableBody:
        lines = lines_of(sent)
        if len(lines) < 2:
            raise
    return Translated([read_object(line, _record) for line in lines])


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """202 and nothing more, as Graylog."""
    demand_good(kept)
    return Reply(202)


def refuse(sent: Sent, problem: Problem) -> Reply:
    """A line of text."""
    return text_refusal(problem)


def _record(gelf: dict[str, Any]) -> Record | Bad:
    message = gelf.get("short_message")
    if message is None:
        return Bad("missing_message", "short_message is required")
    logger = next((name for name in _LOGGERS if gelf.get(name)), None)
    attributes = {
        name.removeprefix("_"): value
        for name, value in gelf.items()
        if name not in _OWN and name != logger and value is not None
    }
    record = record_of(message, {"logger": gelf[logger] if logger else None}, attributes)
    if level := level_of_syslog(gelf.get("level")):
        record["level"] = level
    if gelf.get("timestamp"):
        record["time"] = gelf["timestamp"]
    if gelf.get("full_message"):  # pygelf and graypy: the traceback
        record["exception"] = {"stacktrace": str(gelf["full_message"])}
    return record
