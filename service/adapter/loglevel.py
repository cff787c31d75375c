"""loglevel-plugin-remote: lines of text, `[time] LEVEL (logger): message` with the stack below, or
JSON.

Source: kutuluk/loglevel-plugin-remote, its formats `plain` and `json`.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from exceptions import Problem, TooLarge
from service.adapter.fields import decode_json, record_of
from service.adapter.values import objects, present, without
from service.adapter.wire import Bad, Record, Reply, Sent, Translated, key_of_dated, text_refusal
from service.batch import Batch
from service.ingest import demand_good
from utils.level import severity_of

_logs = msgspec.json.Decoder(dict[str, Any])
_LINE = re.compile(r"\[([^\]\s]{1,40})\] ([A-Z]{1,10})(?: \(([^)]*)\))?: ?(.*)")
_OWN = ("message", "level", "logger", "timestamp", "stacktrace")


def read(sent: Sent) -> Translated:
    """A record a log."""
    if sent.body.lstrip()[:1] == b"{":
        records = [_of_json(each) for each in objects(decode_json(_logs, sent.body).get("logs"))]
    else:
        records = list(_of_lines(sent))
    return Translated(records, key_of_dated("loglevel", sent.body, records))


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """200: the plugin tries again after any other status."""
    demand_good(kept)
    return Reply(200)


def refuse(sent: Sent, problem: Problem) -> Reply:
    """A line of text."""
    return text_refusal(problem)


def _of_json(log: dict[str, Any]) -> Record | Bad:
    if log.get("message") is None:
        return Bad("missing_message", "message is required")
    level, attributes = log.get("level"), without(log, *_OWN)
    if isinstance(level, dict):  # the plugin's own form, {label, value}
        level = level.get("label")
    record = record_of(log["message"], {"logger": log.get("logger")}, attributes)
    if isinstance(level, str) and severity_of(level):
        record["level"] = level
    if isinstance(log.get("stacktrace"), str) and log["stacktrace"]:
        record["exception"] = {"stacktrace": log["stacktrace"]}
    return record | present(time=log.get("timestamp"))


def _of_lines(sent: Sent) -> Iterator[Record | Bad]:
    """A line that does not begin a log belongs to the one before it."""
    log: dict[str, Any] = {}
    more: list[str] = []
    number = 0
    for line in sent.body.decode("utf-8", "replace").splitlines():
        begun = _LINE.fullmatch(line)
        if begun is None and log:
            more.append(line)
        elif begun or line.strip():
            if log:
                yield _of_json({**log, "stacktrace": "\n".join(more)})
            number, more = number + 1, []
            time, level, logger, message = begun.groups() if begun else (None, None, None, line)
            log = {"timestamp": time, "level": level, "logger": logger, "message": message}
        if number > sent.max_records:
            raise TooLarge(f"more than {sent.max_records} records in one report")
    if log:
        yield _of_json({**log, "stacktrace": "\n".join(more)})
