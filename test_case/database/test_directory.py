"""The directory: who may report, as the database said last."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import NamedTuple

import pytest
from sqlalchemy import create_engine, event

from database import directory as directory_module
from database.apps import Apps
from database.directory import KNOWN_SECONDS, MAX_REFUSED, Directory
from database.engine import migrate, open_engine
from database.known_keys import Known, KnownKeys
from exceptions import NotAccepting, StoreAway
from utils.app_settings import DEFAULTS, AppSettings, Scrubbing, ScrubRule, Source
from utils.clock import MINUTE
from utils.settings import Database


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[Apps]:
    engine = open_engine(Database(""), tmp_path)
    migrate(engine)
    yield Apps(engine, tmp_path)
    engine.dispose()


@pytest.fixture
def elsewhere(apps: Apps, tmp_path: Path) -> Apps:
    """The same apps, seen by another node."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return Apps(apps.engine, folder)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lets the time pass that a directory is good for."""

    def pass_time() -> None:
        now = directory_module.time.monotonic()
        monkeypatch.setattr(directory_module.time, "monotonic", lambda: now + KNOWN_SECONDS)

    return pass_time


@pytest.fixture
def statements(apps: Apps) -> list[str]:
    """The SQL that is run."""
    run: list[str] = []
    event.listen(
        apps.engine, "before_cursor_execute", lambda c, cursor, statement, *_: run.append(statement)
    )
    return run


class NewApp(NamedTuple):
    """An app and its first key."""

    id: int
    ingest_key: str
    secret: str


def new_app(apps: Apps, name: str = "shop") -> NewApp:
    app = apps.create(name)
    assert app.ingest_key is not None
    return NewApp(app.id, app.ingest_key, app.secret)


def wait_for_reading(directory: Directory) -> None:
    """Wait until all that was asked of the database so far is answered."""
    directory._reading.submit(int).result(10)


def test_a_key_leads_to_its_app_and_what_that_wants(apps: Apps) -> None:
    made = new_app(apps)
    source = apps.source_of_key(made.ingest_key)
    assert source == Source(made.id, 1, DEFAULTS, made.secret)


@pytest.mark.parametrize(
    "key", ["", "rlk_", "nonsense", "' OR 1=1 --", "键", "a\0b", "%", "\ud800"]
)
def test_a_key_that_no_app_owns(apps: Apps, key: str) -> None:
    apps.create("shop")
    assert apps.source_of_key(key) is None


def test_a_key_made_on_another_node_is_good_at_once(apps: Apps, elsewhere: Apps) -> None:
    assert elsewhere.source_of_key("rlk_unknown") is None
    made = new_app(apps)
    assert elsewhere.source_of_key(made.ingest_key) is not None


def test_other_processes_of_the_node_see_a_change_at_once(apps: Apps, tmp_path: Path) -> None:
    beside = Apps(apps.engine, tmp_path)
    made = new_app(apps)
    assert beside.source_of_key(made.ingest_key) is not None
    assert beside.ids() == (made.id,)
    apps.keys.rotate(made.id, 1, 0)
    assert beside.source_of_key(made.ingest_key) is None
    assert apps.create("other").id in beside.ids()


def test_other_nodes_see_a_change_when_their_directory_is_read_anew(
    apps: Apps, elsewhere: Apps, later: Callable[[], None]
) -> None:
    made = new_app(apps)
    assert elsewhere.source_of_key(made.ingest_key) is not None
    apps.keys.rotate(made.id, 1, 0)
    later()
    elsewhere.source_of_key(made.ingest_key)
    wait_for_reading(elsewhere.directory)
    assert elsewhere.source_of_key(made.ingest_key) is None
    other = apps.create("other")
    later()
    assert elsewhere.ids() == (made.id, other.id)


def test_the_database_is_read_once_in_a_while(
    apps: Apps, statements: list[str], later: Callable[[], None]
) -> None:
    key = new_app(apps).ingest_key
    assert apps.source_of_key("unknown") is None
    del statements[:]
    for _ in range(10):
        assert apps.source_of_key(key) and apps.source_of_key("unknown") is None and apps.ids()
    assert statements == []
    later()
    for _ in range(10):
        apps.source_of_key(key)
    wait_for_reading(apps.directory)
    assert [statement[:6] for statement in statements] == ["SELECT", "SELECT", "UPDATE"]


