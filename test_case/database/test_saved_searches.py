"""Saved searches: kept as they were written, each name once in an app, gone with it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from node import Node
from sqlalchemy import func, select

from database import saved_searches as module
from database.access_tables import saved_search
from database.apps import Apps
from database.erasures import Erasures
from database.saved_searches import SavedSearches
from exceptions import NameTaken, NotFound, TooMany

QUERY = {"from": "-15m", "q": '支付 "a \\ b" 😀\0', "level": "error,fatal"}


@pytest.fixture
def apps(any_node: Node) -> Apps:
    return Apps(any_node.engine, any_node.data)


@pytest.fixture
def searches(any_node: Node) -> SavedSearches:
    return SavedSearches(any_node.engine)


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "query": QUERY, "columns": None, **more}


def test_a_search_is_kept_as_it_was_written(apps: Apps, searches: SavedSearches) -> None:
    shop, other = apps.create("shop").id, apps.create("other").id
    made = searches.create(
        shop, "account ada", named("Crashes 崩溃", columns=["user_id", "attr.a"])
    )
    assert (made.app_id, made.name, made.query) == (shop, "Crashes 崩溃", QUERY)
    assert (made.columns, made.created_by) == (["user_id", "attr.a"], "account ada")
    assert made.created_at == made.updated_at > 0
    second = searches.create(other, "operator", named("b"))
    assert second.columns is None
    assert searches.of_apps([other, shop]) == [made, second]
    assert searches.of_apps([other]) == [second]
    assert searches.of_apps([]) == []


def test_what_is_not_named_in_a_change_stays(apps: Apps, searches: SavedSearches) -> None:
    shop = apps.create("shop").id
    made = searches.create(shop, "operator", named("a", columns=["logger"]))
    changed = searches.change(made.id, [shop], {"name": "b"})
    assert changed == made._replace(name="b", updated_at=changed.updated_at)
    assert changed.updated_at > made.updated_at
    bare = searches.change(made.id, [shop], {"columns": None, "query": {}})
    assert (bare.name, bare.columns, bare.query) == ("b", None, {})
    assert searches.of_apps([shop]) == [bare]


def test_a_name_is_once_in_an_app(apps: Apps, searches: SavedSearches) -> None:
    shop, other = apps.create("shop").id, apps.create("other").id
    first = searches.create(shop, "operator", named("a"))
    searches.create(other, "operator", named("a"))
    second = searches.create(shop, "operator", named("A"))
    for refused in (
        lambda: searches.create(shop, "operator", named("a")),
        lambda: searches.change(second.id, [shop], {"name": "a"}),
    ):
        with pytest.raises(NameTaken, match="'a'"):
            refused()
    assert [each.name for each in searches.of_apps([shop])] == ["a", "A"]
    assert searches.change(first.id, [shop], {"name": "a"}).name == "a"


def test_another_apps_search_is_not_there(apps: Apps, searches: SavedSearches) -> None:
    shop, other = apps.create("shop").id, apps.create("other").id
    made = searches.create(shop, "operator", named("a"))
    for number, mine in ((made.id, [other]), (made.id, []), (made.id + 99, [shop])):
        with pytest.raises(NotFound):
            searches.change(number, mine, {"name": "b"})
        with pytest.raises(NotFound):
            searches.delete(number, mine)
    assert searches.delete(made.id, [shop]) == made
    with pytest.raises(NotFound):
        searches.delete(made.id, [shop])


def test_an_app_has_only_so_many(
    apps: Apps, searches: SavedSearches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when they come at once."""
    monkeypatch.setattr(module, "MAX_OF_APP", 3)
    shop = apps.create("shop").id

    def create(number: int) -> bool:
        try:
            searches.create(shop, "operator", named(str(number)))
        except TooMany:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(create, range(12))) == 3
    first = searches.of_apps([shop])[0]
    searches.delete(first.id, [shop])
    assert create(99)


def test_searches_go_with_their_app(any_node: Node, apps: Apps, searches: SavedSearches) -> None:
    shop, other = apps.create("shop").id, apps.create("other").id
    for app_id in (shop, other):
        searches.create(app_id, "operator", named("a"))
    apps.delete(shop, "operator")
    with pytest.raises(NotFound):
        searches.create(shop, "operator", named("b"))
    erasures = Erasures(any_node.engine)
    erasures.greet("one")
    request = erasures.next_for("one")
    assert request is not None
    erasures.carried_out(request.id, "one", 0, [])
    erasures.finish()
    with any_node.engine.connect() as connection:
        left = connection.execute(select(saved_search.c.app_id, func.count())).all()
    assert [tuple(row) for row in left] == [(other, 1)]
