"""Spools, and programs that are killed, fork and end: each record is stored once all the same."""

import logging
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gate import PASS, SWALLOW, Gate, program
from sending import handler_at, stored
from started import Server, wait_until

from redlog_client.shipper import NOTED

pytestmark = pytest.mark.server

LOG_AND_WAIT = """
import logging, sys, time
from redlog_client import RedlogHandler
url, key, session, spool, messages = sys.argv[1:]
handler = RedlogHandler(url, key, context={"user_id": session}, spool=spool, flush_seconds=0.02)
logging.getLogger().addHandler(handler)
for message in messages.split():
    logging.warning(message)
    time.sleep(0.1)
time.sleep(600)
"""


@contextmanager
def killed_at_last(commands: list[list[str]]) -> Iterator[None]:
    """Programs that run meanwhile, and are killed then (kill -9)."""
    apps = [subprocess.Popen(command) for command in commands]
    try:
        yield
    finally:
        for app in apps:
            app.kill()
            app.wait()


def test_killed_and_started_again_nothing_is_lost_or_doubled(
    server: Server, gate: Gate, session: str, logger: logging.Logger, tmp_path: Path
) -> None:
    """The first batch was stored without an answer, the others were never sent."""
    gate.decide = lambda seen: SWALLOW
    command = program(LOG_AND_WAIT, gate.url, server.key, session, str(tmp_path), "one two three")
    with killed_at_last([command]):
        wait_until(lambda: len(list(tmp_path.glob("*.json"))) == 3 and gate.seen, "the batches")
    stored(server, session, 1)
    (tmp_path / "torn.000000000001.tmp").write_bytes(b"{")
    gate.decide = lambda seen: PASS
    logger.addHandler(handler_at(gate.url, server, session, spool=tmp_path))
    logger.warning("four")
    found = stored(server, session, 4)
    assert sorted(r["message"] for r in found) == ["four", "one", "three", "two"]
    assert len({r["session_id"] for r in found}) == 2
    logger.handlers[0].close()
    assert list(tmp_path.iterdir()) == []


def test_processes_share_a_spool_and_send_what_is_their_own(
    server: Server, gate: Gate, session: str, logger: logging.Logger, tmp_path: Path
) -> None:
    is_open = threading.Event()
    gate.decide = lambda seen: PASS if is_open.is_set() else 503
    commands = [
        program(LOG_AND_WAIT, gate.url, server.key, session, str(tmp_path), f"{n}a {n}b {n}c")
        for n in range(3)
    ]
    with killed_at_last(commands):
        wait_until(lambda: len(list(tmp_path.glob("*.json"))) == 9, "the batches")
        is_open.set()
        stored(server, session, 9)
    ids = [seen.batch["batch_id"] for seen in gate.seen]
    senders: dict[str, set[str]] = {}
    for seen in gate.seen:
        senders.setdefault(seen.batch["context"]["session_id"], set()).add(seen.messages[0][0])
    assert sorted(map(len, senders.values())) == [1, 1, 1]
    assert len(set(ids)) == 9


FORK = """
import logging, multiprocessing, os, sys
from redlog_client import RedlogHandler
url, key, session, spool = sys.argv[1:]
handler = RedlogHandler(url, key, context={"user_id": session}, spool=spool, exit_seconds=20)
logging.getLogger().addHandler(handler)
logging.warning("before")
if child := os.fork():
    os.waitpid(child, 0)
    logging.warning("parent")
else:
    logging.warning("child")
    sys.exit()
other = multiprocessing.get_context("fork").Process(target=logging.warning, args=("other",))
other.start()
other.join()
"""


def test_a_fork_sends_its_own_records_and_only_these(
    server: Server, session: str, tmp_path: Path
) -> None:
    command = program(FORK, server.url, server.key, session, str(tmp_path))
    command.insert(1, "-Wignore::DeprecationWarning")  # since 3.12 of forks beside threads
    done = subprocess.run(command, timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    found = {r["message"]: r for r in stored(server, session, 4)}
    assert {m: r["seq"] for m, r in found.items()} == {
        "before": 0,
        "parent": 1,
        "child": 0,
        "other": 0,
    }
    assert len({r["session_id"] for r in found.values()}) == 3
    assert found["before"]["session_id"] == found["parent"]["session_id"]
    assert list(tmp_path.iterdir()) == []


END = """
import logging, sys
from redlog_client import RedlogHandler
url, key, session, *spool = sys.argv[1:]
options = {"context": {"user_id": session}, "timeout": 600, "flush_seconds": 600}
handler = RedlogHandler(url, key, exit_seconds=0.5, spool=spool and spool[0], **options)
logging.getLogger().addHandler(handler)
for number in range(3):
    logging.warning(str(number))
"""


def test_the_end_of_a_program_waits_for_its_last_records(server: Server, session: str) -> None:
    code = END.replace("0.5", "20")
    subprocess.run(program(code, server.url, server.key, session), timeout=60, check=True)
    assert [r["message"] for r in stored(server, session, 3)] == ["0", "1", "2"]


def test_the_end_has_a_bound_when_the_server_never_answers(
    server: Server, gate: Gate, session: str, logger: logging.Logger, tmp_path: Path
) -> None:
    """A request waits for 600 seconds; the program is not."""
    gate.decide = lambda seen: SWALLOW
    command = program(END, gate.url, server.key, session)
    done = subprocess.run(command, timeout=60, capture_output=True, text=True)
    assert done.returncode == 0 and "not sent" in done.stderr
    gone = program(END, "http://127.0.0.1:9", server.key, f"{session}-", str(tmp_path))
    done = subprocess.run(gone, timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    logger.addHandler(handler_at(server.url, server, f"{session}-", spool=tmp_path))
    logger.info("next")
    assert [r["message"] for r in stored(server, f"{session}-", 4)] == ["0", "next", "1", "2"]


def test_a_spool_has_a_bound(
    server: Server, gate: Gate, session: str, logger: logging.Logger, tmp_path: Path
) -> None:
    gate.decide = lambda seen: 503
    options: dict[str, Any] = {"batch_size": 1, "max_queue": 3, "max_spool_bytes": 2000}
    handler = handler_at(gate.url, server, session, spool=tmp_path, **options)
    logger.addHandler(handler)
    logged = 0
    while not handler._shipper.spool.is_full or handler._shipper._dropped["queue_full"] < 5:
        logger.info("x")
        logged += 1
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 3000
    gate.decide = lambda seen: PASS
    handler.close()
    server.wait_drained()
    found = server.walk(user_id=session)
    notes = [r["attributes"][NOTED] for r in found if r["logger"] == "redlog_client"]
    lost = sum(records for note in notes for records in note.values())
    assert lost > 0 and lost + len(found) - len(notes) == logged


def test_a_folder_that_can_not_be_written_costs_nothing(
    server: Server, session: str, logger: logging.Logger, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    handler = handler_at(server.url, server, session, spool=tmp_path / "file" / "spool")
    logger.addHandler(handler)
    logger.info("m")
    stored(server, session, 1)
