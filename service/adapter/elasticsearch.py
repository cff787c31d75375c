"""Elasticsearch, as far as its clients go to store documents, and what they ask before.

Source: Elasticsearch, Bulk API and Index API. Its clients refuse answers without X-Elastic-Product.
"""

import re
from typing import Any

from exceptions import Problem
from service.adapter.elasticsearch_bulk import Action, actions_of, read_document
from service.adapter.wire import JSON, Bad, Reply, Sent, Translated, key_of_body
from service.batch import Batch
from service.ingest import demand_good
from utils.record import dumps

PRODUCT = {"X-Elastic-Product": "Elasticsearch"}
_TYPES = {
    400: "illegal_argument_exception",
    401: "security_exception",
    403: "security_exception",
    413: "content_too_long_exception",
    422: "mapper_parsing_exception",
    429: "es_rejected_execution_exception",
    503: "cluster_block_exception",
}
_ASKED = re.compile(r"application/vnd\.elasticsearch\+json; ?compatible-with=[0-9]{1,2}")
_ABOUT = {
    "name": "redlog",
    "cluster_name": "redlog",
    "cluster_uuid": "redlog",
    "version": {
        "number": "8.19.0",
        "build_flavor": "default",
        "build_type": "tar",
        "build_hash": "redlog",
        "build_date": "2025-07-23T00:00:00.000000000Z",
        "build_snapshot": False,
        "lucene_version": "9.12.2",
        "minimum_wire_compatibility_version": "7.17.0",
        "minimum_index_compatibility_version": "7.0.0",
    },
    "tagline": "You Know, for Search",
}
_LICENSE = {
    "license": {
        "uid": "redlog",
        "type": "oss",
        "status": "active",
        "expiry_date_in_millis": 4_000_000_000_000,
    }
}
_SHARDS = {"total": 1, "successful": 1, "failed": 0}
_TOLD = {"": _ABOUT, "_license": _LICENSE, "_refresh": {"_shards": _SHARDS}}
_STORED = {
    "_version": 1,
    "result": "created",
    "_shards": _SHARDS,
    "_seq_no": 0,
    "_primary_term": 1,
}
_CREATED = dumps({**_STORED, "status": 201})[1:] + b"}"


def read(sent: Sent) -> Translated | Reply:
    """A record for each document to be stored; who we are, where clients ask."""
    last = sent.path.rstrip("/").rpartition("/")[2]
    if last == "_bulk":
        actions = actions_of(sent, sent.parts.get("index", ""))
    elif "index" in sent.parts and ("id" in sent.parts or last == "_doc"):
        actions = [_document(sent)]
    else:
        return _answer(sent, 200, dumps(_TOLD.get(last, {})))
    named = all(isinstance(each.record, Bad) or each.is_named for each in actions)
    key = key_of_body("elasticsearch", sent.body) if named else ""
    return Translated([each.record for each in actions], key, note=actions)


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """Of a bulk what became of each document, in its order; of a single one where it is."""
    actions: list[Action] = translated.note
    ids = [each.id or f"{sent.received_at}-{n}" for n, each in enumerate(actions)]
    if not sent.path.rstrip("/").endswith("_bulk"):
        demand_good(kept)
        told = {"_index": actions[0].place, "_id": ids[0], **_STORED}
        return _answer(sent, 201, dumps(told))
    bad = {each.index: each for each in kept.rejected}
    items = []
    for n, (action, id_) in enumerate(zip(actions, ids, strict=True)):
        item = b'{"%b":{"_index":%b,"_id":%b,' % (
            action.kind.encode(),
            dumps(action.place),
            dumps(id_),
        )
        if n in bad:
            error = {"type": "mapper_parsing_exception", "reason": _why(bad[n])}
            items.append(item + dumps({"status": 400, "error": error})[1:] + b"}")
        else:
            items.append(item + _CREATED)
    head = b'{"took":1,"errors":%b,"items":[' % (b"true" if bad else b"false")
    return _answer(sent, 200, head + b",".join(items) + b"]}")


def refuse(sent: Sent, problem: Problem) -> Reply:
    """An error as Elasticsearch words it."""
    kind = _TYPES.get(problem.status, "exception")
    status = 400 if problem.status == 422 else problem.status
    cause = {"type": kind, "reason": f"{problem.code}: {problem.detail or problem.title}"}
    error = {"root_cause": [cause], **cause}
    return _answer(sent, status, dumps({"error": error, "status": status}))


def _document(sent: Sent) -> Action:
    index, id_ = sent.parts["index"], sent.parts.get("id", "")
    return Action("index", index, id_, read_document(sent.body, index, id_))


def _why(rejection: Any) -> str:
    return f"{rejection.reason}: {rejection.detail}"


def _answer(sent: Sent, status: int, body: bytes) -> Reply:
    """An answer in the form that was asked for."""
    asked = _ASKED.fullmatch(sent.headers.get("accept", ""))
    return Reply(status, body, asked[0] if asked else JSON, PRODUCT)
