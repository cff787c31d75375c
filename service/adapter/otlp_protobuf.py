"""OTLP in protobuf (opentelemetry-proto)."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from exceptions import UnreadableBody
from service.adapter.fields import MAX_SHARED_BYTES, share
from service.adapter.otlp_log import Attributes, Log, Scope, record_of_log, scope_of
from service.adapter.protobuf import MAX_PART_BYTES, parts_of
from service.adapter.wire import Bad, Record

MEDIA = "application/x-protobuf"
_NO_TRACE, _NO_SPAN = bytes(16), bytes(8)


def read_logs(body: bytes, max_records: int) -> list[Record | Bad]:
    """The records of an ExportLogsServiceRequest. Raises UnreadableBody and TooLarge."""
    made: list[Record | Bad] = []
    room = MAX_SHARED_BYTES
    resources, left = parts_of(body, max_records)[0], max_records
    left -= len(resources)
    for resource_logs in resources:
        resource, scopes = parts_of(resource_logs, left)
        left -= len(scopes)
        attributes = _attributes(_parsed(Resource, resource).attributes)
        for scope_logs in scopes:
            scope, logs = parts_of(scope_logs, left)
            left -= len(logs)
            said = _parsed(InstrumentationScope, scope)
            of_scope = _attributes(said.attributes)
            shared = scope_of(attributes, said.name, said.version, of_scope)
            room = share(room, shared, len(logs))
            made += [_record(log, shared) for log in logs]
    return made


def write_reply(rejected: int, message: str) -> bytes:
    """An ExportLogsServiceResponse; of full success it has no bytes."""
    response = ExportLogsServiceResponse()
    if rejected or message:
        response.partial_success.rejected_log_records = rejected
        response.partial_success.error_message = message
    return response.SerializeToString()


def write_status(code: int, message: str) -> bytes:
    """A google.rpc.Status."""
    return bytes(Status(code=code, message=message).SerializeToString())


def _parsed(kind: Any, parts: Sequence[bytes]) -> Any:
    """A message that stands in these parts, which count as one (protobuf, "Last One Wins")."""
    try:
        return kind.FromString(b"".join(parts)[:MAX_PART_BYTES])
    except DecodeError:
        raise UnreadableBody(f"the body holds no {kind.__name__}") from None


def _record(written: bytes, shared: Scope) -> Record | Bad:
    if len(written) > MAX_PART_BYTES:
        return Bad("too_large", f"a record has more than {MAX_PART_BYTES} bytes")
    try:
        log = LogRecord.FromString(written)
    except DecodeError:
        return Bad("invalid_record", "this is no LogRecord")
    trace, span = log.trace_id, log.span_id
    return record_of_log(
        Log(
            log.time_unix_nano or log.observed_time_unix_nano,
            log.severity_number,
            log.severity_text,
            log.body.string_value or _value(log.body),
            _attributes(log.attributes),
            trace.hex() if len(trace) == 16 and trace != _NO_TRACE else "",
            span.hex() if len(span) == 8 and span != _NO_SPAN else "",
            log.event_name,
            log.flags,
            log.dropped_attributes_count,
        ),
        shared,
    )


def _attributes(pairs: Iterable[KeyValue]) -> Attributes:
    # Most are texts; to ask which they are, or to call a function, costs as much again.
    return {pair.key: pair.value.string_value or _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    found = getattr(value, kind)
    if kind == "array_value":
        return [_value(each) for each in found.values]
    if kind == "kvlist_value":
        return _attributes(found.values)
    return b64encode(found).decode() if kind == "bytes_value" else found
