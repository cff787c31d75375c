"""The handler before a real server: each record is stored once, whatever happens on the way."""

import logging
import threading
from pathlib import Path

import pytest
from gate import PASS, SWALLOW, Gate, Seen
from sending import QUICK, handler_at, stored
from started import Server, wait_until

from redlog_client import RedlogHandler
from redlog_client.shipper import NOTED

pytestmark = pytest.mark.server


def test_ten_thousand_records_of_four_threads_are_stored_once(
    server: Server, session: str, logger: logging.Logger
) -> None:
    handler = handler_at(server.url, server, session, context={"release": "2.1.0"})
    logger.addHandler(handler)

    def work() -> None:
        for number in range(2500):
            logger.info("number %d", number, extra={"order": number})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert handler.drain(30)
    found = stored(server, session, 10_000)
    assert [record["seq"] for record in found] == list(range(10_000))
    assert sorted(record["attributes"]["order"] for record in found) == sorted([*range(2500)] * 4)
    assert {record["session_id"] for record in found} == {found[0]["session_id"]}
    assert {(r["release"], r["platform"]) for r in found} == {("2.1.0", "python")}


def test_a_server_that_is_busy_is_asked_again_with_the_same_batch(
    server: Server, gate: Gate, session: str, logger: logging.Logger
) -> None:
    gate.decide = lambda seen: (503, 500, 429, PASS)[min(len(gate.seen) - 1, 3)]
    logger.addHandler(handler_at(gate.url, server, session))
    logger.info("支付 " + "x" * 2000)
    found = stored(server, session, 1)
    assert len({seen.batch["batch_id"] for seen in gate.seen}) == 1 < len(gate.seen)
    assert len({seen.batch["sent_at"] for seen in gate.seen}) == len(gate.seen)
    assert gate.seen[0].headers["Content-Encoding"] == "gzip"
    assert "skew_ms" not in found[0]


def test_retry_after_is_waited_for(
    server: Server, gate: Gate, session: str, logger: logging.Logger
) -> None:
    gate.headers = {"Retry-After": "1000"}
    gate.decide = lambda seen: 503
    handler = handler_at(gate.url, server, session, exit_seconds=0)
    logger.addHandler(handler)
    logger.info("m")
    wait_until(lambda: gate.seen, "the first attempt")
    assert not handler.drain(0.8)  # by itself it would have tried again
    assert len(gate.seen) == 1


def test_an_answer_that_never_came_is_no_second_record(
    server: Server, gate: Gate, session: str, logger: logging.Logger
) -> None:
    gate.decide = lambda seen: SWALLOW if len(gate.seen) == 1 else PASS
    logger.addHandler(handler_at(gate.url, server, session, timeout=0.3))
    logger.info("m")
    wait_until(lambda: len(gate.seen) > 1, "the second attempt")
    stored(server, session, 1)


def test_what_is_logged_while_the_server_is_away_comes_later(
    session: str, logger: logging.Logger, tmp_path: Path
) -> None:
    late = Server(tmp_path / "data", tmp_path / "log", {})
    logger.addHandler(handler_at(late.url, late, session, spool=tmp_path / "spool", batch_size=2))
    for number in range(9):
        logger.info("%d", number)
    wait_until(lambda: len(list(tmp_path.glob("spool/*.json"))) == 5, "the batches")
    late.start()
    assert [r["message"] for r in stored(late, session, 9)] == [*"012345678"]
    wait_until(lambda: not list(tmp_path.glob("spool/*.json")), "an empty spool")
    late.kill()


def test_a_batch_that_is_too_large_is_halved(
    server: Server, gate: Gate, session: str, logger: logging.Logger, tmp_path: Path
) -> None:
    gate.decide = lambda seen: 413 if len(seen.messages) > 3 else PASS
    for number, spool in enumerate((None, tmp_path)):
        handler = handler_at(gate.url, server, f"{session}{number}", spool=spool, flush_seconds=9)
        logger.handlers = [handler]
        for message in range(10):
            logger.info("%d", message)
        assert handler.drain(20)
        found = stored(server, f"{session}{number}", 10)
        assert [r["message"] for r in found] == [*map(str, range(10))]
        handler.close()
    sizes = [len(seen.messages) for seen in gate.seen]
    assert sizes == [10, 5, 2, 3, 5, 2, 3] * 2


