"""Reports of browsers as records of ours."""

import json
from typing import Any

import pytest
from recorded.reports import CRASH, CSP, DEPRECATION, NETWORK, VIOLATION

from exceptions import NoGoodRecord, UnreadableBody
from service.adapter.reports import read, reply
from service.adapter.wire import Sent
from service.native_batch import batch_of

NOW = 1_795_168_800_000_000


def records(reports: Any, **headers: str) -> list[Any]:
    return list(read(Sent(json.dumps(reports).encode(), received_at=NOW, headers=headers)).records)


def test_both_kinds_of_a_violation_are_told_alike() -> None:
    (old,) = records(CSP, **{"user-agent": "Chrome"})
    (new,) = records([VIOLATION])
    assert old["message"] == "CSP img-src blocked http://evil.example/x.png"
    assert new["message"] == "CSP script-src-elem blocked http://evil.example/x.png"
    for record in (old, new):
        assert (record["logger"], record["level"]) == ("csp", "warning")
        assert record["attributes"]["blockedURL"] == "http://evil.example/x.png"
        assert record["attributes"]["documentURL"] == "https://shop.example/pay"
        assert record["attributes"]["statusCode"] == 200
    assert (old["attributes"]["user_agent"], old["attributes"]["lineNumber"]) == ("Chrome", 7)
    assert new["attributes"]["user_agent"] == "Mozilla/5.0 Chrome/156"


def test_a_report_happened_before_it_came() -> None:
    violated, deprecated = records([VIOLATION, DEPRECATION])
    assert (violated["time"], deprecated["time"]) == (NOW - 1_500_000, NOW - 20_000)
    for age in (0, -5, 10**30, "x", None, 1e300):
        (record,) = records([VIOLATION | {"age": age}])
        assert "time" not in record


def test_of_other_kinds_the_message_says_most() -> None:
    made = records([DEPRECATION, CRASH, NETWORK])
    assert [(each["message"], each["level"]) for each in made] == [
        ("deprecation: Synchronous XHR is deprecated", "warning"),
        ("crash: oom", "error"),
        ("network-error: dns", "warning"),
    ]
    assert {each["logger"] for each in made} == {"browser"}
    assert made[2]["attributes"]["report"] == "network-error"


@pytest.mark.parametrize(
    "bad", [None, 7, "x", [], {}, {"csp-report": 1}, {"type": "crash"}, {"body": []}]
)
def test_one_that_is_none_costs_no_other(bad: Any) -> None:
    translated = read(Sent(json.dumps([bad, CRASH]).encode()))
    batch = batch_of(translated, 10)
    assert (batch.count, [each.index for each in batch.rejected]) == (1, [0])
    alone = read(Sent(json.dumps([bad]).encode()))
    with pytest.raises(NoGoodRecord):
        reply(Sent(b""), alone, batch_of(alone, 10))


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(UnreadableBody):
        read(Sent(b"csp"))
