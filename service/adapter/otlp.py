"""OTLP/HTTP logs, in protobuf and in JSON; traces and metrics are answered, and not kept.

Source: OpenTelemetry Protocol 1.x, "OTLP/HTTP".
"""

from typing import Any

from exceptions import Problem
from service.adapter import otlp_json
from service.adapter.wire import Reply, Sent, Translated, key_of_dated
from service.batch import Batch

# google.rpc.Code by HTTP status; 13 is INTERNAL.
_CODES = {400: 3, 401: 16, 403: 7, 413: 11, 415: 3, 429: 8, 503: 14}


def read(sent: Sent) -> Translated | Reply:
    """The log records. An exporter of traces or metrics is told that all is well."""
    written = _encoding(sent)
    if not sent.path.endswith("logs"):
        return Reply(200, written.write_reply(0, ""), written.MEDIA)
    records = written.read_logs(sent.body, sent.max_records)
    return Translated(records, key_of_dated("otlp", sent.body, records))


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """200, and how many records were not kept, which is not to be tried again."""
    left_out = len(kept.rejected) + kept.shed
    message = f"{kept.shed} shed under overload" if kept.shed else ""
    if kept.rejected:
        first = kept.rejected[0]
        message = f"record {first.index}: {first.reason}: {first.detail}"
    written = _encoding(sent)
    return Reply(200, written.write_reply(left_out, message), written.MEDIA)


def refuse(sent: Sent, problem: Problem) -> Reply:
    """A google.rpc.Status, in the encoding of the request."""
    written = _encoding(sent)
    message = f"{problem.code}: {problem.detail or problem.title}"
    body = written.write_status(_CODES.get(problem.status, 13), message)
    return Reply(problem.status, body, written.MEDIA)


def _encoding(sent: Sent) -> Any:
    """The module that reads and writes what the request is written in."""
    if "json" in sent.media or ("protobuf" not in sent.media and sent.body[:1] == b"{"):
        return otlp_json
    from service.adapter import otlp_protobuf  # only here: memory

    return otlp_protobuf
