"""Connections to MySQL: what comes over them, how often, and what a server may not ask for."""

from collections.abc import Callable, Iterator

import pytest
from mariadb import MariaDB
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import OperationalError

from database import mysql_engine
from database.mysql_engine import open_mysql, patient, reading

pytestmark = pytest.mark.mariadb
LENGTHS = (0, 1, 250, 251, 252, 253, 254, 255, 256, 65_535, 65_536, 9_000_000)


@pytest.fixture
def engine(mariadb: MariaDB) -> Iterator[Engine]:
    """An engine with a table `t` of one row."""
    made = open_mysql(make_url(mariadb.url(mariadb.new_database())))
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INT PRIMARY KEY)"))
        connection.execute(text("INSERT INTO t VALUES (1)"))
    yield made
    made.dispose()


def questions(mariadb: MariaDB) -> int:
    """How many statements and pings all clients have sent."""
    ((_, number),) = mariadb.run("SHOW GLOBAL STATUS LIKE 'Questions'")
    ((_, pings),) = mariadb.run("SHOW GLOBAL STATUS LIKE 'Com_admin_commands'")
    return int(str(number)) + int(str(pings))


def round_trips(mariadb: MariaDB, engine: Engine) -> int:
    """What a SELECT on a connection of the pool costs."""

    def counted(work: Callable[[], None]) -> int:
        before = questions(mariadb)
        work()
        return questions(mariadb) - before

    def ask() -> None:
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT n FROM t")) == 1

    ask()
    return counted(ask) - counted(lambda: None)


def test_a_search_is_one_round_trip(mariadb: MariaDB, engine: Engine) -> None:
    assert round_trips(mariadb, engine) == 2  # it ends a transaction
    own = reading(engine)
    assert round_trips(mariadb, own) == 1
    own.dispose()


@pytest.mark.parametrize("kind", [patient, reading])
def test_connections_that_a_server_closed_are_renewed(
    mariadb: MariaDB,
    engine: Engine,
    kind: Callable[[Engine], Engine],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = kind(engine)
    with own.connect() as one, own.connect() as other:
        numbers = [each.scalar(text("SELECT CONNECTION_ID()")) for each in (one, other)]
    mariadb.run(*(f"KILL {number}" for number in numbers))
    monkeypatch.setattr(mysql_engine, "SURE_SECONDS", 0.0)
    with own.connect() as one, own.connect() as other:
        renewed = [each.scalar(text("SELECT CONNECTION_ID()")) for each in (one, other)]
    assert not set(renewed) & set(numbers)
    own.dispose()


def test_one_that_was_closed_just_now_fails_once(
    mariadb: MariaDB, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql_engine, "SURE_SECONDS", 60.0)
    with engine.connect() as one, engine.connect() as other:
        numbers = [each.scalar(text("SELECT CONNECTION_ID()")) for each in (one, other)]
    mariadb.run(*(f"KILL {number}" for number in numbers))
    with pytest.raises(OperationalError), engine.connect() as connection:
        connection.scalar(text("SELECT n FROM t"))
    for _ in range(3):
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT n FROM t")) == 1


def test_values_of_any_length_come_as_they_are(engine: Engine) -> None:
    with engine.connect() as connection:
        asked = ", ".join(f"REPEAT('é', {length // 2}), NULL, {length}" for length in LENGTHS)
        row = connection.execute(text(f"SELECT {asked}, REPEAT('x', 9000000), X'00FF'")).one()
        assert connection.scalar(text("SELECT 7")) == 7
    expected = [each for length in LENGTHS for each in ("é" * (length // 2), None, length)]
    assert list(row) == [*expected, "x" * 9_000_000, b"\x00\xff"]


def test_a_server_is_given_no_file(mariadb: MariaDB, engine: Engine) -> None:
    with (
        pytest.raises(OperationalError, match="asks for a file"),
        engine.begin() as connection,
    ):
        connection.exec_driver_sql("LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE t")
    assert mariadb.run("SELECT n FROM t", database=engine.url.database) == [(1,)]
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT n FROM t")) == 1
