"""Files that came with records: whole or not there, bounded, and gone when their records are."""

import os
import time
from pathlib import Path

import pytest

from database.attachments import COMING, COMING_SECONDS, Attachments, name_of
from database.log_store import Target
from utils.files import free_bytes
from utils.settings import Retention

DAYS = ("20261118", "20261119", "20261120")


@pytest.fixture
def attachments(tmp_path: Path) -> Attachments:
    return Attachments(tmp_path, Retention(0, 0, 1000))


def kept(attachments: Attachments, name: str, content: bytes = b"x") -> bool:
    with attachments.coming() as coming:
        is_written = coming.write(name, content)
        coming.show()
    return is_written


def named(
    day: str = DAYS[-1], app: int = 1, user: object = None, device: object = None, what: bytes = b""
) -> str:
    return name_of(day, app, user, device, what)


def names(attachments: Attachments) -> set[str]:
    return {path.name for path in attachments.folder.glob("*")}


def test_a_file_is_seen_once_it_is_shown(attachments: Attachments) -> None:
    with attachments.coming() as coming:
        assert coming.write(named(), b"\0\n\xff")
        assert attachments.path_of(named(), 1) is None
        coming.show()
    path = attachments.path_of(named(), 1)
    assert path is not None and path.read_bytes() == b"\0\n\xff"
    assert names(attachments) == {named()}


def test_what_is_not_shown_leaves_nothing(attachments: Attachments) -> None:
    with pytest.raises(KeyError), attachments.coming() as coming:
        assert coming.write(named(), b"x")
        raise KeyError
    with attachments.coming() as coming:
        assert coming.write(named(), b"x")
    assert names(attachments) == set()


def test_the_same_file_sent_again_is_one(attachments: Attachments) -> None:
    assert kept(attachments, named(what=b"a"), b"a") and kept(attachments, named(what=b"a"), b"a")
    assert len(names(attachments)) == 1


def test_only_its_app_finds_it_and_nothing_outside_the_folder(attachments: Attachments) -> None:
    kept(attachments, named())
    assert attachments.path_of(named(), 2) is None
    for name in ("../secret", "..", "", "/etc/passwd", named() + "/..", named()[:-1], "20261120"):
        assert attachments.path_of(name, 1) is None
    forged = f"20261120-1-_-_-{'0' * 32}"
    assert attachments.path_of(forged, 1) is None


def test_no_more_is_kept_than_may_be(attachments: Attachments) -> None:
    assert kept(attachments, named(what=b"a"), b"a" * 600)
    assert not kept(attachments, named(what=b"b"), b"b" * 600)
    assert kept(attachments, named(what=b"c"), b"c" * 400)
    assert names(attachments) == {named(what=b"a"), named(what=b"c")}
    again = Attachments(attachments.folder.parent, Retention(0, 0, 1000))
    assert not kept(again, named(what=b"d"), b"d")  # another process sees them too


def test_nothing_is_kept_while_the_disk_is_nearly_full(tmp_path: Path) -> None:
    full = Attachments(tmp_path, Retention(0, 0, 1000), free_bytes(tmp_path) + 2**40)
    assert not kept(full, named())
    assert names(full) == set()


def test_a_disk_that_fails_is_no_error(attachments: Attachments) -> None:
    attachments.folder.write_bytes(b"")  # a file where the folder should be
    assert not kept(attachments, named())


def test_days_that_are_gone_go_and_those_on_their_way_stay(attachments: Attachments) -> None:
    for day in DAYS:
        kept(attachments, named(day))
    attachments.sweep({DAYS[1]}, since=DAYS[2])
    assert names(attachments) == {named(DAYS[1]), named(DAYS[2])}
    attachments.drop(DAYS[1])
    assert names(attachments) == {named(DAYS[2])}


def test_the_oldest_days_make_room_but_never_the_newest(attachments: Attachments) -> None:
    for day in DAYS:
        kept(attachments, named(day), b"x" * 320)
    attachments.sweep(set(DAYS), since=DAYS[0])
    assert names(attachments) == {named(DAYS[1]), named(DAYS[2])}
    none = Attachments(attachments.folder.parent, Retention(0, 0, 0))
    none.sweep(set(DAYS), since=DAYS[0])
    assert names(attachments) == {named(DAYS[2])}


def test_what_a_killed_process_left_goes_in_an_hour(attachments: Attachments) -> None:
    attachments.folder.mkdir()
    young, old = (attachments.folder / f"{name}{COMING}" for name in ("young", "old"))
    for path in (young, old):
        path.touch()
    before = time.time() - COMING_SECONDS - 1
    os.utime(old, (before, before))
    attachments.sweep(set(), since=DAYS[0])
    assert names(attachments) == {young.name}


@pytest.mark.parametrize(
    ("target", "goes"),
    [
        (Target("user_id", "eve", None), {"eve", "eve's other app", "eve's device"}),
        (Target("user_id", "eve", (2,)), {"eve's other app"}),
        (Target("device_id", "d-1", None), {"eve's device"}),
        (Target("app", "1"), {"eve", "eve's device", "somebody", "a number"}),
        (Target("user_id", "7", None), {"a number"}),
        (Target("user_id", "nobody", None), set()),
    ],
)
def test_erasing_takes_the_files_too(
    attachments: Attachments, target: Target, goes: set[str]
) -> None:
    all_of_them = {
        "eve": named(user="eve"),
        "eve's other app": named(app=2, user="eve"),
        "eve's device": named(user="eve", device="d-1"),
        "somebody": named(),
        "a number": named(user=7),
    }
    for name in all_of_them.values():
        kept(attachments, name)
    attachments.erase(target)
    left = {what for what, name in all_of_them.items() if name in names(attachments)}
    assert left == all_of_them.keys() - goes


def test_erasing_on_one_day_leaves_the_others(attachments: Attachments) -> None:
    for day in DAYS:
        kept(attachments, named(day))
    attachments.erase(Target("app", "1"), DAYS[0])
    assert names(attachments) == {named(DAYS[1]), named(DAYS[2])}
