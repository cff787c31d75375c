"""kill -9, again and again, under load: an acknowledgement is a receipt."""

import os
import random
import time

import pytest
from conftest import StartServer
from faults import World, kill_a_worker, kill_all, kill_the_master
from senders import Senders

pytestmark = [pytest.mark.fault, pytest.mark.server, pytest.mark.slow]
ROUND = [
    kill_a_worker,
    kill_a_worker,
    kill_all,
    kill_a_worker,
    kill_a_worker,
    kill_the_master,
]


@pytest.mark.parametrize(("worker_class", "rounds"), [("gthread", 20), ("meinheld", 20)])
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
    load = Senders(server, seed=seed)
    world = World(server, load, chance)
    with load:
        for number in range(rounds):
            load.wait_for(60)
            world.pause(0.0, 0.1)
            ROUND[number % len(ROUND)](world)
        load.wait_for(60)
    assert load.retries > 0
    assert server.stop() == 0
    server.start()
    load.check()
    assert "Traceback" not in server.log_text()
