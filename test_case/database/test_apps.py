"""Apps and their ingest keys."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from database.apps import App, Apps, NameTaken, new_key
from database.catalogue import Catalogue
from database.engine import migrate, open_engine
from utils.settings import Database


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[Apps]:
    engine = open_engine(Database(""), tmp_path)
    migrate(engine)
    yield Apps(engine, tmp_path)
    engine.dispose()


def test_an_app_is_known_by_its_key(apps: Apps) -> None:
    made = [apps.create(name) for name in ("shop", "商店")]
    assert [app.name for app in made] == ["shop", "商店"]
    assert apps.all() == made
    sources = [apps.source_of_key(app.ingest_key) for app in made]
    assert [source and source.app_id for source in sources] == [app.id for app in made]
    assert apps.ids() == tuple(app.id for app in made)
    assert len({app.id for app in made}) == 2


def test_a_rotated_key_replaces_the_old_one(apps: Apps) -> None:
    app, other = apps.create("shop"), apps.create("other")
    assert apps.source_of_key(app.ingest_key) is not None
    key = apps.rotate_key(app.id)
    assert key is not None and key != app.ingest_key
    assert apps.source_of_key(key) is not None
    assert apps.source_of_key(app.ingest_key) is None
    assert apps.all() == [App(app.id, "shop", key, app.secret), other]


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


def test_there_is_no_key_to_rotate_without_an_app(apps: Apps) -> None:
    assert apps.rotate_key(1) is None
    assert apps.all() == []


def test_totals_are_sums_over_all_minutes(apps: Apps) -> None:
    assert apps.totals() == {}
    catalogue = Catalogue(apps.engine)
    catalogue.set_counters([(1, 10, "stored", 5), (1, 11, "stored", 7), (2, 10, "duplicate", 1)])
    catalogue.set_counters([(1, 11, "stored", 8), (1, 11, "rejected:too_deep", 2)])
    catalogue.set_counters([])
    assert apps.totals() == {1: {"stored": 13, "rejected:too_deep": 2}, 2: {"duplicate": 1}}
