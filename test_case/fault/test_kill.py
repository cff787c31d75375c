"""kill -9, again and again, under load: an acknowledgement is a receipt."""

import os
import random
import signal
import time
from contextlib import suppress

import pytest
from conftest import StartServer
from senders import Senders
from started import Server, wait_until

pytestmark = [pytest.mark.fault, pytest.mark.server, pytest.mark.slow]


def kill_a_worker(server: Server, chance: random.Random) -> None:
    victim = chance.choice(server.workers())
    with suppress(ProcessLookupError):
        os.kill(victim, signal.SIGKILL)
    wait_until(
        lambda: len(workers := server.workers()) == 2 and victim not in workers, "a new worker"
    )


def kill_all(server: Server, chance: random.Random) -> None:
    server.kill()
    server.start()
    wait_until(lambda: len(server.workers()) == 2, "the workers")


def kill_the_master(server: Server, chance: random.Random) -> None:
    """Its workers see it within a second, and end by themselves."""
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    server.start()
    wait_until(lambda: len(server.workers()) == 2, "the workers")


ROUND = [
    kill_a_worker,
    kill_a_worker,
    kill_all,
    kill_a_worker,
    kill_a_worker,
    kill_the_master,
]


@pytest.mark.parametrize(("worker_class", "rounds"), [("gthread", 24), ("meinheld", 24)])
def test_acknowledged_records_are_stored_once_however_often_it_is_killed(
    make_server: StartServer, worker_class: str, rounds: int
) -> None:
    if worker_class == "meinheld":
        pytest.importorskip("meinheld", reason="meinheld is not built here (no C compiler)")
    seed = int(os.environ.get("SEED") or time.time_ns())
    print(f"SEED={seed}")
    chance = random.Random(seed)
    server = make_server(
        REDLOG_SERVER__WORKER_CLASS=worker_class,
        REDLOG_JOURNAL__SEGMENT_BYTES="65536",
        REDLOG_WRITER__BATCH_BYTES="20000",
    ).start()
    with Senders(server, seed=seed) as load:
        for number in range(rounds):
            load.wait_for(60)
            time.sleep(chance.uniform(0, 0.1))  # not always at the same point of the work
            ROUND[number % len(ROUND)](server, chance)
        load.wait_for(60)
    assert load.retries > 0
    assert server.stop() == 0
    server.start()
    load.check()
    assert "Traceback" not in server.log_text()
