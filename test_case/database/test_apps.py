"""Apps: made, changed, deleted, counted."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from node import Node
from sqlalchemy import insert, select

from database.access_tables import erasure
from database.apps import App, Apps
from database.ingest_keys import new_key
from database.tables import app_counter
from exceptions import NameTaken
from utils.app_settings import AppSettings


@pytest.fixture
def apps(any_node: Node) -> Apps:
    return Apps(any_node.engine, any_node.data)


def test_an_app_is_known_by_its_key(apps: Apps) -> None:
    made = [apps.create(name) for name in ("shop", "商店")]
    assert [app.name for app in made] == ["shop", "商店"]
    assert apps.all() == made
    sources = [apps.source_of_key(app.ingest_key or "") for app in made]
    assert [source and source.app_id for source in sources] == [app.id for app in made]
    assert apps.ids() == tuple(app.id for app in made)
    assert len({app.id for app in made}) == 2


def test_an_app_is_changed_in_one_step(apps: Apps) -> None:
    shop, other = apps.create("shop"), apps.create("other")

    def one_day_more(app: App) -> App:
        days = app.settings.retention_days + 1
        return app._replace(settings=AppSettings(retention_days=days))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: apps.change(shop.id, one_day_more), range(20)))
    found = apps.find(shop.id)
    assert found == shop._replace(settings=AppSettings(retention_days=20))
    source = apps.source_of_key(shop.ingest_key or "")
    assert source is not None and source.settings == found.settings
    with pytest.raises(NameTaken):
        apps.change(other.id, lambda app: app._replace(name="shop"))
    assert apps.all() == [found, other]
    assert apps.change(99, one_day_more) is None


def test_a_deleted_app_is_refused_and_its_name_is_free(apps: Apps) -> None:
    shop = apps.create("shop")
    number = apps.delete(shop.id, "account ada")
    assert apps.source_of_key(shop.ingest_key or "") is None
    assert (apps.all(), apps.ids(), apps.find(shop.id)) == ([], (), None)
    assert apps.delete(shop.id, "account ada") is None
    assert apps.change(shop.id, lambda app: app) is None
    with apps.engine.connect() as connection:
        (row,) = connection.execute(select(erasure))
    assert (row.id, row.field, row.value, row.requested_by) == (number, "app", "1", "account ada")
    assert (row.apps, row.finished_at, row.records) == ("[1]", None, "{}")
    assert apps.create("shop").id != shop.id


def counted(apps: Apps, *rows: tuple[int, int, str, int]) -> None:
    """Records are counted: app, minute, outcome, how many."""
    with apps.engine.begin() as connection:
        connection.execute(
            insert(app_counter), [dict(zip(app_counter.c.keys(), row, strict=True)) for row in rows]
        )


def test_counters_by_bucket(apps: Apps) -> None:
    counted(apps, (1, 59, "stored", 1), (1, 60, "stored", 2), (1, 119, "stored", 3))
    counted(apps, (1, 120, "shed", 4), (2, 60, "stored", 9), (1, 180, "stored", 9))
    assert apps.counts(1, 59, 180, 60) == [(0, "stored", 1), (60, "stored", 5), (120, "shed", 4)]
    by_minute = [(59, "stored", 1), (60, "stored", 2), (119, "stored", 3), (120, "shed", 4)]
    assert apps.counts(1, 0, 180, 1) == by_minute
    assert apps.counts(1, 60, 61, 60) == [(60, "stored", 2)]
    assert apps.counts(3, 0, 999, 60) == []


def test_keys_and_secrets_are_random_and_plain(apps: Apps) -> None:
    made = [apps.create(f"app {n}") for n in range(20)]
    values = [value for app in made for value in (app.ingest_key, app.secret)]
    assert len(set(values)) == 40
    assert all(re.fullmatch(r"rlk_[0-9a-f]{32}", str(app.ingest_key)) for app in made)
    assert all(re.fullmatch(r"[0-9a-f]{64}", app.secret) for app in made)
    assert re.fullmatch(r"rlk_[0-9a-f]{32}", new_key())


def test_a_name_is_given_once(apps: Apps) -> None:
    first = apps.create("shop")
    with pytest.raises(NameTaken, match="shop"):
        apps.create("shop")
    assert apps.all() == [first]


def test_totals_are_sums_over_all_minutes(apps: Apps) -> None:
    assert apps.totals() == {}
    counted(apps, (1, 10, "stored", 5), (1, 11, "stored", 8), (2, 10, "duplicate", 1))
    counted(apps, (1, 11, "rejected:too_deep", 2))
    assert apps.totals() == {1: {"stored": 13, "rejected:too_deep": 2}, 2: {"duplicate": 1}}
