"""The benchmarks' records as clients of other protocols send them, a report of them at a time."""

import json
from collections.abc import Callable
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

import cramjam
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

SEVERITIES = {"debug": 5, "info": 9, "warning": 13, "error": 17}
SYSLOG = {"debug": 7, "info": 6, "warning": 4, "error": 3}
Records = list[dict[str, Any]]


class Protocol(NamedTuple):
    """How a report is sent, and of how many records it is measured."""

    name: str
    text: str
    path: str
    media: str
    body: Callable[[Records], bytes]
    sizes: tuple[int, ...] = (100, 1000)


def native(records: Records) -> bytes:
    """An array of our own."""
    return _compact(records)


def otlp_protobuf(records: Records) -> bytes:
    """A resource, a scope for each logger, most of a record among its attributes."""
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.add(key="service.name").value.string_value = "shop"
    for logger, group in _by(records, "logger"):
        scope_logs = resource_logs.scope_logs.add()
        scope_logs.scope.name = logger[0]
        for record in group:
            log = scope_logs.log_records.add()
            log.time_unix_nano = _ns(record)
            log.severity_number = SEVERITIES[record["level"]]  # type: ignore[assignment]
            log.body.string_value = record["message"]
            for name, value in _attributes(record).items():
                log.attributes.add(key=name).value.string_value = value
    return request.SerializeToString()


def otlp_json(records: Records) -> bytes:
    """The same in JSON."""
    scopes = []
    for logger, group in _by(records, "logger"):
        logs = [
            {
                "timeUnixNano": str(_ns(record)),
                "severityNumber": SEVERITIES[record["level"]],
                "body": {"stringValue": record["message"]},
                "attributes": [
                    {"key": name, "value": {"stringValue": value}}
                    for name, value in _attributes(record).items()
                ],
            }
            for record in group
        ]
        scopes.append({"scope": {"name": logger[0]}, "logRecords": logs})
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return _compact({"resourceLogs": [{"resource": resource, "scopeLogs": scopes}]})


def loki_json(records: Records) -> bytes:
    """A stream for each logger and level, the rest as structured metadata."""
    return _compact(
        {
            "streams": [
                {
                    "stream": {"service_name": "shop", "logger": logger, "level": level},
                    "values": [[str(_ns(r)), r["message"], _attributes(r)] for r in group],
                }
                for (logger, level), group in _by(records, "logger", "level")
            ]
        }
    )


def loki_protobuf(records: Records) -> bytes:
    """The same in protobuf, as a snappy block."""
    body = b""
    for (logger, level), group in _by(records, "logger", "level"):
        stream = _part(1, f'{{service_name="shop",logger="{logger}",level="{level}"}}'.encode())
        for record in group:
            seconds, nanos = divmod(_ns(record), 10**9)
            time = b"\x08" + _varint(seconds) + b"\x10" + _varint(nanos)
            entry = _part(1, time) + _part(2, record["message"].encode())
            for name, value in _attributes(record).items():
                entry += _part(3, _part(1, name.encode()) + _part(2, value.encode()))
            stream += _part(2, entry)
        body += _part(1, stream)
    return bytes(cramjam.snappy.compress_raw(body))


def bulk(records: Records) -> bytes:
    """Documents with the names of ECS."""
    lines = []
    for record in records:
        ecs = {"@timestamp": record["time"], "log.level": record["level"], **_attributes(record)}
        ecs |= {"message": record["message"], "log.logger": record["logger"]}
        lines += [b'{"create":{"_index":"logs"}}', _compact(ecs)]
    return b"\n".join(lines) + b"\n"


def hec(records: Records) -> bytes:
    """Events one after the other."""
    return b"".join(
        _compact(
            {
                "time": _ns(r) / 1e9,
                "event": {"message": r["message"], "severity": r["level"]},
                "fields": _attributes(r),
            }
        )
        for r in records
    )


def jsonline(records: Records) -> bytes:
    """Our own records, a line each."""
    return b"\n".join(_compact(record) for record in records)


def gelf(records: Records) -> bytes:
    """GELF, a line each."""
    return b"\n".join(
        _compact(
            {
                "version": "1.1",
                "host": r["device_id"],
                "short_message": r["message"],
                "timestamp": _ns(r) / 1e9,
                "level": SYSLOG[r["level"]],
                "_logger": r["logger"],
                **{f"_{name}": value for name, value in _attributes(r).items()},
            }
        )
        for r in records
    )


JSON = "application/json"
NATIVE = Protocol("native", "Native", "/api/v1/logs", JSON, native)
PROTOCOLS = (
    Protocol("otlp_protobuf", "OTLP protobuf", "/v1/logs", "application/x-protobuf", otlp_protobuf),
    Protocol("otlp_json", "OTLP JSON", "/v1/logs", JSON, otlp_json),
    Protocol("loki_json", "Loki JSON", "/loki/api/v1/push", JSON, loki_json),
    Protocol(
        "loki_protobuf",
        "Loki protobuf",
        "/loki/api/v1/push",
        "application/x-protobuf",
        loki_protobuf,
    ),
    Protocol("bulk", "Elasticsearch `_bulk`", "/_bulk", "application/x-ndjson", bulk),
    Protocol("hec", "Splunk HEC", "/services/collector/event", JSON, hec),
    Protocol("jsonline", "NDJSON", "/insert/jsonline", "application/stream+json", jsonline),
    Protocol("gelf", "GELF, in bulk", "/gelf", JSON, gelf),
)


def _attributes(record: dict[str, Any]) -> dict[str, str]:
    return {
        "service.version": record["release"],
        "platform": record["platform"],
        "device.id": record["device_id"],
        "session.id": record["session_id"],
        "user.id": record["user_id"],
        "seq": str(record["seq"]),
        "network": record["attributes"]["network"],
        "battery": str(record["attributes"]["battery"]),
    }


def _by(records: Records, *names: str) -> Any:
    def key(record: dict[str, Any]) -> tuple[str, ...]:
        return tuple(record[name] for name in names)

    return [(found, list(group)) for found, group in groupby(sorted(records, key=key), key)]


def _ns(record: dict[str, Any]) -> int:
    return int(datetime.fromisoformat(record["time"]).timestamp() * 1000) * 1_000_000


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _part(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    head = b""
    while number > 127:
        head += bytes([number & 127 | 128])
        number >>= 7
    return head + bytes([number])
