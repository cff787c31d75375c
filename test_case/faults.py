"""What can happen to a server under load. A `Blow` is over when the function returns; a `Spell`
lasts for a while, and some blows may fall meanwhile.
"""

import json
import os
import random
import re
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from clock_file import Clock
from disk import fill
from mariadb import MariaDB
from node import pieces_of
from proxy import Proxy
from redis_server import RedisServer
from senders import Senders
from started import Server, wait_until

from database.frame import Frame
from database.segments import list_segments

MAX_DRIFT_SECONDS = 10 * 3600.0  # with a day to both sides: within the 72 h of a batch id


@dataclass
class Spoiled:
    """A frame of a segment that a test has damaged, and the messages in it."""

    segment: str
    start: int
    end: int
    has_key: bool
    messages: list[str]


@dataclass
class World:
    """A server under load and what it stands on."""

    server: Server
    load: Senders
    chance: random.Random
    clock: Clock | None = None
    disk: Path | None = None
    mariadb: MariaDB | None = None
    proxy: Proxy | None = None
    redis: RedisServer | None = None
    flipped: list[Spoiled] = field(default_factory=list)
    cut: list[Spoiled] = field(default_factory=list)

    def pause(self, low: float, high: float) -> None:
        """Let it go on for a while, so that not all comes at the same point of the work."""
        time.sleep(self.chance.uniform(low, high))


Blow = Callable[[World], None]
Spell = Callable[[World], AbstractContextManager[None]]


# Processes.


def wait_for_workers(server: Server, gone: int = 0) -> None:
    """Wait until there are two, and none of them is the one that is gone."""
    wait_until(lambda: len(workers := server.workers()) == 2 and gone not in workers, "the workers")


def kill_a_worker(world: World) -> None:
    """kill -9; the master starts another."""
    wait_for_workers(world.server)
    victim = world.chance.choice(world.server.workers())
    with suppress(ProcessLookupError):
        os.kill(victim, signal.SIGKILL)
    wait_for_workers(world.server, victim)


def kill_the_hired(world: World) -> None:
    """kill -9 of the process that drains, or of the one that decodes for it, if there is one."""
    for _ in range(20):
        if hired := world.server.hired():
            with suppress(ProcessLookupError):
                os.kill(world.chance.choice(hired), signal.SIGKILL)
            return
        time.sleep(0.05)


def kill_all(world: World) -> None:
    """kill -9 of all at once, as in a crash of the machine."""
    world.server.kill()
    world.server.start()
    wait_for_workers(world.server)


def kill_the_master(world: World) -> None:
    """Its workers see it within a second, and end by themselves."""
    assert world.server.process is not None
    world.server.process.kill()
    world.server.process.wait()
    world.server.start()
    wait_for_workers(world.server)


def stop_and_start(world: World) -> None:
    """As an operator does."""
    assert world.server.stop() == 0
    world.server.start()
    wait_for_workers(world.server)


def hang_up(world: World) -> None:
    """HUP: other workers take the place of these."""
    assert world.server.process is not None
    wait_for_workers(world.server)
    before = set(world.server.workers())
    world.server.process.send_signal(signal.SIGHUP)
    wait_until(
        lambda: len(now := set(world.server.workers())) == 2 and not now & before, "other workers"
    )


# The clock.


def set_the_clock(world: World) -> None:
    """A day or a little, ahead or behind."""
    assert world.clock is not None
    day = world.chance.choice((-24, 0, 24)) * 3600.0
    world.clock.set(day + world.chance.uniform(-MAX_DRIFT_SECONDS, MAX_DRIFT_SECONDS))


def set_the_clock_there_and_back(world: World) -> None:
    """So that a segment's frames lie in several days; and all are killed before it is full."""
    for _ in range(3):
        set_the_clock(world)
        world.load.wait_for(30)
    kill_all(world)


# The disk.


@contextmanager
def disk_full(world: World) -> Iterator[None]:
    """A small disk is filled; without root, files may not grow."""
    if world.disk is not None:
        ballast = world.disk / "ballast"
        fill(ballast, leave=world.chance.choice((0, 100_000)))
        yield
        ballast.unlink()
        return
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    pids = world.server.workers() + world.server.hired()
    _limit_files(pids, world.chance.randint(1_000, 60_000), hard)
    yield
    _limit_files(pids, hard, hard)


