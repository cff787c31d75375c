"""Real clients for Python against a real server: what of their logs is stored."""

import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import graypy
import logging_loki
import pygelf
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from started import Server, wait_until

pytestmark = [
    pytest.mark.server,
    # Theirs: sockets that are never closed, and what they say of their own next version.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]
PACKINGS = [Compression.NoCompression, Compression.Gzip, Compression.Deflate]


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger of its own, whose handlers are closed when the test ends."""
    made = logging.getLogger(f"shop.{uuid4().hex}")
    made.setLevel(logging.DEBUG)
    made.propagate = False
    yield made
    for handler in made.handlers[:]:
        made.removeHandler(handler)
        handler.close()


def stored(server: Server, **filters: Any) -> list[dict[str, Any]]:
    """Both records that `log_two` leaves, in order."""
    found = wait_until(
        lambda: len(got := server.query(order="oldest", **filters)) >= 2 and got, "the records"
    )
    assert len(found) == 2
    return list(found)


def log_two(logger: logging.Logger) -> None:
    logger.warning("almost out of %s", "茶", extra={"order": 7})
    try:
        raise ValueError("no card")
    except ValueError:
        logger.exception("payment failed")


def assert_two(records: list[dict[str, Any]], logger: logging.Logger) -> None:
    warned, thrown = records
    assert (warned["message"], warned["level"]) == ("almost out of 茶", "warning")
    assert (thrown["message"].split("\n")[0], thrown["level"]) == ("payment failed", "error")
    assert {record["logger"] for record in records} == {logger.name}
    assert "ValueError: no card" in thrown["exception"]["stacktrace"]
    assert all(record["time"] < record["received_at"] for record in records)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize(
    "packed", [Compression.NoCompression, Compression.Gzip, Compression.Deflate]
)
def test_opentelemetry(server: Server, logger: logging.Logger, packed: Compression) -> None:
    resource = Resource.create({"service.name": "shop", "service.version": "2.1.0"})
    provider = LoggerProvider(resource)
    exporter = OTLPLogExporter(
        f"{server.url}/v1/logs",
        headers={"authorization": f"Bearer {server.key}"},
        compression=packed,
    )
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger.addHandler(LoggingHandler(logger_provider=provider))
    log_two(logger)
    provider.shutdown()
    records = stored(server, logger=logger.name)
    assert_two(records, logger)
    warned, thrown = records
    assert warned["release"] == "2.1.0"
    assert warned["attributes"]["service.name"] == "shop"
    assert warned["attributes"]["order"] == 7
    assert warned["attributes"]["code.function.name"].endswith("log_two")
    assert (thrown["exception"]["type"], thrown["exception"]["value"]) == ("ValueError", "no card")


@pytest.mark.parametrize("compress", [True, False])
def test_pygelf(server: Server, logger: logging.Logger, compress: bool) -> None:
    handler = pygelf.GelfHttpHandler(
        host="127.0.0.1",
        port=server.port,
        path=f"/k/{server.key}/gelf",
        compress=compress,
        debug=True,
        include_extra_fields=True,
        _region="cn",
    )
    logger.addHandler(handler)
    log_two(logger)
    records = stored(server, logger=logger.name)
    assert_two(records, logger)
    attributes = records[0]["attributes"]
    assert (attributes["order"], attributes["region"], attributes["func"]) == (7, "cn", "log_two")
    assert attributes["host"]


@pytest.mark.parametrize("compress", [True, False])
def test_graypy(server: Server, logger: logging.Logger, compress: bool) -> None:
    handler = graypy.GELFHTTPHandler(
        "127.0.0.1", server.port, compress=compress, path=f"/k/{server.key}/gelf"
    )
    logger.addHandler(handler)
    log_two(logger)
    records = stored(server, logger=logger.name)
    assert_two(records, logger)
    attributes = records[0]["attributes"]
    assert (attributes["order"], attributes["function"]) == (7, "log_two")


def test_python_logging_loki(server: Server, logger: logging.Logger) -> None:
    handler = logging_loki.LokiHandler(
        url=f"{server.url}/loki/api/v1/push",
        tags={"service_name": "shop", "env": "prod"},
        auth=("me", server.key),
        version="1",
    )
    logger.addHandler(handler)
    logger.warning("almost out of %s", "茶", extra={"tags": {"order-id": 7}})
    logger.error("payment failed")
    warned, failed = stored(server, logger=logger.name)
    assert (warned["message"], warned["level"]) == ("almost out of 茶", "warning")
    assert (failed["message"], failed["level"]) == ("payment failed", "error")
    assert warned["environment"] == "prod"
    assert warned["attributes"] == {"service_name": "shop", "order_id": 7}
    assert warned["time"] < warned["received_at"]