def test_keys_that_are_tried_out_do_not_fill_the_memory(
    apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_REFUSED == 10_000
    monkeypatch.setattr(directory_module, "MAX_REFUSED", 50)
    for number in range(120):
        assert apps.source_of_key(f"rlk_{number}") is None
        assert len(apps.directory._refused) <= 50


def test_all_who_bring_an_unknown_key_wait_for_one_reading(
    apps: Apps, elsewhere: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = new_app(apps)
    read, begun, may_end, readings = elsewhere.directory.read, Event(), Event(), []

    def slowly() -> None:
        begun.set()
        may_end.wait(10)
        readings.append(1)
        read()

    monkeypatch.setattr(elsewhere.directory, "read", slowly)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(elsewhere.source_of_key, "rlk_unknown")
        begun.wait(10)
        rest = [pool.submit(elsewhere.source_of_key, made.ingest_key) for _ in range(8)]
        may_end.set()
        assert first.result(10) is None
        assert all(found.result(10) for found in rest)
    assert len(readings) <= 3  # the first one, and one or two for the eight who came after it began


def test_what_was_known_holds_while_the_database_is_away(
    apps: Apps, tmp_path: Path, later: Callable[[], None]
) -> None:
    made = new_app(apps)
    away = create_engine(f"sqlite:///{tmp_path}/no/such/folder.db")
    restarted = Apps(away, tmp_path)
    assert restarted.source_of_key(made.ingest_key) == apps.source_of_key(made.ingest_key)
    assert restarted.ids() == (made.id,)
    with pytest.raises(NotAccepting):
        restarted.source_of_key("rlk_unknown")
    restarted.directory.engine = apps.engine
    later()
    restarted.source_of_key(made.ingest_key)
    wait_for_reading(restarted.directory)
    assert restarted.source_of_key("rlk_unknown") is None
    away.dispose()


def test_without_database_and_file_there_is_no_answer(tmp_path: Path) -> None:
    away = create_engine(f"sqlite:///{tmp_path}/no/such/folder.db")
    apps = Apps(away, tmp_path)
    for _ in range(2):
        with pytest.raises(StoreAway):
            apps.ids()
        with pytest.raises(NotAccepting):
            apps.source_of_key("rlk_unknown")
    away.dispose()


def test_known_keys_never_wait_and_others_once_for_a_database_that_stalls(
    apps: Apps, later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_app(apps).ingest_key
    read, may_end = apps.directory.read, Event()

    def stall() -> None:
        assert may_end.wait(30)
        read()

    monkeypatch.setattr(apps.directory, "read", stall)
    later()
    assert all(apps.source_of_key(key) for _ in range(100))  # the reading has begun
    monkeypatch.setattr(directory_module, "PATIENCE_SECONDS", 0.05)
    with pytest.raises(NotAccepting):
        apps.source_of_key("rlk_unknown")
    monkeypatch.setattr(directory_module, "PATIENCE_SECONDS", 60.0)
    for number in range(100):
        with pytest.raises(NotAccepting):
            apps.source_of_key(f"rlk_unknown{number}")
    assert apps.directory._reading._work_queue.qsize() <= 1
    may_end.set()
    wait_for_reading(apps.directory)
    assert apps.source_of_key("rlk_unknown") is None


def test_the_file_holds_hashes_of_keys_for_the_owner_alone(apps: Apps, tmp_path: Path) -> None:
    made = new_app(apps)
    file = tmp_path / "known_keys.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert made.ingest_key not in file.read_text()
    key = apps.keys.rotate(made.id, 1, 0)
    assert key is not None
    known = KnownKeys(file).read()
    assert known.source_of(key.key) == Source(made.id, 2, DEFAULTS, made.secret)
    assert known.source_of(made.ingest_key) is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"apps": 1}', b"{}"])
def test_a_damaged_file_is_written_anew(apps: Apps, tmp_path: Path, content: bytes) -> None:
    key = new_app(apps).ingest_key
    file = tmp_path / "known_keys.json"
    file.write_bytes(content)
    assert KnownKeys(file).read() == Known()
    assert apps.source_of_key(key) is not None
    assert KnownKeys(file).read().source_of(key) is not None


def test_a_file_that_can_not_be_written_is_not_needed(apps: Apps, tmp_path: Path) -> None:
    (tmp_path / "known_keys.json").mkdir()
    key = new_app(apps).ingest_key
    assert apps.source_of_key(key) is not None


def test_when_a_key_was_used_is_noted_once_a_minute(
    apps: Apps, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, now = new_app(apps), 1_800_000_000_000_000
    monkeypatch.setattr(directory_module, "KNOWN_SECONDS", 0.0)

    def used_at(moment: int) -> int | None:
        with monkeypatch.context() as then:
            then.setattr(directory_module, "now_us", lambda: moment)
            assert apps.source_of_key(made.ingest_key) is not None
            wait_for_reading(apps.directory)
        return apps.keys.of_app(made.id)[0].last_used_at

    assert apps.keys.of_app(made.id)[0].last_used_at is None
    assert used_at(now) == now
    del statements[:]
    assert used_at(now + MINUTE - 1) == now
    assert not any(statement.startswith("UPDATE") for statement in statements)
    assert used_at(now + MINUTE) == now + MINUTE


def test_the_file_is_written_only_when_something_has_changed(apps: Apps) -> None:
    rules = Scrubbing(builtin=["email"], rules=[ScrubRule(fields=["attributes.card"])])
    apps.create("shop", AppSettings(scrubbing=rules, allowed_origins=["https://商店.example"]))
    written = apps.directory.file.stamp()
    apps.directory.read()
    assert apps.directory.file.stamp() == written
