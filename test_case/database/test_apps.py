"""Apps and their ingest keys."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import create_engine, event

from database import apps as apps_module
from database.apps import MAX_KNOWN_KEYS, App, Apps, NameTaken, new_key
from database.catalogue import Catalogue
from database.engine import migrate, open_engine
from database.known_keys import KnownKeys
from exceptions import NotAccepting
from utils.settings import Database


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[Apps]:
    engine = open_engine(Database(""), tmp_path)
    migrate(engine)
    yield Apps(engine, tmp_path)
    engine.dispose()


@pytest.fixture
def statements(apps: Apps) -> list[str]:
    """The SQL that is run."""
    run: list[str] = []
    event.listen(
        apps.engine, "before_cursor_execute", lambda c, cursor, statement, *_: run.append(statement)
    )
    return run


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = apps_module.time.monotonic()
    monkeypatch.setattr(apps_module.time, "monotonic", lambda: now + seconds)


def test_an_app_is_known_by_its_key(apps: Apps) -> None:
    made = [apps.create(name) for name in ("shop", "商店")]
    assert [app.name for app in made] == ["shop", "商店"]
    assert apps.all() == made
    assert [apps.id_of_key(app.ingest_key) for app in made] == [app.id for app in made]
    assert apps.ids() == tuple(app.id for app in made)
    assert len({app.id for app in made}) == 2


@pytest.mark.parametrize("key", ["", "rlk_", "nonsense", "' OR 1=1 --", "键", "a\0b", "%"])
def test_a_key_that_no_app_owns(apps: Apps, key: str) -> None:
    apps.create("shop")
    assert apps.id_of_key(key) is None


def test_keys_and_secrets_are_random_and_plain(apps: Apps) -> None:
    made = [apps.create(f"app {n}") for n in range(20)]
    values = [value for app in made for value in (app.ingest_key, app.secret)]
    assert len(set(values)) == 40
    assert all(re.fullmatch(r"rlk_[0-9a-f]{32}", app.ingest_key) for app in made)
    assert all(re.fullmatch(r"[0-9a-f]{64}", app.secret) for app in made)
    assert re.fullmatch(r"rlk_[0-9a-f]{32}", new_key())


def test_a_name_is_given_once(apps: Apps) -> None:
    first = apps.create("shop")
    with pytest.raises(NameTaken, match="shop"):
        apps.create("shop")
    assert apps.all() == [first]


def test_a_rotated_key_replaces_the_old_one(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    app, other = apps.create("shop"), apps.create("other")
    assert apps.id_of_key(app.ingest_key) == app.id
    key = apps.rotate_key(app.id)
    assert key is not None and key != app.ingest_key
    later(monkeypatch, apps_module.KNOWN_SECONDS)
    assert (apps.id_of_key(key), apps.id_of_key(app.ingest_key)) == (app.id, None)
    assert apps.all() == [App(app.id, "shop", key, app.secret), other]


def test_another_process_sees_a_rotated_key_after_some_seconds(
    apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = apps.create("shop")
    elsewhere = Apps(apps.engine, apps.known_keys.path.parent)
    assert elsewhere.id_of_key(app.ingest_key) == app.id
    key = apps.rotate_key(app.id)
    assert key is not None
    assert elsewhere.id_of_key(key) == app.id
    later(monkeypatch, apps_module.KNOWN_SECONDS)
    assert elsewhere.id_of_key(app.ingest_key) is None


def test_there_is_no_key_to_rotate_without_an_app(apps: Apps) -> None:
    assert apps.rotate_key(1) is None
    assert apps.all() == []


def test_known_and_unknown_keys_are_looked_up_once_in_a_while(
    apps: Apps, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = apps.create("shop")
    for key in (app.ingest_key, "unknown"):
        apps.id_of_key(key)
    del statements[:]
    for _ in range(10):
        assert (apps.id_of_key(app.ingest_key), apps.id_of_key("unknown")) == (app.id, None)
    assert statements == []
    later(monkeypatch, apps_module.KNOWN_SECONDS)
    apps.id_of_key(app.ingest_key)
    assert len(statements) == 1


def test_keys_that_are_tried_out_do_not_fill_the_memory(
    apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apps_module, "MAX_KNOWN_KEYS", 50)
    assert MAX_KNOWN_KEYS == 10_000
    app = apps.create("shop")
    for number in range(120):
        apps.id_of_key(f"rlk_{number}")
        assert len(apps._known) <= 50
    assert apps.id_of_key(app.ingest_key) == app.id


def test_the_ids_of_all_apps_are_asked_for_once_in_a_while(
    apps: Apps, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = apps.create("a")
    assert apps.ids() == (first.id,)
    second = Apps(apps.engine, apps.known_keys.path.parent).create("b")
    del statements[:]
    assert apps.ids() == (first.id,) and statements == []
    later(monkeypatch, apps_module.KNOWN_SECONDS)
    assert apps.ids() == (first.id, second.id)


def test_totals_are_sums_over_all_minutes(apps: Apps) -> None:
    assert apps.totals() == {}
    catalogue = Catalogue(apps.engine)
    catalogue.set_counters([(1, 10, "stored", 5), (1, 11, "stored", 7), (2, 10, "duplicate", 1)])
    catalogue.set_counters([(1, 11, "stored", 8), (1, 11, "rejected:too_deep", 2)])
    catalogue.set_counters([])
    assert apps.totals() == {1: {"stored": 13, "rejected:too_deep": 2}, 2: {"duplicate": 1}}


def test_a_new_key_is_known_to_all_who_ask_at_once(apps: Apps) -> None:
    key = apps.create("shop").ingest_key
    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(apps.id_of_key, [key] * 200)) == {1}


def test_known_keys_hold_while_the_database_is_away(
    apps: Apps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = apps.create("shop")
    assert apps.id_of_key(app.ingest_key) == app.id
    away = create_engine(f"sqlite:///{tmp_path}/no/such/folder.db")
    restarted = Apps(away, tmp_path)
    assert restarted.id_of_key(app.ingest_key) == app.id
    with pytest.raises(NotAccepting):
        restarted.id_of_key("rlk_unknown")
    restarted.engine = apps.engine
    later(monkeypatch, apps_module.AWAY_SECONDS + apps_module.KNOWN_SECONDS)
    assert restarted.id_of_key("rlk_unknown") is None
    away.dispose()


def test_reports_wait_once_for_a_database_that_stalls(
    apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = apps.create("shop").ingest_key
    assert apps.id_of_key(key) == 1
    monkeypatch.setattr(apps_module, "KNOWN_SECONDS", 0.0)
    monkeypatch.setattr(apps_module, "AWAY_SECONDS", 0.0)
    monkeypatch.setattr(apps_module, "PATIENCE_SECONDS", 0.05)
    submit, asked, answer = apps._looking_up.submit, [], Event()

    def stall(_: object, key: str, before: int) -> Future[int]:
        asked.append(key)
        return submit(lambda: answer.wait(10) * before)

    with monkeypatch.context() as stalled, ThreadPoolExecutor(8) as pool:
        stalled.setattr(apps._looking_up, "submit", stall)
        apps._known.clear()
        assert set(pool.map(apps.id_of_key, [key] * 100)) == {1}
        assert asked == [key]
        answer.set()
    apps.rotate_key(1)
    apps._looking_up.submit(int).result(10)  # the look-up that stalled has ended
    apps._known.clear()
    assert apps.id_of_key(key) is None


def test_known_keys_are_not_waited_for_while_nothing_answers(
    apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = apps.create("shop").ingest_key
    assert apps.id_of_key(key) == 1
    apps._answers = False
    apps._known.clear()
    monkeypatch.setattr(apps_module, "PATIENCE_SECONDS", 10.0)
    asked = Event()
    with monkeypatch.context() as stalled:
        stalled.setattr(apps, "_look_up", lambda *_: asked.wait(10))
        begun = time.monotonic()
        assert apps.id_of_key(key) == 1
        assert time.monotonic() - begun < 5
        asked.set()
        apps._looking_up.submit(int).result(10)
    assert apps._answers


def test_the_copy_of_the_keys_holds_hashes_for_the_owner_alone(apps: Apps, tmp_path: Path) -> None:
    app = apps.create("shop")
    apps.id_of_key(app.ingest_key)
    file = tmp_path / "known_keys.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert app.ingest_key not in file.read_text() and app.secret not in file.read_text()
    key = apps.rotate_key(app.id)
    assert key is not None and apps.id_of_key(key) == app.id
    assert KnownKeys(file).id_of(key) == app.id
    assert KnownKeys(file).id_of(app.ingest_key) is None
