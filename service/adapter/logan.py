"""Meituan's Logan: pages of its web client, and the files of a day of its native ones.

Source: Meituan-Dianping/Logan; `logan_native` tells of the files.
"""

from typing import Any

from exceptions import Problem
from service.adapter import logan_native, logan_web
from service.adapter.wire import Reply, Sent, Translated, json_reply, key_of_dated
from service.batch import Batch
from service.ingest import demand_good


def read(sent: Sent) -> Translated:
    """A record for each log. A page is JSON, a file never begins as that does."""
    is_page = sent.body.lstrip()[:1] == b"{"
    records = (logan_web if is_page else logan_native).records_of(sent)
    return Translated(records, key_of_dated("logan", sent.body, records))


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """The code by which a client knows that it need not send them again."""
    demand_good(kept)
    return json_reply(200, _told(200, "success"))


def refuse(sent: Sent, problem: Problem) -> Reply:
    """The same with another code: a web client keeps the page."""
    return json_reply(problem.status, _told(problem.status, problem.detail or problem.title))


def _told(code: int, message: str) -> dict[str, Any]:
    return {"code": code, "msg": message, "data": None}
