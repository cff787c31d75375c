"""Logs of real devices, reported as a device would report them, and all found again.

The files come from loghub (https://github.com/logpai/loghub) and lie in `../shared/data/loghub`
beside the checkout or where REDLOG_LOGHUB says; a test whose file is absent is skipped. A few lines
of our own in each format (`data/`) take the same way everywhere.
"""

import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from started import ROOT, Server, wait_until

from utils.clock import format_time, from_datetime, now_us

pytestmark = pytest.mark.server

SAMPLES = Path(__file__).parent / "data"
LOGHUB = Path(os.environ.get("REDLOG_LOGHUB") or ROOT.parent / "shared" / "data" / "loghub")
BATCH = 100
LEVELS = {  # as shown: as logged
    "trace": {"V"},
    "debug": {"D"},
    "info": {"I", "Info", "INFO", "notice"},
    "warning": {"W", "Warning", "WARNING", "warn"},
    "error": {"E", "Error", "ERROR", "error"},
    "fatal": {"F"},
}
Record = dict[str, Any]
Moment = Callable[[str], datetime]


class Format(NamedTuple):
    """How a kind of device writes its lines: a pattern with a record's fields (others become
    attributes), what its times mean, and how its client sends them.
    """

    pattern: str
    moment: Moment
    time: Callable[[datetime], str | int | float]
    context: Record
    word: str  # stands in many messages


def at(layout: str, zone: int = 0, prefix: str = "") -> Moment:
    """Reads times of a layout that was written in a zone (hours east of Greenwich)."""
    east = timezone(timedelta(hours=zone))
    return lambda text: datetime.strptime(prefix + text, layout).replace(tzinfo=east)


def milliseconds(moment: datetime) -> int:
    return from_datetime(moment) // 1000


FORMATS = {
    "Android": Format(
        r"(?P<time>[\d-]{5} [\d:.]{12}) +(?P<pid>\d+) +(?P<tid>\d+) (?P<level>[VDIWEF]) "
        r"(?P<logger>[^:]*?) *: ?(?P<message>.*)",
        at("%Y-%m-%d %H:%M:%S.%f", 8, "2017-"),
        datetime.isoformat,
        {"platform": "android", "release": "7.0.0"},
        "LOCK",
    ),
    "HealthApp": Format(
        r"(?P<time>\d{8}-\d+:\d+:\d+:\d+)\|(?P<logger>\w+)\|(?P<pid>\d+)\|(?P<message>.*)",
        lambda text: datetime(
            *(int(part) for part in (text[:4], text[4:6], text[6:8], *text[9:].split(":")[:3])),
            int(text.rpartition(":")[2]) * 1000,
            timezone(timedelta(hours=8)),
        ),
        milliseconds,
        {"platform": "android", "attributes": {"app": {"name": "health"}}},
        "onStandStep",
    ),
    "Mac": Format(
        r"(?P<time>\w{3} [ \d]\d [\d:]{8}) (?P<device_id>\S+) (?P<logger>[^\[:]+?)"
        r"(?:\[(?P<pid>\d+)\])?(?: \((?P<part>[^)]*)\))?: ?(?P<message>.*)",
        at("%Y %b %d %H:%M:%S", -7, "2017 "),
        datetime.timestamp,
        {"platform": "macos", "environment": "office"},
        "AirPort",
    ),
    "Windows": Format(
        r"(?P<time>[\d-]{10} [\d:]{8}), (?P<level>\w+) +(?P<logger>\w+) +(?P<message>.*)",
        at("%Y-%m-%d %H:%M:%S"),
        lambda moment: f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        {"platform": "windows"},
        "session:",
    ),
    "Apache": Format(
        r"\[(?P<time>[^\]]*)\] \[(?P<level>\w+)\] (?P<message>.*)",
        at("%a %b %d %H:%M:%S %Y"),
        lambda moment: from_datetime(moment) * 1000,
        {"platform": "linux", "logger": "httpd"},
        "Error State",
    ),
    "OpenStack": Format(
        r"(?P<file>\S+) (?P<time>[\d-]{10} [\d:.]{12}) (?P<pid>\d+) (?P<level>[A-Z]+) "
        r"(?P<logger>\S+) \[(?P<trace_id>\S+)[^\]]*\] ?(?P<message>.*)",
        at("%Y-%m-%d %H:%M:%S.%f"),
        lambda moment: f"{moment:%Y-%m-%d %H:%M:%S.%f}",
        {"platform": "linux", "release": "14.0", "environment": "cloud"},
        "HTTP/1.1",
    ),
}
SOURCES = [(name, folder) for folder in (SAMPLES, LOGHUB) for name in FORMATS]
FIELDS = ("message", "logger", "trace_id", "device_id", "platform", "seq")  # sent as shown


def records_of(name: str, text: str) -> Iterator[tuple[Record, datetime]]:
    """A file's lines as a device reports them, each with the time that it means."""
    form = FORMATS[name]
    for line in re.split(r"\r?\n", text.rstrip()):
        match = re.fullmatch(form.pattern, line)
        assert match, line
        found = {field: value for field, value in match.groupdict().items() if value is not None}
        moment = form.moment(found.pop("time"))
        attributes = {field: found.pop(field) for field in ("pid", "tid", "file") if field in found}
        record = {"time": form.time(moment), **found}
        yield (record | {"attributes": attributes} if attributes else record), moment


