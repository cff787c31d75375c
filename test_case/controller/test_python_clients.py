"""Real clients for Python against a real server: what of their logs is stored."""

import logging
import sys
from collections.abc import Iterator
from logging.handlers import HTTPHandler
from typing import Any
from uuid import uuid4

import elasticsearch
import elasticsearch.helpers
import graypy
import logging_loki
import opensearchpy
import opensearchpy.helpers
import pygelf
import pytest
import requests
import splunk_handler
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


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose disk counts as full: it answers 503."""
    folder = tmp_path_factory.mktemp("full")
    settings = {"REDLOG_JOURNAL__MIN_FREE_BYTES": str(2**60)}
    shared = Server(folder / "data", folder / "server.log", settings).start()
    yield shared
    shared.kill()


@pytest.fixture(scope="module")
def limited(server: Server) -> str:
    """The key of an app that has reported all that it may on a day: it is answered 429."""
    token = server.manage("token", "create", "--scope", "admin", "--json")["token"]
    made = requests.post(
        f"{server.url}/api/v1/apps",
        json={"name": uuid4().hex, "daily_quota": 1},
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    )
    key = str(made.json()["ingest_key"])
    first = requests.post(f"{server.url}/k/{key}/gelf", b'{"short_message":"m"}', timeout=60)
    assert first.status_code == 202
    return key


HUGE = "x" * (11 * 2**20)


def refusals(server: Server, full: Server, limited: str) -> Iterator[tuple[str, str, int]]:
    """What is refused: below which URL, which message, with which status."""
    yield f"{full.url}/k/{full.key}", "m", 503
    yield f"{server.url}/k/{limited}", "m", 429
    yield f"{server.url}/k/{server.key}", HUGE, 413


@pytest.mark.parametrize("packed", PACKINGS)
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


def test_python_logging_loki_drops_what_is_refused(
    server: Server, full: Server, limited: str, logger: logging.Logger
) -> None:
    told: list[str] = []
    for url, message, _ in refusals(server, full, limited):
        handler = logging_loki.LokiHandler(url=f"{url}/loki/api/v1/push", version="1")
        handler.handleError = lambda _: told.append(str(sys.exc_info()[1])[-3:])
        logger.handlers = [handler]
        logger.error(message)
    assert told == ["503", "429", "413"]


DOCUMENT = {
    "@timestamp": "2026-11-20T10:00:00.123Z",
    "log": {"level": "warn", "logger": "shop.pay"},
    "service": {"name": "shop", "version": "2.1.0"},
    "order": 7,
}


def stored_bulk(server: Server, session: str, store: Any) -> None:
    """Store three documents, one of them bad, as the helpers of a client do; see what is there."""
    documents = [{**DOCUMENT, "message": m, "session.id": session} for m in ("茶", "second")]
    made = [{"_index": "logs", "_source": each} for each in documents]
    deleted = {"_op_type": "delete", "_index": "logs", "_id": "7"}
    done, errors = store([made[0], deleted, made[1]])
    assert (done, [error["delete"]["status"] for error in errors]) == (2, [400])
    first, _ = stored(server, session_id=session)
    assert (first["message"], first["level"], first["logger"]) == ("茶", "warning", "shop.pay")
    assert (first["release"], first["time"]) == ("2.1.0", "2026-11-20T10:00:00.123000Z")
    assert first["attributes"] == {"service": {"name": "shop"}, "order": 7, "_index": "logs"}


@pytest.mark.parametrize("place", ["api_key", "basic_auth", "path"])
def test_elasticsearch(server: Server, place: str) -> None:
    options: dict[str, Any] = {"api_key": {"api_key": server.key}}.get(place, {})
    if place == "basic_auth":
        options = {"basic_auth": ("me", server.key), "http_compress": True}
    below = f"/k/{server.key}" if place == "path" else ""
    with elasticsearch.Elasticsearch(server.url + below, **options) as client:
        assert client.info()["tagline"] == "You Know, for Search"
        assert client.ping()
        assert client.license.get()["license"]["status"] == "active"
        bulk = elasticsearch.helpers.bulk
        stored_bulk(server, uuid4().hex, lambda made: bulk(client, made, raise_on_error=False))
        message = uuid4().hex
        assert client.index(index="logs", id="7", document={"message": message})["_id"] == "7"
        assert client.create(index="logs", id="8", document={"msg": "m"})["result"] == "created"
    found = wait_until(lambda: server.query(q=f'"{message}"'), "the document")
    assert found[0]["attributes"] == {"_index": "logs", "_id": "7"}


def test_elasticsearch_tries_again_what_may_succeed(
    server: Server, full: Server, limited: str, caplog: pytest.LogCaptureFixture
) -> None:
    for url, message, status in refusals(server, full, limited):
        caplog.clear()
        made = [{"_index": "logs", "message": message}]
        with elasticsearch.Elasticsearch(url) as client, pytest.raises(Exception) as refused:
            elasticsearch.helpers.bulk(client, made)
        assert isinstance(refused.value, elasticsearch.ApiError)
        assert (refused.value.status_code, refused.value.body["status"]) == (status, status)
        again = [line for line in caplog.messages if line.startswith("Retrying request")]
        assert len(again) == (0 if status == 413 else 3)


@pytest.mark.parametrize("packed", [True, False])
def test_opensearch(server: Server, packed: bool) -> None:
    client = opensearchpy.OpenSearch(server.url, http_auth=("me", server.key), http_compress=packed)
    assert client.info()["tagline"] == "You Know, for Search"
    bulk = opensearchpy.helpers.bulk
    stored_bulk(server, uuid4().hex, lambda made: bulk(client, made, raise_on_error=False))
    assert client.index(index="logs", body={"message": "m"})["result"] == "created"
    client.close()


def test_opensearch_tries_again_what_may_succeed(
    server: Server, full: Server, limited: str, caplog: pytest.LogCaptureFixture
) -> None:
    for url, message, status in refusals(server, full, limited):
        caplog.clear()
        client = opensearchpy.OpenSearch(url)
        with pytest.raises(opensearchpy.TransportError) as refused:
            opensearchpy.helpers.bulk(client, [{"_index": "b", "message": message}])
        client.close()
        assert refused.value.status_code == status
        sent = [line for line in caplog.messages if f"[status:{status}" in line]
        assert len(sent) == (4 if status == 503 else 1)


def splunk(server: Server, key: str, **options: Any) -> splunk_handler.SplunkHandler:
    """Its handler, which sends each record at once."""
    told = {"host": "127.0.0.1", "port": server.port, "token": key, "index": "main"}
    return splunk_handler.SplunkHandler(
        **told, protocol="http", verify=False, flush_interval=0, sourcetype="shop", **options
    )


def test_splunk_handler(server: Server, logger: logging.Logger) -> None:
    logger.addHandler(splunk(server, server.key, hostname="web-1"))
    logger.warning("%s almost out of %s", logger.name, "茶")
    (record,) = wait_until(lambda: server.query(q=f'"{logger.name}"'), "the record")
    assert record["message"] == f"{logger.name} almost out of 茶"
    about = {name: record["attributes"][name] for name in ("host", "index", "sourcetype")}
    assert about == {"host": "web-1", "index": "main", "sourcetype": "shop"}
    assert record["time"] < record["received_at"]


def test_splunk_handler_waits_as_it_is_told(
    server: Server,
    full: Server,
    limited: str,
    logger: logging.Logger,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not after a 413: urllib3 waits for what has a Retry-After."""
    waited: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", waited.append)
    for (_, message, status), at in zip(
        refusals(server, full, limited), (full, server, server), strict=True
    ):
        waited.clear()
        key = {503: full.key, 429: limited, 413: server.key}[status]
        logger.handlers = [splunk(at, key, retry_count=2)]
        logger.error(message)
        said = capsys.readouterr().out
        assert f"{status} Client Error" in said or f"too many {status} error" in said
        assert len([seconds for seconds in waited if seconds > 0]) == (0 if status == 413 else 2)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_http_handler(server: Server, logger: logging.Logger, method: str) -> None:
    place = f"127.0.0.1:{server.port}"
    if method == "GET":
        handler = HTTPHandler(place, f"/log?key={server.key}", method)
    else:
        handler = HTTPHandler(place, "/log", method, credentials=("me", server.key))
    logger.addHandler(handler)
    logger.warning("almost out of %s", "茶", extra={"order": 7})
    logger.error("payment failed")
    warned, failed = stored(server, logger=logger.name)
    assert (warned["message"], warned["level"]) == ("almost out of 茶", "warning")
    assert (failed["message"], failed["level"]) == ("payment failed", "error")
    assert warned["attributes"]["order"] == "7"
    assert "args" not in warned["attributes"] and "key" not in warned["attributes"]
