"""Readers who follow what is stored: quick ones, slow ones, and those who come back."""

import json
import math
import random
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from node import Node, frame

from database.ends import Ends
from database.expression import EVERYTHING, Contains
from database.expression import Node as Condition
from database.log_query import LogFilter
from database.log_tail import Wanted
from exceptions import BadToken, RevokedToken, StoreAway
from service import following
from service.following import Follower, Reading
from service.tail_cursor import read_cursor
from utils import event_stream
from utils.clock import DAY, now_us
from utils.event_stream import EventStream

NOW = now_us()


class Reader:
    """Somebody at the other end of a follower's stream."""

    def __init__(self, follower: Follower) -> None:
        ours, self.end = socket.socketpair()
        self.end.setblocking(False)
        self.follower = follower
        follower.stream = EventStream(ours, is_chunked=False)
        self.text = ""

    def read(self, most: int = 1 << 20) -> bool:
        """Take what is there, at most so many bytes; False when there was nothing."""
        try:
            self.text += self.end.recv(most).decode()
        except BlockingIOError:
            return False
        return True

    @property
    def events(self) -> list[dict[str, str]]:
        """Those that came whole: their lines by name."""
        blocks = [block.split("\n") for block in self.text.split("\n\n")[:-1]]
        return [dict(line.split(": ", 1) for line in block) for block in blocks]

    @property
    def messages(self) -> list[str]:
        records = [json.loads(each["data"]) for each in self.events if "data" in each]
        return [record["message"] for record in records if "message" in record]

    @property
    def gaps(self) -> list[dict[str, Any]]:
        return [json.loads(each["data"]) for each in self.events if each.get("event") == "gap"]


class Scene:
    """A store, those who follow it, and the reading for them."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.ends = Ends(node.store)
        self.ends.look(anew=True)
        self.reading = Reading(node.store)
        self.readers: list[Reader] = []

    def enter(self, condition: Condition = EVERYTHING, last_id: str = "", **more: Any) -> Reader:
        """Somebody new, from now on or from an event's id on."""
        number = len(self.readers)
        wanted = self.node.store.wanted_by(LogFilter((1,), where=condition), number)
        ends = self.ends.look()
        places = read_cursor(last_id, ends) if last_id else ends
        goes_on: Callable[[], bool] = more.get("goes_on", lambda: True)
        reader = Reader(Follower(number, wanted, (1,), places, goes_on))
        self.reading.look_for(reader.follower)
        self.readers.append(reader)
        return reader

    def store(self, *messages: str, at: int = NOW) -> None:
        self.node.write_segment(frame(messages, at=at), at=at)
        self.node.drain()

    def turn(self) -> bool:
        """What the thread does in a turn."""
        followers = [reader.follower for reader in self.readers]
        self.reading.look(self.ends.look(), followers)
        is_more = self.reading.advance(followers)
        for follower in followers:
            assert follower.tend(0.0)
        return is_more

    def settle(self) -> None:
        """Turn until everybody has everything."""
        quiet = 0
        while quiet < 3:
            is_more = self.turn()
            took = [reader.read() for reader in self.readers]
            quiet = 0 if is_more or any(took) else quiet + 1


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(event_stream, "MOST_WAITING", 2000)
    monkeypatch.setattr(event_stream, "KERNEL_BYTES", 2000)
    monkeypatch.setattr(following, "STRETCH", 7)
    node = Node(tmp_path / "data")
    made = Scene(node)
    yield made
    for reader in made.readers:
        reader.end.close()
        reader.follower.stream.end(b"")
    node.close()


def numbered(low: int, high: int, text: str = "m") -> list[str]:
    return [f"{text}{n}" for n in range(low, high)]


