"""Checkpoints beside the writer: they happen, the log stays small, and no commit seems to fail."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from database import checkpoints, day_file
from database.checkpoints import Checkpoints

PAGE = 4096
FILL = "INSERT INTO log_batch (app_id, batch_key) VALUES (?, hex(randomblob(20000)))"  # ten pages


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "20261120.db"


@pytest.fixture
def writer(path: Path) -> Iterator[apsw.Connection]:
    with closing(day_file.open_for_writing(path)) as connection:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        yield connection


def test_what_was_committed_comes_into_the_file_beside_the_writer(
    writer: apsw.Connection, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "BEGIN_PAGES", 5)
    beside = Checkpoints()
    beside.follow(writer, path)
    before = path.stat().st_size
    writer.execute(FILL, (1,))
    beside.wait()
    assert path.stat().st_size >= before + 10 * PAGE


def test_the_log_begins_anew(
    writer: apsw.Connection, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "BEGIN_PAGES", 25)
    monkeypatch.setattr(checkpoints, "RESTART_PAGES", 50)
    beside = Checkpoints()
    beside.follow(writer, path)
    for number in range(100):
        writer.execute(FILL, (number,))
        beside.wait()
    assert Path(f"{path}-wal").stat().st_size < 100 * PAGE


def test_a_checkpoint_that_fails_leaves_the_commit_alone(
    writer: apsw.Connection, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "BEGIN_PAGES", 5)
    monkeypatch.setattr(checkpoints, "RESTART_PAGES", 20)
    beside = Checkpoints()
    beside.follow(writer, path.with_name("missing.db"))
    with closing(day_file.open_for_reading(path)) as reader:
        reader.execute("BEGIN; SELECT 1 FROM log_batch")  # it holds every checkpoint back
        for number in range(10):
            writer.execute(FILL, (number,))
        beside.wait()
    assert writer.execute("SELECT count(*) FROM log_batch").fetchone() == (10,)
    assert not path.with_name("missing.db").exists()
