"""Heroku's log drains: syslog frames, each after its length (RFC 6587, 3.4.1; RFC 5424).

Source: Heroku, "HTTPS drains". Heroku leaves out STRUCTURED-DATA.
"""

import re

from exceptions import Problem, TooLarge, UnreadableBody
from service.adapter.fields import level_of_syslog
from service.adapter.lift import fill, time_of
from service.adapter.wire import Bad, Record, Reply, Sent, Translated, text_refusal
from service.batch import Batch
from service.ingest import demand_good

_LENGTH = re.compile(rb"\s*([0-9]{1,8}) (?=<[0-9]{1,3}>)")
_FRAME = re.compile(r"<([0-9]{1,3})>[0-9]{0,3} (\S+) (\S+) (\S+) (\S+) (\S+)(?: (.*))?", re.DOTALL)
_NEXT = re.compile(rb"\n(?=[0-9]{1,8} <[0-9]{1,3}>)")


def read(sent: Sent) -> Translated:
    """A record for each frame; Heroku names its batches, also when it sends them again."""
    records = _records(sent)
    if not records:
        raise UnreadableBody("the body holds no frame")
    frame = sent.headers.get("logplex-frame-id", "")
    drain = sent.headers.get("logplex-drain-token", "")
    return Translated(records, f"heroku:{drain}:{frame}" if frame else "")


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """204 and nothing more."""
    demand_good(kept)
    return Reply(204)


def refuse(sent: Sent, problem: Problem) -> Reply:
    """A line of text."""
    return text_refusal(problem)


def _records(sent: Sent) -> list[Record | Bad]:
    """What the frames hold. A length that is wrong costs no frame but its own."""
    made: list[Record | Bad] = []
    at, body = 0, sent.body
    while at < len(body.rstrip()):
        if len(made) == sent.max_records:
            raise TooLarge(f"more than {sent.max_records} records in one report")
        head = _LENGTH.match(body, at)
        if head is None:
            made.append(Bad("invalid_frame", "a frame begins with its length and <priority>"))
            following = _NEXT.search(body, at)
            at = following.end() if following else len(body)
            continue
        at = head.end() + int(head[1])
        made.append(_record(body[head.end() : at].decode("utf-8", "replace")))
    return made


def _record(frame: str) -> Record | Bad:
    parts = _FRAME.fullmatch(frame)
    if parts is None:
        return Bad("invalid_frame", "this is no frame of RFC 5424")
    priority, time, host, app, process, message_id, text = parts.groups()
    found: Record = {"message": (text or "").removeprefix("- ").rstrip("\n")}
    level, moment = level_of_syslog(int(priority) & 7), None if time == "-" else time_of(time)
    found |= {name: v for name, v in (("level", level), ("time", moment)) if v}
    about = {"host": host, "app": app, "process": process, "message_id": message_id}
    return fill(found, {name: value for name, value in about.items() if value != "-"})
