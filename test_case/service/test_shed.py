"""Shedding: which records go, what stays of the others, and what is counted."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from node import Node
from started import ROOT
from stored import rows_of

from database.redis_link import RedisLink
from database.rows import decode
from exceptions import NoGoodRecord, RateLimited
from service import ingest
from service.batch import Batch, decode_batch
from service.limits import ReportLimits
from service.shed import leave_out
from utils.app_settings import DEFAULTS, AppSettings, Source
from utils.record import SHED, Form
from utils.settings import load_settings

WARNING = 13


def shed_of(body: Any, below: int = WARNING, lines: bool = False) -> Batch:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return leave_out(decode_batch(data, lines, 1000), below, SHED)


def messages(batch: Batch) -> list[str]:
    """The messages of the rows that the writer makes of what was kept."""
    return [row["message"] for row in rows_of(batch.form, batch.payload)]


MIXED = [
    {"message": "a"},
    {"message": "b", "level": "WARN"},
    {"message": "c", "level": 12},
    {"message": "d", "level": 13},
    {"message": "e", "level": "debug", "unknown": {"x": 1}},
    {"message": "f", "level": "Fatal", "unknown": {"x": [1, 2]}},
]


@pytest.mark.parametrize("written", ["array", "lines", "envelope", "cleaned"])
def test_records_below_the_level_go_in_every_form(written: str) -> None:
    body: Any = {"array": MIXED, "envelope": {"logs": MIXED, "shed": "no number"}}.get(written)
    if written == "lines":
        body = b"\n".join(json.dumps(record).encode() for record in MIXED)
    if written == "cleaned":
        body = {"logs": [*MIXED, {"level": "error"}]}
    batch = shed_of(body, lines=written == "lines")
    assert (batch.form, batch.count, batch.shed) == (Form.CLEANED, 3, 3)
    assert messages(batch) == ["b", "d", "f"]
    assert rows_of(batch.form, batch.payload)[2]["attributes"] == {"unknown": {"x": [1, 2]}}
    rejected = {"missing_message": 1} if written == "cleaned" else {}
    assert len(batch.rejected) == len(rejected)
    assert decode(batch.form, batch.payload).rejected == {**rejected, "shed": 3}


def test_one_record_alone_can_go_and_can_stay() -> None:
    gone = shed_of({"message": "a"})
    assert (gone.count, gone.shed, messages(gone)) == (0, 1, [])
    stays = decode_batch(b'{"message": "a", "level": "error"}', False, 10)
    assert leave_out(stays, WARNING, SHED) is stays


def test_a_batch_of_weight_is_kept_byte_for_byte() -> None:
    batch = decode_batch(b'[{"message": "a", "level": "error"}]', False, 10)
    assert leave_out(batch, WARNING, SHED) is batch


def test_the_context_is_the_default_and_stays_with_the_others() -> None:
    context = {"level": "error", "release": "2.1", "mark": 7}
    sent_at = "2026-11-20T10:00:00Z"
    logs = [{"message": "a"}, {"message": "b", "level": "info"}, {"message": "c", "level": None}]
    body = {"batch_id": 5, "sent_at": sent_at, "context": context, "logs": logs}
    batch = shed_of(body)
    assert (batch.count, batch.shed, batch.batch_id) == (2, 1, "5")
    rows = rows_of(batch.form, batch.payload)
    assert [row["message"] for row in rows] == ["a", "c"]
    assert {row["release"] for row in rows} == {"2.1"}
    assert rows[0]["attributes"] == {"mark": 7}
    assert decode(batch.form, batch.payload).sent_at == decode_batch_sent_at(sent_at)


def decode_batch_sent_at(text: str) -> Any:
    payload = json.dumps({"sent_at": text, "logs": []}).encode()
    return decode(Form.ENVELOPE, payload).sent_at


SOURCE = Source(1, 1, DEFAULTS, "secret")


class Report:
    """Reports to a node whose journal sheds as long as it is told to."""

    def __init__(self, node: Node, records_per_minute: int = 0, source: Source = SOURCE) -> None:
        self.node = node
        self.source = source
        self.journal = node.journal()
        link = RedisLink("", "one", threads=2)
        settings = load_settings(ROOT / "setting.yaml", {})
        of_all = replace(settings.limits, records_per_minute=records_per_minute)
        settings = replace(settings, limits=of_all)
        self.limits = ReportLimits(settings, node.data, link, self.journal, tuple)

    def __call__(self, records: list[dict[str, Any]], key: str, shedding: bool) -> dict[str, Any]:
        self.journal.shedding = shedding
        self.journal._counted_at = float("inf")  # it stays as it is told
        body = json.dumps(records).encode()
        try:
            reported = ingest.Report(self.source, body, idempotency_key=key)
            return dict(json.loads(ingest.accept(reported, 1000, self.limits, self.journal)))
        finally:
            self.node.drain()


@pytest.fixture
def node(tmp_path: Path) -> Any:
    node = Node(tmp_path)
    yield node
    node.close()


INFO = {"message": "info"}
ERROR = {"message": "error", "level": "error"}


def test_what_is_shed_is_in_the_receipt_and_counted(node: Node) -> None:
    report = Report(node)
    receipt = report([INFO, ERROR, INFO, {"level": "error"}], "", True)
    assert (receipt["accepted"], receipt["shed"], len(receipt["rejected"])) == (1, 2, 1)
    receipt = report([INFO, INFO], "", True)
    assert receipt == {"accepted": 0, "rejected": [], "shed": 2}
    receipt = report([INFO, {"level": "error"}], "", True)
    assert (receipt["accepted"], receipt["shed"], len(receipt["rejected"])) == (0, 1, 1)
    with pytest.raises(NoGoodRecord):
        report([{"level": "error"}], "", True)
    assert node.stored() == ["error"]
    counted = {"received": 9, "stored": 1, "shed": 5, "rejected:missing_message": 3}
    assert node.counters() == counted


def test_a_batch_sent_again_is_stored_once_whichever_time_it_was_shed(node: Node) -> None:
    report = Report(node)
    report([INFO, ERROR], "first", True)
    report([INFO, ERROR], "first", False)  # a receipt has said what became of it
    assert node.counters() == {"received": 4, "stored": 1, "shed": 1, "duplicate": 2}
    report([INFO, ERROR], "second", False)
    report([INFO, ERROR], "second", True)
    assert sorted(node.stored()) == ["error", "error", "info"]
    report([INFO], "third", True)
    report([INFO], "third", False)  # nothing of it was kept: it is as good as new
    assert sorted(node.stored()) == ["error", "error", "info", "info"]
    counted = {"received": 10, "stored": 4, "shed": 3, "duplicate": 3}
    assert node.counters() == counted


def test_a_limit_counts_what_is_shed_too(node: Node) -> None:
    report = Report(node, records_per_minute=3)
    assert report([INFO, ERROR], "", True)["shed"] == 1
    with pytest.raises(RateLimited):
        report([INFO, ERROR], "", True)
    assert node.counters() == {"received": 2, "stored": 1, "shed": 1}


def test_what_an_app_does_not_want_is_in_the_receipt_and_counted(node: Node) -> None:
    report = Report(node, source=SOURCE._replace(settings=AppSettings(min_level="info")))
    debug = {"message": "debug", "level": "debug"}
    receipt = report([debug, INFO, ERROR, {"level": "error"}], "", False)
    assert (receipt["accepted"], receipt["shed"], receipt["filtered"]) == (2, 0, 1)
    receipt = report([debug, debug, INFO, ERROR], "", True)
    assert receipt == {"accepted": 1, "rejected": [], "shed": 1, "filtered": 2}
    assert report([debug], "", False) == {"accepted": 0, "rejected": [], "shed": 0, "filtered": 1}
    assert sorted(node.stored()) == ["error", "error", "info"]
    counted = {"received": 9, "stored": 3, "shed": 1, "filtered": 4, "rejected:missing_message": 1}
    assert node.counters() == counted


@pytest.mark.parametrize("forged", ["x", {"missing_message": 5}, {"x": {}}])
def test_a_client_can_not_forge_our_counts(forged: Any) -> None:
    batch = shed_of({"logs": MIXED, "rejected": forged})
    assert decode(batch.form, batch.payload).rejected == {"shed": 3}