class Reported(NamedTuple):
    """A file's records, stored as a session of their own: what is expected, and the batches."""

    server: Server
    session: str
    form: Format
    expected: list[Record]
    batches: list[bytes]

    def query(self, **filters: Any) -> list[Record]:
        return self.server.walk(session_id=self.session, **filters)

    def send(self) -> None:
        for batch in self.batches:
            answer = self.server.report(batch, headers={"Content-Encoding": "gzip"})
            assert answer.status_code == 202, answer.text
            assert answer.json()["rejected"] == []


def batches_of(name: str, session: str, records: list[Record]) -> Iterator[bytes]:
    context = {"device_id": f"{name}-1", "session_id": session, **FORMATS[name].context}
    for start in range(0, len(records), BATCH):
        envelope = {
            "batch_id": f"{session}/{start // BATCH}",
            "sent_at": format_time(now_us()),
            "context": context,
            "logs": records[start : start + BATCH],
        }
        yield gzip.compress(json.dumps(envelope, ensure_ascii=False).encode())


def expect(record: Record, moment: datetime, name: str) -> Record:
    """What a query shows of a record as it was sent."""
    sent = {"device_id": f"{name}-1", **FORMATS[name].context, **record}
    return {
        **{field: sent[field] for field in FIELDS if field in sent},
        "level": next(level for level in LEVELS if record.get("level", "I") in LEVELS[level]),
        "time": format_time(from_datetime(moment)),
    }


@pytest.fixture(scope="module", params=SOURCES, ids=lambda s: f"{s[0]}-{s[1].name}")
def reported(request: pytest.FixtureRequest, server: Server) -> Reported:
    name, folder = request.param
    files = sorted(folder.glob(f"{name}_*.log"))
    if not files:
        pytest.skip(f"no {name}_2k.log in {LOGHUB} (REDLOG_LOGHUB names another folder)")
    lines = list(records_of(name, files[0].read_text("utf-8")))
    farewell = {"message": f"上报完毕，共 {len(lines)} 行", "time": lines[-1][0]["time"]}
    lines.append((farewell, lines[-1][1]))
    records = [{**record, "seq": n} for n, (record, _) in enumerate(lines)]
    result = Reported(
        server,
        files[0].stem,
        FORMATS[name],
        [expect(r, moment, name) for r, (_, moment) in zip(records, lines, strict=True)],
        list(batches_of(name, files[0].stem, records)),
    )
    result.send()
    wait_until(lambda: len(result.query()) == len(records), f"the records of {files[0].name}")
    return result


def shown(records: list[Record]) -> list[Record]:
    """The parts of found records that we expect, in the order of the lines."""
    fields = (*FIELDS, "level", "time")
    cut = [{field: record[field] for field in fields if field in record} for record in records]
    return sorted(cut, key=lambda record: int(record["seq"]))


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_a_walk_finds_every_line_again(reported: Reported, order: str) -> None:
    walked = reported.query(order=order, limit=300)
    times = [record["time"] for record in walked]
    assert times == sorted(times, reverse=order == "newest")
    assert shown(walked) == reported.expected


def test_each_level_is_counted_as_it_was_logged(reported: Reported) -> None:
    expected = Counter(record["level"] for record in reported.expected)
    assert {level: len(reported.query(level=level)) for level in LEVELS} == {
        level: expected[level] for level in LEVELS
    }
    times = sorted(record["time"] for record in reported.expected)
    span = {"from": times[0], "to": times[-1][:19] + ".999999Z"}
    path = "/api/v1/logs/histogram"
    answer = reported.server.get(path, session_id=reported.session, **span).json()
    found: Counter[str] = Counter()
    for bucket in answer["buckets"]:
        found.update(bucket["counts"])
    assert found == expected


def quoted(text: str) -> str:
    """A text as `q` wants it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def test_a_word_is_found_in_any_case_and_nowhere_else(reported: Reported) -> None:
    word = reported.form.word
    wanted = [r for r in reported.expected if word.lower() in r["message"].lower()]
    assert len(wanted) < len(reported.expected)
    assert shown(reported.query(q=quoted(word))) == wanted
    assert wanted or len(reported.expected) < BATCH


@pytest.mark.parametrize("words", ["上报", "行", "，共 "])
def test_chinese_is_found(reported: Reported, words: str) -> None:
    wanted = [record for record in reported.expected if words in record["message"]]
    assert wanted
    assert shown(reported.query(q=quoted(words))) == wanted


def test_a_logger_and_a_time_choose_their_records(reported: Reported) -> None:
    middle = reported.expected[len(reported.expected) // 2]
    logger, time = middle.get("logger"), middle["time"]
    wanted = [r for r in reported.expected if r["time"] >= time and r.get("logger") == logger]
    filters = {"logger": logger} if logger else {}
    assert shown(reported.query(**{"from": time}, **filters)) == wanted


def test_all_sent_again_is_counted_as_duplicate_and_stored_once(reported: Reported) -> None:
    stored = reported.query()
    assert len(stored) == len(reported.expected)
    everything = len(reported.server.walk())
    before = Counter(
        wait_until(
            lambda: (totals := reported.server.totals()).get("stored") == everything and totals,
            "the counters to be up to date",
        )
    )
    reported.send()

    def counted() -> Counter[str] | None:
        grown = Counter(reported.server.totals())
        grown.subtract(before)
        return +grown if grown["received"] == len(stored) else None

    assert wait_until(counted, "all records to be counted") == {
        "received": len(stored),
        "duplicate": len(stored),
    }
    assert reported.query() == stored
