"""Random schedules of faults under load, and after each the conservation law.

For each app received = stored + duplicate + rejected + shed, nothing pending; every acknowledged
record is stored exactly once; no record is stored that was not sent. `SEED=…` runs one again,
`REDLOG_FAULT_ROUNDS=…` runs more of them.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from clock_file import Clock
from disk import MIB, small_disk
from faults import (
    EVERYWHERE,
    ON_ANY,
    ON_MARIADB,
    ON_REDIS,
    Blow,
    Spell,
    World,
    reset_connections,
    wait_for_workers,
)
from mariadb import MariaDB
from proxy import Proxy
from redis_server import PROGRAM, RedisServer
from senders import Senders
from started import Server

pytestmark = [pytest.mark.fault, pytest.mark.server, pytest.mark.slow]
ROUNDS = int(os.environ.get("REDLOG_FAULT_ROUNDS") or 1)
MakeWorld = Callable[..., World]

rounds = pytest.mark.parametrize("number", range(ROUNDS))


def new_seed() -> int:
    """A seed; it is seen when the test fails."""
    seed = int(os.environ.get("SEED") or time.time_ns())
    print(f"SEED={seed}")
    return seed


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[MakeWorld]:
    """Makes a started server under load, with a clock and a small disk of its own."""
    with ExitStack() as stack:

        def make(
            seed: int, mariadb: MariaDB | None = None, redis: RedisServer | None = None
        ) -> World:
            chance = random.Random(seed)
            clock = Clock(tmp_path / "clock")
            missing = stack.enter_context(small_disk(tmp_path / "disk", 160))
            proxy = Proxy(mariadb.port) if mariadb else None
            settings = clock.environment | a_server(chance)
            if mariadb and proxy:
                stack.callback(proxy.close)
                url = mariadb.url(mariadb.new_database())
                settings["REDLOG_DATABASE__URL"] = url.replace(
                    f":{mariadb.port}/", f":{proxy.port}/"
                )
                settings["REDLOG_WRITER__BATCH_BYTES"] = "20000"  # smaller steps take too long
            if redis:
                settings["REDLOG_REDIS__URL"] = redis.url
            server = Server(tmp_path / "disk" / "data", tmp_path / "server.log", settings)
            stack.callback(lambda: server.kill() if server.process else None)
            other = server.manage("app", "create", "second", "--json")
            load = Senders(server, seed=seed, apps=[server.app, other], bad=0.3)
            disk = None if missing else tmp_path / "disk"
            return World(server.start(), load, chance, clock, disk, mariadb, proxy, redis)

        yield make


def a_server(chance: random.Random) -> dict[str, str]:
    """The settings of one server: small steps, so that there is much to interrupt."""
    return {
        "REDLOG_SERVER__WORKER_CLASS": chance.choice(worker_classes()),
        "REDLOG_JOURNAL__SEGMENT_BYTES": str(chance.choice((16_384, 65_536))),
        "REDLOG_JOURNAL__SYNC": chance.choice(("always", "interval")),
        "REDLOG_JOURNAL__MIN_FREE_BYTES": str(chance.choice((0, MIB))),
        "REDLOG_WRITER__BATCH_BYTES": str(chance.choice((2_000, 20_000))),
        "REDLOG_WRITER__PROCESS_BYTES": str(chance.choice((1, 1, 65_536))),
    }


def worker_classes() -> list[str]:
    try:
        import meinheld  # noqa: F401
    except ImportError:
        return ["gthread"]
    return ["gthread", "meinheld"]


def run_schedule(world: World, blows: tuple[Blow, ...], spells: dict[Spell, Any]) -> None:
    """Each fault once in any order; during a spell often a blow."""
    steps: list[Any] = [*blows, *spells]
    world.chance.shuffle(steps)
    wait_for_workers(world.server)
    with world.load as load:
        for step in steps:
            begun = time.monotonic()
            load.wait_for(40)
            world.pause(0.0, 0.1)
            if step not in spells:
                step(world)
            else:
                with step(world):
                    world.pause(0.1, 0.6)
                    if world.chance.random() < 0.7:
                        blow = world.chance.choice(spells[step])
                        print(f"  {blow.__name__} during")
                        blow(world)
                        world.pause(0.0, 0.4)
            print(f"{step.__name__}: {time.monotonic() - begun:.1f} s")
        load.wait_for(40)


def check(world: World) -> None:
    """The conservation law, and that damage is what the test did and nothing else."""
    assert world.server.stop() == 0
    world.server.start()
    spoiled = world.flipped + world.cut
    found = world.load.check({message for frame in spoiled for message in frame.messages})
    for frame in spoiled:
        if not frame.has_key:
            assert found.isdisjoint(frame.messages), frame
    kept = {
        path.name: path.stat().st_size
        for path in world.server.data.glob("quarantine/*.*")
        if path.suffix != ".txt"
    }
    flipped = {f"{frame.segment}-{frame.start}.piece": frame for frame in world.flipped}
    assert kept == {name: frame.end - frame.start for name, frame in flipped.items()}
    assert world.server.get("/readyz").json()["checks"]["quarantined"] == len(kept)


@rounds
def test_on_sqlite(make_world: MakeWorld, number: int) -> None:
    world = make_world(new_seed())
    run_schedule(world, EVERYWHERE, ON_ANY)
    check(world)


@rounds
@pytest.mark.mariadb
@pytest.mark.redis
def test_on_mariadb_and_redis(
    make_world: MakeWorld, own_mariadb: MariaDB, request: pytest.FixtureRequest, number: int
) -> None:
    """Without Redis where there is none."""
    redis = request.getfixturevalue("make_redis")() if PROGRAM else None
    world = make_world(new_seed(), own_mariadb, redis)
    spells = ON_ANY | ON_MARIADB | (ON_REDIS if redis else {})
    run_schedule(world, (*EVERYWHERE, reset_connections), spells)
    check(world)
