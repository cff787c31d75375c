"""Clients for Python: what a refusal does to their batches, where it takes seconds to see."""

import logging
import random
from collections.abc import Callable
from uuid import uuid4

import graypy
import pygelf
import pytest
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from refusals import LARGE, MAX_BODY_BYTES, Refusing
from relay import Relay
from started import Server

pytestmark = [
    pytest.mark.server,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]


def report(relay: Relay, server: Server, name: str, *messages: str) -> None:
    """Log these messages, each as soon as the one before was sent or dropped."""
    exporter = OTLPLogExporter(
        f"{relay.url}/v1/logs", headers={"authorization": f"Bearer {server.key}"}, timeout=20
    )
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = logging.getLogger(name)
    logger.propagate = False
    logger.addHandler(LoggingHandler(logger_provider=provider))
    for message in messages:
        logger.error(message)
    logger.handlers.clear()
    provider.shutdown()


def test_opentelemetry_sends_again_after_a_503_as_told(server: Server, refusing: Refusing) -> None:
    name = uuid4().hex
    with Relay(refusing.full, server) as relay:
        report(relay, server, name, "m")
    assert relay.statuses == [503, 200]
    assert relay.passed[0].body == relay.passed[1].body
    server.found(1, logger=name)


def test_opentelemetry_drops_what_it_can_not_send_in_time(
    server: Server, refusing: Refusing
) -> None:
    for refuses, message, status in ((refusing.limited, "m", 429), (refusing.small, LARGE, 413)):
        name = uuid4().hex
        with Relay(refuses, server) as relay:
            report(relay, server, name, message, "next")
        assert relay.statuses == [status, 200]
        assert server.found(1, logger=name)[0]["message"] == "next"


def pygelf_to(port: int, path: str) -> logging.Handler:
    handler: logging.Handler = pygelf.GelfHttpHandler(
        host="127.0.0.1", port=port, path=path, debug=True
    )
    return handler


def graypy_to(port: int, path: str) -> logging.Handler:
    handler: logging.Handler = graypy.GELFHTTPHandler("127.0.0.1", port, path=path)
    return handler


@pytest.mark.parametrize("handler", [pygelf_to, graypy_to], ids=["pygelf", "graypy"])
def test_gelf_looks_at_no_reply(
    server: Server, refusing: Refusing, handler: Callable[[int, str], logging.Handler]
) -> None:
    incompressible = random.Random(7).randbytes(MAX_BODY_BYTES).hex()
    for refuses, message, status in refusing.each():
        name = uuid4().hex
        logger = logging.getLogger(name)
        logger.propagate = False
        with Relay(refuses, server) as relay:
            logger.addHandler(handler(relay.port, f"/k/{server.key}/gelf"))
            logger.error(incompressible if status == 413 else message)
            relay.wait_for(1)
            logger.error("next")
            assert server.found(1, logger=name)[0]["message"] == "next"
            relay.wait_for(2)
            assert relay.statuses == [status, 202]
        logger.handlers.clear()
