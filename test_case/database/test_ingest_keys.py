"""Keys of an app: several, labelled, revoked, rotated with and without overlap."""

import pytest
from node import Node

from database import ingest_keys, known_keys
from database.apps import Apps
from database.ingest_keys import HOUR
from exceptions import TooMany
from utils.clock import now_us


@pytest.fixture
def apps(any_node: Node) -> Apps:
    made = Apps(any_node.engine, any_node.data)
    made.create("shop")
    made.create("other")
    return made


def labels(apps: Apps) -> list[str]:
    return [key.label for key in apps.keys.of_app(1)]


def test_an_app_has_several_keys(apps: Apps) -> None:
    made = [apps.keys.create(1, label) for label in ("Android", "小程序")]
    assert labels(apps) == ["default", "Android", "小程序"]
    sources = [apps.source_of_key(key.key) for key in made]
    assert [source and (source.app_id, source.key_id) for source in sources] == [(1, 3), (1, 4)]
    assert apps.all()[0].ingest_key == made[1].key


def test_an_app_has_so_many_good_keys_and_no_more(
    apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_keys, "MAX_KEYS", 3)
    keys = [apps.keys.create(1, "more") for _ in range(2)]
    before = apps.keys.of_app(1)
    for refused in (
        lambda: apps.keys.create(1, "one too many"),
        lambda: apps.keys.rotate(1, keys[0].id, 1),  # both would be good for an hour
    ):
        with pytest.raises(TooMany):
            refused()
        assert apps.keys.of_app(1) == before
    assert apps.keys.rotate(1, keys[0].id, 0) is not None
    apps.keys.revoke(1, keys[1].id)
    assert apps.keys.create(1, "in its place") and len(apps.keys.of_app(1)) == 3
    assert apps.keys.create(2, "of another app")


def test_a_key_gets_another_label(apps: Apps) -> None:
    changed = apps.keys.relabel(1, 1, "iOS")
    assert changed is not None and changed.label == "iOS"
    assert apps.keys.of_app(1) == [changed]


def test_a_revoked_key_is_no_key(apps: Apps) -> None:
    (first,) = apps.keys.of_app(1)
    assert apps.keys.revoke(1, first.id) is not None
    assert apps.source_of_key(first.key) is None
    assert apps.keys.of_app(1) == []
    assert apps.all()[0].ingest_key is None
    assert apps.keys.revoke(1, first.id) is None
    assert apps.keys.revoke(1, 10**18 - 1) is None


def test_a_rotated_key_is_replaced_at_once(apps: Apps) -> None:
    (first,) = apps.keys.of_app(1)
    made = apps.keys.rotate(1, first.id, 0)
    assert made is not None and made.key != first.key
    assert (apps.source_of_key(first.key), labels(apps)) == (None, ["default"])
    assert apps.all()[0].ingest_key == made.key


def test_with_overlap_both_keys_are_good_for_a_while(
    apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = apps.keys.of_app(1)
    begun = now_us()
    made = apps.keys.rotate(1, first.id, 2)
    assert made is not None
    old, new = apps.keys.of_app(1)
    assert begun + 2 * HOUR <= (old.expires_at or 0) <= now_us() + 2 * HOUR
    assert (new, new.expires_at) == (made, None)
    assert apps.source_of_key(first.key) and apps.source_of_key(new.key)
    assert apps.all()[0].ingest_key == new.key
    assert apps.keys.rotate(1, first.id, 5) is not None  # which does not make it last longer
    assert apps.keys.of_app(1)[0].expires_at == old.expires_at
    for module in (ingest_keys, known_keys):
        monkeypatch.setattr(module, "now_us", lambda: begun + 3 * HOUR)
    assert (apps.directory._current().source_of(first.key), len(apps.keys.of_app(1))) == (None, 2)


def test_of_another_app_there_is_no_such_key(apps: Apps) -> None:
    for key_id in (2, 99):
        assert apps.keys.relabel(1, key_id, "mine") is None
        assert apps.keys.revoke(1, key_id) is None
        assert apps.keys.rotate(1, key_id, 0) is None
    assert [key.label for key in apps.keys.of_app(2)] == ["default"]
