"""OTLP logs as the exporters for JavaScript and Python send them."""

import gzip
import json
import zlib
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from recorded.sample import Sample

TRACE, SPAN = "5B8EFFF798038103D269B633813FC60C", "EEE19B7EC3C1B174"


def text(value: str) -> dict[str, Any]:
    return {"stringValue": value}


def pairs(**values: Any) -> list[dict[str, Any]]:
    return [{"key": name.replace("__", "."), "value": value} for name, value in values.items()]


RESOURCE = pairs(
    service__name=text("shop"),
    service__version=text("2.1.0"),
    deployment__environment__name=text("prod"),
    telemetry__sdk__name=text("opentelemetry"),
    os__name=text("Android"),
    device__id=text("d-1"),
)
THROWN = {
    "timeUnixNano": "1795168800123456789",
    "observedTimeUnixNano": "1795168800200000000",
    "severityNumber": 17,
    "severityText": "ERROR",
    "body": text("支付失败"),
    "traceId": TRACE,
    "spanId": SPAN,
    "flags": 1,
    "attributes": pairs(
        exception__type=text("ValueError"),
        exception__message=text("no card"),
        exception__stacktrace=text("Traceback …"),
        session__id=text("s-1"),
        user__id=text("u-1"),
        code__line__number={"intValue": "42"},
        big={"intValue": 9007199254740991},
        ratio={"doubleValue": 0.5},
        ok={"boolValue": True},
        tags={"arrayValue": {"values": [text("a"), {}]}},
        http={"kvlistValue": {"values": pairs(status={"intValue": 500})}},
        raw={"bytesValue": "AAE="},
    ),
}
TAPPED = {
    "observedTimeUnixNano": 1795168801000000000,
    "severityText": "Warn",
    "body": {"kvlistValue": {"values": pairs(x={"intValue": "1"})}},
    "eventName": "tap",
    "droppedAttributesCount": 2,
}
REQUEST = {
    "resourceLogs": [
        {
            "resource": {"attributes": RESOURCE, "droppedAttributesCount": 0},
            "scopeLogs": [
                {
                    "scope": {"name": "shop.pay", "version": "1.0"},
                    "logRecords": [THROWN, TAPPED],
                    "schemaUrl": "https://opentelemetry.io/schemas/1.37.0",
                }
            ],
        }
    ]
}


def protobuf() -> ExportLogsServiceRequest:
    """The same, as protobuf."""
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    _fill(resource_logs.resource.attributes, RESOURCE)
    scope_logs = resource_logs.scope_logs.add(schema_url="https://opentelemetry.io/schemas/1.37.0")
    scope_logs.scope.name, scope_logs.scope.version = "shop.pay", "1.0"
    thrown = scope_logs.log_records.add(
        time_unix_nano=int(THROWN["timeUnixNano"]),  # type: ignore[call-overload]
        observed_time_unix_nano=1795168800200000000,
        severity_number=17,  # type: ignore[arg-type]
        severity_text="ERROR",
        trace_id=bytes.fromhex(TRACE),
        span_id=bytes.fromhex(SPAN),
        flags=1,
    )
    thrown.body.string_value = "支付失败"
    _fill(thrown.attributes, THROWN["attributes"])
    tapped = scope_logs.log_records.add(
        observed_time_unix_nano=1795168801000000000,
        severity_text="Warn",
        event_name="tap",
        dropped_attributes_count=2,
    )
    _set(tapped.body, TAPPED["body"])
    return request


def _fill(attributes: Any, written: Any) -> None:
    for pair in written:
        added = attributes.add(key=pair["key"])
        _set(added.value, pair["value"])


def _set(value: Any, written: Any) -> None:
    for kind, found in written.items():
        if kind == "stringValue":
            value.string_value = found
        elif kind == "intValue":
            value.int_value = int(found)
        elif kind == "doubleValue":
            value.double_value = found
        elif kind == "boolValue":
            value.bool_value = found
        elif kind == "bytesValue":
            value.bytes_value = b"\0\1"
        elif kind == "kvlistValue":
            _fill(value.kvlist_value.values, found["values"])
        else:
            for each in found["values"]:
                _set(value.array_value.values.add(), each)


JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}
BODY, PACKED = json.dumps(REQUEST).encode(), protobuf().SerializeToString()

SAMPLES = [
    Sample("/v1/logs", BODY, JSON),
    Sample("/v1/logs", PACKED, PROTOBUF),
    Sample("/v1/logs", gzip.compress(PACKED), {**PROTOBUF, "Content-Encoding": "gzip"}),
    Sample("/v1/logs", zlib.compress(PACKED), {**PROTOBUF, "Content-Encoding": "deflate"}),
    Sample("/otlp/v1/logs", PACKED, PROTOBUF),
]
