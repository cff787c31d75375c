"""The catalogue of partitions: whoever asks is told of every change, whoever made it."""

import multiprocessing
import random
import sqlite3
from contextlib import ExitStack, suppress

from node import Node
from sqlalchemy import update

from database.catalogue import Catalogue, Partition
from database.engine import open_engine
from database.tables import log_partition
from utils.settings import Database

DAYS = ("20261119", "20261120", "20261121")


class TakenBack(Exception):
    """A change is not to be."""


def there(node: Node) -> list[Partition]:
    """What another SQLite reads from the file."""
    database = sqlite3.connect(node.data / "redlog.db")
    rows = database.execute("SELECT * FROM log_partition ORDER BY name DESC").fetchall()
    database.close()
    return [Partition(*row) for row in rows]


def change(catalogue: Catalogue, chance: random.Random) -> None:
    """One of all changes, or one that is taken back."""
    day, number = chance.choice(DAYS), chance.randrange(1000)
    changes = [
        lambda: catalogue.widen(day, number, number, 3),
        lambda: catalogue.measure(day, number, number),
        lambda: catalogue.note_emptied(day, number),
        lambda: catalogue.request_drop(day),
        lambda: catalogue.remove(day),
        lambda: take_back(catalogue, number),
    ]
    chance.choice(changes)()


def take_back(catalogue: Catalogue, number: int) -> None:
    """A change that is undone, and whose connection was asked before."""
    catalogue.partitions()
    with suppress(TakenBack), catalogue.engine.begin() as connection:
        connection.execute(update(log_partition).values(records=number))
        raise TakenBack


def test_every_change_is_told(node: Node) -> None:
    """Of this connection, of others of this engine, and of another engine's."""
    chance = random.Random(7)
    engines = [node.engine, open_engine(Database(""), node.data)]
    catalogues = [Catalogue(engine) for engine in engines]
    told = set()
    for _ in range(300):
        with ExitStack() as stack:
            for engine in engines:
                for _ in range(chance.randrange(3)):  # so that others of its pool are taken
                    stack.enter_context(engine.connect())
            change(chance.choice(catalogues), chance)
            expected = there(node)
            told.add(tuple(expected))
            assert [catalogue.partitions() for catalogue in catalogues] == [expected] * 2
    engines[1].dispose()
    assert len(told) > 100


def test_a_child_process_is_told_as_well(node: Node) -> None:
    """It is forked from one that has asked, as gunicorn's workers are."""
    catalogue = node.store.catalogue
    catalogue.widen(DAYS[0], 1, 2, 3)
    assert len(catalogue.partitions()) == 1
    node.engine.dispose()  # as before each fork
    context = multiprocessing.get_context("fork")
    ours, its = context.Pipe()

    def ask() -> None:
        for _ in range(2):
            its.recv()
            its.send([partition.name for partition in catalogue.partitions()])

    child = context.Process(target=ask)
    child.start()
    answers = []
    for day in DAYS[1:]:
        catalogue.widen(day, 1, 2, 3)
        ours.send(None)
        answers.append(ours.recv())
    child.join(30)
    assert answers == [["20261120", "20261119"], ["20261121", "20261120", "20261119"]]
    assert child.exitcode == 0


def test_who_was_told_may_change_the_list(node: Node) -> None:
    node.store.catalogue.widen(DAYS[0], 1, 2, 3)
    node.store.catalogue.partitions().clear()
    assert [partition.name for partition in node.store.catalogue.partitions()] == [DAYS[0]]
