"""A LogRecord of Python as a record of ours."""

from typing import Any
from urllib.parse import urlencode

import pytest
from recorded.http_handler import BODY, RECORD

from exceptions import UnreadableBody
from service.adapter.http_handler import read
from service.adapter.wire import Reply, Sent, Translated


def record(sent: Sent) -> Any:
    made = read(sent)
    assert isinstance(made, Translated)
    return made.records[0]


@pytest.mark.parametrize(
    "sent", [Sent(BODY), Sent(b"", query={**RECORD, "key": "rlk_x"}, method="GET")]
)
def test_every_member_finds_its_place(sent: Sent) -> None:
    assert record(sent) == {
        "message": "almost out of 茶, 2 left",
        "time": 1795168800123000,
        "level": "WARNING",
        "logger": "shop.pay",
        "exception": {"stacktrace": "Traceback …"},
        "attributes": {"pathname": "/app/pay.py", "lineno": "42", "order": "7"},
    }


@pytest.mark.parametrize(
    ("msg", "args", "expected"),
    [
        ("100 %", "()", "100 %"),
        ("%s", "(<object>,)", "%s (<object>,)"),
        ("%d", "('x',)", "%d ('x',)"),
        ("%(a)s", "{'a': 1}", "1"),
        ("%(b)s", "{'a': 1}", "%(b)s {'a': 1}"),
        ("%999999999d", "(1,)", "%999999999d (1,)"),
        ("%*d", "(999999999, 1)", "%*d (999999999, 1)"),
        ("%c", "(-1,)", "%c (-1,)"),
        ("%s", "(" * 9000, "%s " + "(" * 9000),
    ],
)
def test_arguments_are_put_in_where_they_can_be(msg: str, args: str, expected: str) -> None:
    made = record(Sent(urlencode({"msg": msg, "args": args}).encode()))
    assert made["message"] == expected


def test_a_level_of_its_own_is_told_by_its_number() -> None:
    made = record(Sent(b"msg=m&levelname=NOISE&levelno=50"))
    assert (made["level"], made.get("attributes")) == (17, None)


@pytest.mark.parametrize("body", [b"", b"{}", b"a=1", b"msg=1" + b"&a=1" * 2000])
def test_what_is_no_record_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableBody):
        read(Sent(body))


def test_who_only_asks_for_the_head_reports_nothing() -> None:
    assert read(Sent(b"", query=RECORD, method="HEAD")) == Reply(200)