@pytest.mark.parametrize("status", [400, 401, 404, 413])
def test_what_is_refused_is_not_sent_again_but_counted(
    server: Server,
    gate: Gate,
    session: str,
    logger: logging.Logger,
    status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gate.decide = lambda seen: status if "bad" in seen.messages else PASS
    handler = handler_at(gate.url, server, session)
    logger.addHandler(handler)
    logger.info("bad")
    assert handler.drain(20) and len(gate.seen) == 1
    logger.info("good")
    assert handler.drain(20) and len(gate.seen) == 2
    note, good = stored(server, session, 2)
    assert (good["message"], good["seq"]) == ("good", 1)
    assert (note["message"], note["level"]) == ("1 records dropped", "warning")
    assert note["attributes"] == {NOTED: {f"http_{status}": 1}}
    assert capsys.readouterr().err.count(f"http_{status}") == 1


def test_a_wrong_key_is_asked_with_once(
    server: Server, gate: Gate, session: str, logger: logging.Logger
) -> None:
    handler = RedlogHandler(gate.url, "rlk_wrong", **QUICK)
    logger.addHandler(handler)
    logger.info("m")
    assert handler.drain(20)
    assert len(gate.seen) == 1


def test_a_full_queue_drops_and_says_so(
    server: Server, gate: Gate, session: str, logger: logging.Logger
) -> None:
    is_open = threading.Event()

    def decide(seen: Seen) -> int:
        is_open.wait()
        return PASS

    gate.decide = decide
    handler = handler_at(gate.url, server, session, max_queue=5, batch_size=1)
    logger.addHandler(handler)
    logger.info("first")
    wait_until(lambda: gate.seen, "the first batch")
    for number in range(20):
        logger.info("%d", number)
    is_open.set()
    assert handler.drain(20)
    logger.info("last")
    assert handler.drain(20)
    found = stored(server, session, 8)
    assert [r["message"] for r in found] == ["15 records dropped", "first", *"01234", "last"]
    assert found[0]["attributes"] == {NOTED: {"queue_full": 15}}
    assert found[-1]["seq"] == 21


def test_logging_never_raises_and_sending_logs_nothing_of_itself(
    server: Server, session: str, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = handler_at(server.url, server, session)
    logger.addHandler(handler)
    opener = handler._transport._opener
    monkeypatch.setattr(
        handler._transport,
        "_opener",
        type(
            "Chatty",
            (),
            {"open": lambda self, *a, **k: (logger.debug("connecting"), opener.open(*a, **k))[1]},
        )(),
    )
    logger.log(20, "%d", "no number")
    monkeypatch.setattr("redlog_client.handler.encoded", None)
    logger.info("can't be read")
    monkeypatch.undo()
    logger.info("good")
    assert handler.drain(20)
    messages = [r["message"] for r in stored(server, session, 3)]
    assert messages == ["1 records dropped", "%d % ('no number',) (TypeError)", "good"]


def test_a_handler_can_be_made_by_a_configuration(server: Server, session: str) -> None:
    import logging.config

    sink = {
        "class": "redlog_client.RedlogHandler",
        "url": server.url,
        "key": server.key,
        "context": {"user_id": session},
    }
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"redlog": sink},
        "loggers": {session: {"handlers": ["redlog"], "level": "INFO"}},
    }
    logging.config.dictConfig(config)
    logging.getLogger(session).info("m")
    for handler in logging.getLogger(session).handlers[:]:
        logging.getLogger(session).removeHandler(handler)
        handler.close()
    stored(server, session, 1)


def test_what_can_never_work_is_refused_at_once() -> None:
    for url in ("", "logs.example.com", "ftp://x", "http://"):
        with pytest.raises(ValueError, match="url must begin with"):
            RedlogHandler(url, "k")
    for key in ("rlk_…", "rlk_\r\nX: y"):
        with pytest.raises(ValueError, match="key must be"):
            RedlogHandler("http://logs.example.com", key)
    with pytest.raises(TypeError):
        RedlogHandler("http://logs.example.com", "k", context={"at": object()})
