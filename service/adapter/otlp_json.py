"""OTLP in JSON, which is not quite protobuf's: ids are hexadecimal, enumerations are numbers.

Source: OpenTelemetry Protocol, "JSON Protobuf Encoding".
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from exceptions import TooLarge, UnreadableBody
from service.adapter.fields import MAX_SHARED_BYTES, decode_json, decode_part, share
from service.adapter.otlp_log import Attributes, Log, Scope, record_of_log, scope_of
from service.adapter.wire import JSON, Bad, Record
from utils.record import dumps

MEDIA = JSON
_ID = re.compile("(?!0+$)([0-9a-fA-F]{32}|[0-9a-fA-F]{16})")
Number = int | str | None  # 64 bits may be written as text


class _Array(Struct, gc=False):
    values: "list[_Value] | None" = None


class _Pairs(Struct, gc=False):
    values: "list[_Pair] | None" = None


class _Value(Struct, gc=False, rename="camel"):
    """One of these, or none."""

    string_value: str | None = None
    int_value: Number = None
    bool_value: bool | None = None
    double_value: float | str | None = None
    array_value: _Array | None = None
    kvlist_value: _Pairs | None = None
    bytes_value: str | None = None


class _Pair(Struct, gc=False):
    key: str = ""
    value: _Value | None = None


class _Log(Struct, gc=False, rename="camel"):
    time_unix_nano: Number = None
    observed_time_unix_nano: Number = None
    severity_number: int | None = None
    severity_text: str | None = None
    body: _Value | None = None
    attributes: list[_Pair] | None = None
    trace_id: str | None = None
    span_id: str | None = None
    event_name: str | None = None
    flags: int | None = None
    dropped_attributes_count: int | None = None


class _Scope(Struct, gc=False):
    name: str | None = None
    version: str | None = None
    attributes: list[_Pair] | None = None


class _ScopeLogs(Struct, gc=False, rename="camel"):
    scope: _Scope | None = None
    log_records: list[Raw] | None = None


class _Resource(Struct, gc=False):
    attributes: list[_Pair] | None = None


class _ResourceLogs(Struct, gc=False, rename="camel"):
    resource: _Resource | None = None
    scope_logs: list[_ScopeLogs] | None = None


class _Request(Struct, gc=False, rename="camel"):
    resource_logs: list[_ResourceLogs] | None = None


_request = msgspec.json.Decoder(_Request)
_log = msgspec.json.Decoder(_Log)
_NO_SCOPE = _Scope()


def read_logs(body: bytes, max_records: int) -> list[Record | Bad]:
    """The records of an ExportLogsServiceRequest. Raises UnreadableBody and TooLarge, and
    msgspec.ValidationError when it is something else.
    """
    made: list[Record | Bad] = []
    room = MAX_SHARED_BYTES
    for resource_logs in decode_json(_request, body).resource_logs or ():
        resource = resource_logs.resource
        attributes = _attributes(resource.attributes if resource else None)
        for scope_logs in resource_logs.scope_logs or ():
            scope, logs = scope_logs.scope or _NO_SCOPE, scope_logs.log_records or ()
            if len(made) + len(logs) > max_records:
                raise TooLarge(f"more than {max_records} records in one report")
            of_scope = _attributes(scope.attributes)
            shared = scope_of(attributes, scope.name or "", scope.version or "", of_scope)
            room = share(room, shared, len(logs))
            made += [_record(log, shared) for log in logs]
    return made


def write_reply(rejected: int, message: str) -> bytes:
    """An ExportLogsServiceResponse; of full success it is an empty object."""
    if not rejected and not message:
        return b"{}"
    partial = {"rejectedLogRecords": str(rejected), "errorMessage": message}
    return dumps({"partialSuccess": partial})


def write_status(code: int, message: str) -> bytes:
    """A google.rpc.Status."""
    return dumps({"code": code, "message": message})


def _record(written: Raw, shared: Scope) -> Record | Bad:
    try:
        return record_of_log(_plain(decode_part(_log, written)), shared)
    except (msgspec.ValidationError, ValueError, UnreadableBody, RecursionError) as error:
        return Bad("invalid_record", str(error)[:200])


def _plain(log: _Log) -> Log:
    trace, span = log.trace_id or "", log.span_id or ""
    return Log(
        int(log.time_unix_nano or 0) or int(log.observed_time_unix_nano or 0),
        log.severity_number or 0,
        log.severity_text or "",
        None if log.body is None else _value(log.body),
        _attributes(log.attributes),
        trace.lower() if len(trace) == 32 and _ID.fullmatch(trace) else "",
        span.lower() if len(span) == 16 and _ID.fullmatch(span) else "",
        log.event_name or "",
        log.flags or 0,
        log.dropped_attributes_count or 0,
    )


def _attributes(pairs: Iterable[_Pair] | None) -> Attributes:
    return {pair.key: None if pair.value is None else _value(pair.value) for pair in pairs or ()}


def _value(value: _Value) -> Any:
    if value.string_value is not None:
        return value.string_value
    if value.int_value is not None:
        return int(value.int_value)
    if value.bool_value is not None:
        return value.bool_value
    if value.array_value is not None:
        return [_value(each) for each in value.array_value.values or ()]
    if value.kvlist_value is not None:
        return _attributes(value.kvlist_value.values)
    return value.bytes_value if value.double_value is None else value.double_value
