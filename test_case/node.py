"""One node's journal, store and writer on a data directory of its own, without a server."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, literal_column, select

from database.apps import Apps
from database.engine import migrate, open_engine
from database.frame import SEGMENT_HEADER, Damage, Frame, pack
from database.journal import Journal
from database.log_query import COLUMNS, LogFilter
from database.log_reader import Page, Unreadable
from database.segments import list_segments, read_chunk
from database.stores import open_store
from database.tables import log, rollup
from database.writer import Writer
from utils.clock import MINUTE, now_us
from utils.files import ordered_name
from utils.record import Form
from utils.settings import Database, JournalSettings, Retention, WriterSettings

APPS = tuple(range(1, 10))
MESSAGE = COLUMNS.index("message")
JOURNAL = JournalSettings("interval", 20, 1 << 20, 1 << 30, 0, 0, "warning")
WRITER = WriterSettings(True, 5, 1 << 16, 1 << 17, 3, 5)


class Node:
    """A data directory with the parts that work on it; each part may be made several times.

    Its records lie in SQLite, or in the database at `url`.
    """

    def __init__(self, data: Path, url: str = "") -> None:
        self.data = data
        self.folder = data / "journal"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.engine = open_engine(Database(url), data)
        migrate(self.engine)
        self.store = open_store(self.engine, data)
        self._writers: list[Writer] = []

    def journal(self, **changed: Any) -> Journal:
        """A worker's end of the journal."""
        return Journal(msgspec.structs.replace(JOURNAL, **changed), self.data)

    def writer(self, days: int = 0, max_bytes: int = 0, **changed: Any) -> Writer:
        """A writer with a store of its own, as each worker has one."""
        settings = msgspec.structs.replace(WRITER, **changed)
        store = open_store(self.engine, self.data)
        writer = Writer(self.data, store, settings, Retention(days, max_bytes, 0))
        self._writers.append(writer)
        return writer

    def drain(self, **changed: Any) -> int:
        """Be elected, drain all, resign."""
        writer = self.writer(**changed)
        assert writer.elected()
        try:
            return writer.drain()
        finally:
            writer.resign()

    def write_segment(self, *pieces: bytes, at: int | None = None) -> Path:
        """A segment that a worker, dead by now, began at `at` and wrote these pieces into."""
        path = self.folder / f"{segment_name(now_us() if at is None else at)}.seg"
        path.write_bytes(SEGMENT_HEADER + b"".join(pieces))
        return path

    def close(self) -> None:
        """Stop what still runs."""
        for writer in self._writers:
            writer.stop()
        self.engine.dispose()

    def statements(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Those that its store runs from now on."""
        asked: list[str] = []
        rows_of = self.store._rows

        def listening(day: str, sql: str, *others: Any, **named: Any) -> Any:
            asked.append(sql)
            return rows_of(day, sql, *others, **named)

        monkeypatch.setattr(self.store, "_rows", listening)
        return asked

    # What became of it.

    def waiting(self) -> list[Frame | Damage]:
        """All that lies in the segments, stored or not."""
        return [piece for path in list_segments(self.folder) for piece in pieces_of(path)]

    def stored(self) -> list[str]:
        """The messages of all records that a query finds."""
        return messages_of(self.store.search(LogFilter(APPS), 1_000_000))

    def counters(self) -> dict[str, int]:
        """Records by outcome, of all apps."""
        totals: dict[str, int] = {}
        for outcomes in Apps(self.engine, self.data).totals().values():
            for outcome, records in outcomes.items():
                totals[outcome] = totals.get(outcome, 0) + records
        return {outcome: records for outcome, records in totals.items() if records}

    def check_rollup(self) -> None:
        """Each day's roll-up is what its records say; damaged days are left out."""
        untrusted = func.coalesce(log.c.untrusted, literal_column("0"))
        key = (log.c.app_id, self.store.terms.bucket(), log.c.severity, untrusted)
        there = log.c.app_id > literal_column("0")
        counts = select(*key, func.count()).where(there).group_by(*key)
        store = open_store(self.engine, self.data)
        rolled_up, counted = map(store.terms.compiled, (select(rollup), counts))
        for partition in store.catalogue.partitions():
            day = partition.name
            with suppress(Unreadable):
                expected = sorted(store._rows(day, counted, [{"width": MINUTE}], None))
                assert sorted(store._rows(day, rolled_up, [{}], None)) == expected, day

    def quarantined(self) -> list[str]:
        """The kinds of things put aside: frame, piece or seg."""
        return sorted(path.stem.rpartition(".")[2] for path in self.data.glob("quarantine/*.txt"))


def frame(
    messages: Iterable[str],
    key: str = "",
    at: int | None = None,
    app_id: int = 1,
    times: Iterable[int] = (),
) -> bytes:
    """A frame with a record for each message, received at `at`; `times` are their times in µs."""
    records: list[dict[str, Any]] = [{"message": message} for message in messages]
    for record, time in zip(records, times, strict=False):
        record["time"] = time
    return raw_frame(msgspec.json.encode(records), len(records), key, at, app_id)


def raw_frame(
    payload: bytes,
    records: int = 1,
    key: str = "",
    at: int | None = None,
    app_id: int = 1,
    form: int = Form.ARRAY,
    flags: int = 0,
) -> bytes:
    """A sound frame with any payload."""
    received_at = now_us() if at is None else at
    return b"".join(pack(app_id, received_at, records, form, key.encode(), payload, flags))


def messages_of(page: Page) -> list[str]:
    """The messages of a page's records."""
    return [values[MESSAGE] for _, values in page.rows]


def segment_name(at: int) -> str:
    """A segment's name as it was made at a time in µs."""
    text = f"{at // 1000:012x}"
    return f"{text[:8]}-{text[8:]}-{ordered_name()[14:]}"


def pieces_of(path: Path) -> list[Frame | Damage]:
    """What a segment holds."""
    return read_chunk(path, 0, 1 << 26).pieces