def _limit_files(pids: list[int], size: int, hard: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def spoil_segments(world: World) -> None:
    """Flip bytes of frames that are not stored yet, or cut the last one off, while it is down."""
    server = world.server
    server.kill()
    old = set(list_segments(server.data / "journal"))
    server.environment["REDLOG_WRITER__ENABLED"] = "false"
    server.start()
    world.load.wait_for(100)
    server.kill()
    for path in set(list_segments(server.data / "journal")) - old:
        _spoil(world, path)
    server.environment["REDLOG_WRITER__ENABLED"] = "true"
    server.start()
    wait_for_workers(server)


def _spoil(world: World, path: Path) -> None:
    frames = [piece for piece in pieces_of(path) if isinstance(piece, Frame)]
    content = bytearray(path.read_bytes())
    # A sound frame follows each, so that the damage ends where its frame does.
    for number in range(world.chance.randint(0, 2), len(frames) - 2, world.chance.randint(4, 9)):
        at = world.chance.randrange(frames[number].start, frames[number].end)
        content[at] ^= 1 << world.chance.randrange(8)
        world.flipped.append(_spoiled(path, frames[number]))
    if frames and world.chance.random() < 0.5:
        last = frames[-1]
        del content[world.chance.randrange(last.start, last.end) :]
        world.cut.append(_spoiled(path, last))
    path.write_bytes(content)


def _spoiled(path: Path, frame: Frame) -> Spoiled:
    found = re.findall(rb'"message": ?("[^"]+")', frame.payload)
    messages = [str(json.loads(text)) for text in found]
    return Spoiled(path.stem, frame.start, frame.end, bool(frame.key), messages)


# The database.


def reset_connections(world: World) -> None:
    """Several times, at any point of what they carry."""
    assert world.proxy is not None
    for _ in range(5):
        world.proxy.reset()
        world.pause(0.0, 0.2)


@contextmanager
def connections_stall(world: World) -> Iterator[None]:
    """Nothing comes through, and then all of it."""
    assert world.proxy is not None
    with world.proxy.stalled():
        yield


@contextmanager
def database_killed(world: World) -> Iterator[None]:
    """kill -9, and it comes back."""
    assert world.mariadb is not None
    world.mariadb.kill()
    yield
    world.mariadb.start()


@contextmanager
def database_stopped(world: World) -> Iterator[None]:
    """SIGSTOP and SIGCONT."""
    assert world.mariadb is not None
    world.mariadb.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        world.mariadb.signal(signal.SIGCONT)


@contextmanager
def redis_killed(world: World) -> Iterator[None]:
    """kill -9, and it comes back empty."""
    assert world.redis is not None
    world.redis.kill()
    yield
    world.redis.start()


@contextmanager
def redis_stopped(world: World) -> Iterator[None]:
    """SIGSTOP and SIGCONT."""
    assert world.redis is not None
    world.redis.pause()
    yield
    world.redis.resume()


PROCESSES: tuple[Blow, ...] = (
    kill_a_worker,
    kill_the_hired,
    kill_all,
    kill_the_master,
    stop_and_start,
    hang_up,
)
EVERYWHERE: tuple[Blow, ...] = (
    *PROCESSES,
    set_the_clock,
    set_the_clock_there_and_back,
    spoil_segments,
)
SMALL: tuple[Blow, ...] = (kill_a_worker, kill_the_hired, set_the_clock)

# What may fall during each spell.
ON_ANY: dict[Spell, tuple[Blow, ...]] = {disk_full: SMALL}
ON_MARIADB: dict[Spell, tuple[Blow, ...]] = {
    connections_stall: (*SMALL, reset_connections),
    database_killed: (*PROCESSES, set_the_clock, reset_connections),
    database_stopped: (*SMALL, reset_connections),
}
ON_REDIS: dict[Spell, tuple[Blow, ...]] = {
    redis_killed: (*PROCESSES, set_the_clock),
    redis_stopped: (*PROCESSES, set_the_clock),
}
