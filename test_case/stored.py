"""What the writer makes of a report's body, without a server: the way of a record in one call."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from database.rows import COLUMNS, WIDTH, Values, decode, make_rows
from service.batch import Batch, decode_batch
from utils.clock import DAY, now_us
from utils.record import Form

Row = dict[str, Any]
MAX_RECORDS = 50_000
WRITER = ThreadPoolExecutor(1)  # it reads in a thread of its own, with a stack of its own
RECEIVED = now_us() // DAY * DAY  # today's midnight, so that "a day ahead" is easy to write


def rows_of(form: Form, payload: bytes, received_at: int = RECEIVED) -> list[Row]:
    """The rows that a frame's payload becomes, by column; JSON columns decoded, nulls left out."""
    values = make_rows(7, received_at, decode(form, payload))
    return [_row(values[start : start + WIDTH]) for start in range(0, len(values), WIDTH)]


def _row(values: Values) -> Row:
    row = {name: value for name, value in zip(COLUMNS, values, strict=True) if value is not None}
    for name in ("exception", "attributes"):
        if name in row:
            row[name] = json.loads(row[name], parse_int=_number, parse_constant=_refuse)
    return row


def _number(text: str) -> int | str:
    return int(text) if len(text) < 1000 else text  # more than Python cares to read


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def report(
    body: bytes, *, lines: bool = False, max_records: int = MAX_RECORDS
) -> tuple[Batch, list[Row]]:
    """A body validated, and the rows that are stored of it."""
    batch = decode_batch(body, lines, max_records)
    rows = WRITER.submit(rows_of, batch.form, batch.payload).result()
    assert len(rows) == batch.count
    return batch, rows
