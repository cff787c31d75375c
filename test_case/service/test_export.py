"""Exports: whole, in order, harmless in a spreadsheet."""

import csv
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from node import Node, raw_frame

from exceptions import BadParameter, StoreAway
from service import export
from service.parameters import EXPORT_OPTIONS, parse_query
from utils.clock import DAY, SECOND, day_of, now_us

BEGIN = now_us() // DAY * DAY - DAY


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node without records."""
    made = Node(tmp_path)
    yield made
    made.close()


def store(node: Node, *records: dict[str, Any], at: int = BEGIN) -> None:
    node.write_segment(raw_frame(json.dumps(records).encode(), len(records), at=at), at=at)
    node.drain()


def exported(node: Node, **asked: str) -> Iterator[bytes]:
    query = parse_query(list(asked.items()), EXPORT_OPTIONS, (1,), (1,))
    return export.export(query, node.store)


def table(node: Node, **asked: str) -> list[dict[str, str]]:
    text = b"".join(exported(node, format="csv", **asked)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_all_are_there_in_order_piece_by_piece(node: Node) -> None:
    store(node, *({"message": f"{n}", "time": BEGIN + n // 7} for n in range(1200)))
    pieces = list(exported(node, order="oldest"))
    lines = [json.loads(line) for line in b"".join(pieces).splitlines()]
    assert [line["message"] for line in lines] == [f"{n}" for n in range(1200)]
    assert len(pieces) == 3
    assert zlib.decompress(b"".join(export.zipped(pieces)), export.GZIP) == b"".join(pieces)


def test_what_takes_longer_than_a_query_may_is_exported_all_the_same(node: Node) -> None:
    store(node, *({"message": f"{n}", "time": BEGIN + n} for n in range(3)))
    node.store.seconds = 0.0
    asked = {"from": f"{BEGIN}", "to": f"{BEGIN + 5}"}
    assert [row["message"] for row in table(node, **asked)] == ["2", "1", "0"]


def test_a_table_holds_texts_and_no_formulas(node: Node) -> None:
    begins = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠1"]
    texts = [*begins, 'a,"b"\n中', "plain = 1"]
    records = [{"message": t, "user_id": t, "time": BEGIN, "seq": 5} for t in texts]
    store(node, *records, {"message": "last", "attributes": {"a": "=1"}, "time": BEGIN + SECOND})
    rows = table(node, order="oldest")
    expected = [f"'{text}" for text in begins] + texts[len(begins) :]
    assert [row["message"] for row in rows[:-1]] == expected
    assert [row["user_id"] for row in rows[:-1]] == expected
    assert (rows[0]["seq"], rows[0]["exception"]) == ("5", "")
    assert json.loads(rows[-1]["attributes"]) == {"a": "=1"}
    assert {row["level"] for row in rows} == {"info"}


def test_times_are_told_in_the_zone_of_the_reader(node: Node) -> None:
    store(node, {"message": "m", "time": BEGIN})
    day = day_of(BEGIN)
    date = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    for zone, time in (("", "00:00:00.000000+00:00"), ("Asia/Shanghai", "08:00:00.000000+08:00")):
        (row,) = table(node, **({"tz": zone} if zone else {}))
        assert row["time"] == f"{date}T{time}"
    for bad in ("nowhere", "../../etc/passwd", "/etc/passwd", "Asia", "a" * 5000):
        with pytest.raises(BadParameter, match="tz"):
            exported(node, format="csv", tz=bad)


def test_nothing_found_is_an_empty_file_or_a_header(node: Node) -> None:
    assert b"".join(exported(node)) == b""
    head = b"".join(exported(node, format="csv")).decode("utf-8-sig").strip().split(",")
    assert head == list(export.HEADER)


def test_a_table_begins_with_a_mark_by_which_excel_reads_chinese(node: Node) -> None:
    store(node, *({"message": "支付失败"} for _ in range(1200)))
    written = b"".join(exported(node, format="csv"))
    assert written.startswith(b"\xef\xbb\xbfid,app,") and written.count(b"\xef\xbb\xbf") == 1
    assert b"".join(exported(node)).startswith(b"{")


def test_a_day_that_cannot_be_read_ends_it(node: Node) -> None:
    store(node, {"message": "a"})
    (node.data / "logs" / f"{day_of(BEGIN)}.db").write_bytes(b"this is no database" * 500)
    with pytest.raises(StoreAway, match=day_of(BEGIN)):
        exported(node)