def test_a_slow_reader_holds_up_nobody_and_loses_nothing(scene: Scene) -> None:
    scene.store("before")
    quick, slow = scene.enter(), scene.enter()
    for low in range(0, 200, 20):
        scene.store(*numbered(low, low + 20))
        for _ in range(5):
            scene.turn()
            quick.read()
    assert quick.messages == numbered(0, 200)
    stream = slow.follower.stream
    assert stream.is_full
    assert len(stream._events) + len(stream._wire) < 2000 + 400  # and an event
    scene.settle()
    assert slow.messages == numbered(0, 200)
    assert slow.follower.place(next(iter(scene.reading.ends))) == 201


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_each_gets_what_is_theirs_once(scene: Scene, seed: int) -> None:
    """Readers come, read in pieces, go and come back, while late records are stored too."""
    chance = random.Random(seed)
    expected: dict[Reader, list[str]] = {}
    conditions = [EVERYTHING, Contains("7"), Contains("3"), Contains("nothing")]

    def theirs(reader: Reader, messages: list[str]) -> list[str]:
        condition = reader.follower.condition  # type: ignore[attr-defined]
        return [m for m in messages if not isinstance(condition, Contains) or condition.text in m]

    def enter(condition: Condition, last_id: str = "") -> Reader:
        reader = scene.enter(condition, last_id)
        reader.follower.condition = condition  # type: ignore[attr-defined]
        return reader

    for reader in map(enter, conditions * 2):
        expected[reader] = []
    made = 0
    for _ in range(60):
        match chance.choice(("store", "turn", "read", "return")):
            case "store":
                messages = numbered(made, made := made + chance.randint(1, 30))
                scene.store(*messages, at=NOW - chance.choice((0, 0, DAY, 5 * DAY)))
                for reader in expected:
                    expected[reader] += theirs(reader, messages)
            case "turn":
                scene.turn()
            case "read":
                chance.choice(scene.readers).read(chance.randint(1, 3000))
            case "return":
                reader = chance.choice(list(expected))
                ids = [event["id"] for event in reader.events if "id" in event]
                if ids:
                    got = set(reader.messages)
                    again = enter(reader.follower.condition, ids[-1])  # type: ignore[attr-defined]
                    expected[again] = [m for m in expected[reader] if m not in got]
    scene.settle()
    for reader, messages in expected.items():
        assert sorted(reader.messages) == sorted(messages)
        assert reader.gaps == []


