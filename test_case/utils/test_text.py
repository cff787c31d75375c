"""Searching text in any language, by SQL's LIKE where it will do."""

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.text import contains_folded, folds_like_ascii, like_pattern

# Signs that fold to Latin letters (ß to ss, K to k): LIKE does not know them.
plain = st.characters(exclude_categories=("Cs",), exclude_characters="\0").filter(
    lambda letter: letter.isascii() or not letter.casefold().isascii()
)
some = st.text(st.sampled_from("aAzZ%_\\ 1é中文ÄäЖжİσς") | plain, max_size=12)
SQL = apsw.Connection(":memory:")


def like(text: str, needle: str) -> bool:
    """What SQLite finds."""
    pattern = like_pattern(f"\0{needle}\0")
    (found,) = SQL.execute("SELECT ? LIKE ? ESCAPE '\\'", (text, pattern)).fetchone() or (None,)
    return bool(found)


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("The DISK is full", "disk"),
        ("Größe überschritten", "GRÖSSE"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("磁盘已满, 写入失败", "已满"),
        ("ошибка ДИСКА", "диска"),
        ("", ""),
        ("100%_\\", "%_\\"),
    ],
)
def test_case_does_not_matter_in_any_language(text: str, needle: str) -> None:
    assert contains_folded(text, needle.casefold())
    if folds_like_ascii(needle):
        assert like(text, needle)


def test_what_is_not_there_is_not_found() -> None:
    assert not contains_folded("The disk is full", "empty")
    assert not like("The disk is full", "d%l")
    assert not like("disk", "d_sk")
    assert not like("a\\b", "a/b")


@pytest.mark.parametrize("needle", ["disk", "DISK", "磁盘", "ディスク", "100%", "", "🙂", "עברית"])
def test_latin_letters_and_scripts_without_case_are_left_to_like(needle: str) -> None:
    assert folds_like_ascii(needle)


@pytest.mark.parametrize("needle", ["é", "Straße", "диск", "ΟΔΟΣ", "İ", "ǆ", "disk é"])
def test_scripts_with_case_are_not(needle: str) -> None:
    assert not folds_like_ascii(needle)


@given(some, some, some)
def test_where_like_is_trusted_it_finds_what_folding_finds(
    before: str, needle: str, after: str
) -> None:
    if folds_like_ascii(needle):
        for spelled in (needle, needle.upper(), needle.lower()):
            text = before + spelled + after
            assert like(text, needle) and contains_folded(text, needle.casefold())
        text = before + after
        assert like(text, needle) == contains_folded(text, needle.casefold())
    else:
        assert contains_folded(before + needle + after, needle.casefold())
