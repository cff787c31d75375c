"""What the writer tells the other processes of its node."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database.progress import Progress, read_progress, write_progress

progresses = st.builds(
    Progress,
    pid=st.integers(0, 2**22),
    at=st.floats(0, 1e11),
    positions=st.dictionaries(st.uuids().map(str), st.integers(0, 2**63 - 1), max_size=3),
    bytes_per_second=st.floats(0, 1e12),
    error=st.none() | st.text(st.characters(exclude_categories=("Cs",))),
    quarantined=st.integers(0, 2**31),
)


@given(st.lists(progresses, min_size=1, max_size=3))
def test_the_last_word_is_read(
    tmp_path_factory: pytest.TempPathFactory, words: list[Progress]
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    for word in words:
        write_progress(folder, word)
        assert read_progress(folder) == word
    assert [path.name for path in folder.iterdir()] == ["progress.json"]


def test_before_the_first_word_nothing_is_stored(tmp_path: Path) -> None:
    assert read_progress(tmp_path) == read_progress(tmp_path / "nowhere") == Progress()
    assert Progress().positions == {} and Progress().error is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"pid": "x"}', b"\xff"])
def test_a_word_that_cannot_be_understood_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "progress.json").write_bytes(content)
    assert read_progress(tmp_path) == Progress()


def test_what_a_newer_version_adds_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_bytes(b'{"pid": 5, "news": [1], "positions": {"a": 7}}')
    assert read_progress(tmp_path) == Progress(pid=5, positions={"a": 7})