def test_who_was_up_to_date_and_is_far_behind_is_told_and_goes_on_from_now(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MOST_BEHIND", 100)
    live, slow = scene.enter(), scene.enter()
    scene.store(*numbered(0, 150))
    scene.settle()
    assert live.messages == slow.messages == numbered(0, 150)  # they have not been up to date yet
    for low in range(150, 350, 50):
        scene.store(*numbered(low, low + 50))
        for _ in range(9):
            scene.turn()
            live.read()
    scene.store("last")
    scene.settle()
    assert live.messages == [*numbered(0, 350), "last"] and live.gaps == []
    (gap,) = slow.gaps
    got = slow.messages
    missed = 351 - len(got)
    assert got in ([*numbered(0, len(got) - 1), "last"], numbered(0, len(got)))
    assert gap["records"] == missed > 100
    assert scene.reading.flooded_at == -math.inf  # one who is slow is no flood
    again = scene.enter(last_id=gap["from"])
    scene.settle()
    assert again.messages[:missed] == [m for m in live.messages if m not in got]


def test_more_than_anybody_can_be_shown_is_a_flood(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MOST_BEHIND", 100)
    readers = [scene.enter() for _ in range(3)]
    scene.settle()
    scene.store(*numbered(0, 90))
    scene.settle()
    assert scene.reading.flooded_at == -math.inf
    before = time.monotonic()
    scene.store(*numbered(90, 300))
    scene.settle()
    assert before <= scene.reading.flooded_at <= time.monotonic()
    for reader in readers:
        (gap,) = reader.gaps
        assert (reader.messages, gap["records"]) == (numbered(0, 90), 210)


def test_who_comes_back_after_long_misses_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MOST_BEHIND", 10)
    first = scene.enter()
    scene.store("a")
    scene.settle()
    last_id = first.events[-1]["id"]
    scene.store(*numbered(0, 200))
    again = scene.enter(last_id=last_id)
    scene.settle()
    assert again.messages == numbered(0, 200) and again.gaps == []


def test_who_begins_long_ago_can_come_back_at_any_day(scene: Scene) -> None:
    days = [NOW - n * DAY for n in range(15, -1, -1)]
    for n, at in enumerate(days):
        scene.store(*numbered(10 * n, 10 * n + 10), at=at)
    scene.ends.look(anew=True)
    first = scene.enter()
    first.follower.places = dict.fromkeys(first.follower.places, 0)
    first.follower.places[min(first.follower.places)] = 3
    scene.reading.look_for(first.follower)
    scene.settle()
    assert first.messages == numbered(3, 160)
    for n in (0, 15, 80, 130, 156):
        again = scene.enter(last_id=first.events[n]["id"])
        scene.settle()
        assert again.messages == numbered(4 + n, 160)


def test_many_who_are_behind_come_up_all(scene: Scene) -> None:
    first = scene.enter()
    scene.store(*numbered(0, 200))
    scene.settle()
    late = [scene.enter(last_id=event["id"]) for event in first.events[::10]]
    assert len(late) > following.MOST_PLACES
    scene.store("last")
    scene.settle()
    for n, reader in enumerate(late):
        assert reader.messages == [*numbered(10 * n + 1, 200), "last"]


def test_a_filter_that_fails_takes_nothing_from_others(scene: Scene) -> None:
    good, bad = scene.enter(), scene.enter()
    bad.follower.wanted = Wanted("no_such_function(log.message)", {})
    scene.store(*numbered(0, 10))
    for _ in range(12):
        scene.turn()
    scene.settle()
    assert good.messages == numbered(0, 10)
    assert bad.messages == [] and sum(gap["records"] for gap in bad.gaps) == 10


def test_a_dropped_day_that_comes_back_is_read_from_its_begin(scene: Scene) -> None:
    reader = scene.enter()
    scene.store("a", "b", "c", at=NOW - DAY)
    scene.settle()
    (day,) = scene.reading.ends
    assert scene.node.store.catalogue.request_drop(day)
    scene.node.drain(days=400)
    scene.turn()
    scene.store(*numbered(0, 9), at=NOW - DAY)
    scene.settle()
    assert reader.messages == ["a", "b", "c", *numbered(0, 9)]


@pytest.mark.parametrize(
    ("said", "goes_on"),
    [(True, True), (False, False), (BadToken(""), False), (RevokedToken(""), False),
     (StoreAway(""), True), (OSError(), True)],
)  # fmt: skip
def test_at_each_heartbeat_they_are_asked_for_again(scene: Scene, said: Any, goes_on: bool) -> None:
    def ask() -> bool:
        if isinstance(said, Exception):
            raise said
        return bool(said)

    reader = scene.enter(goes_on=ask)
    assert reader.follower.tend(0.0) and not reader.read()
    assert reader.follower.tend(1e12) is goes_on
    assert reader.read() is goes_on
    if goes_on:
        comment, place = reader.text.rstrip("\n").split("\n")
        assert comment.startswith(":") and place.startswith("id: ")
        scene.store("a")
        scene.settle()
        again = scene.enter(last_id=place.removeprefix("id: "))
        scene.settle()
        assert again.messages == ["a"]


def test_a_reader_who_takes_nothing_for_long_is_let_go(scene: Scene) -> None:
    reader = scene.enter()
    scene.store(*numbered(0, 100))
    while not reader.follower.stream.is_full:
        scene.turn()
    taken_at = reader.follower.stream.taken_at
    assert reader.follower.tend(taken_at + following.STUCK_SECONDS - 1)
    assert not reader.follower.tend(taken_at + following.STUCK_SECONDS)
