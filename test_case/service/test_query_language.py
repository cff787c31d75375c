"""The query language: what each form asks for, and what is said of one that is none."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database.expression import (
    ANY,
    EVERYTHING,
    LIKE,
    All,
    Compares,
    Contains,
    Either,
    IsSet,
    Member,
    Node,
    Not,
)
from exceptions import BadQuery
from service.query_language import MAX_LENGTH, MAX_PARTS, parse_query_text
from utils.clock import MINUTE, now_us
from utils.wording import in_chinese

A, B, C = Contains("a"), Contains("b"), Contains("c")
ERROR = All((Compares("severity", ">=", 17), Compares("severity", "<=", 20)))


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", EVERYTHING),
        ("  ", EVERYTHING),
        ("*", EVERYTHING),
        ("a", A),
        ("支付失败", Contains("支付失败")),
        ("😀", Contains("😀")),
        ("50%", Contains("50%")),
        ("x@y.com", Contains("x@y.com")),
        ("a<b", Contains("a<b")),
        ("a b", All((A, B))),
        ("a AND b", All((A, B))),
        ("a OR b", Either((A, B))),
        ("a OR b c", All((Either((A, B)), C))),
        ("a and b", All((A, Contains("and"), B))),
        ("(a OR b) AND NOT c", All((Either((A, B)), Not(C)))),
        ("a -b", All((A, Not(B)))),
        ("+a", A),
        ('"a b"', Contains("a b")),
        ('"say \\"a\\" * b"', Contains('say "a" * b')),
        ("支付*失败", Contains(f"支付{ANY}失败")),
        ("*a*", A),
        ("a\\*b", Contains("a*b")),
        ("a\\:b", Contains("a:b")),
        ("C\\:\\temp\\ \\x", All((Contains("C:\\temp\\"), Contains("\\x")))),
        ("\\", Contains("\\")),
        ('"\\temp\\\\"', Contains("\\temp\\")),
        ("why?", Contains("why?")),
        ("message:a", A),
        ("user_id:u-1", Compares("user_id", "=", "u-1")),
        ('user_id:"a b"', Compares("user_id", "=", "a b")),
        ("seq:(1 OR 2)", Either((Compares("seq", "=", 1), Compares("seq", "=", 2)))),
        ("trace_id:4bf9*", Compares("trace_id", LIKE, f"4bf9{ANY}")),
        ("user_id:*", IsSet("user_id")),
        ("-user_id:*", Not(IsSet("user_id"))),
        ("release>=2.1", Compares("release", ">=", "2.1")),
        ("level:error", ERROR),
        ("level:ERR", ERROR),
        ("level:18", All((Compares("severity", ">=", 18), Compares("severity", "<=", 18)))),
        ("level>=warning", Compares("severity", ">=", 13)),
        ("level:>=warning", Compares("severity", ">=", 13)),
        ("level>warning", Compares("severity", ">", 16)),
        ("level<warning", Compares("severity", "<", 13)),
        ("level<=warning", Compares("severity", "<=", 16)),
        ("level:[info TO *]", All((Compares("severity", ">=", 9),))),
        ("seq:5", Compares("seq", "=", 5)),
        ("seq>5", Compares("seq", ">", 5)),
        ("skew_ms<-100", Compares("skew_ms", "<", -100)),
        ("seq:{1 TO 9]", All((Compares("seq", ">", 1), Compares("seq", "<=", 9)))),
        ("attr.screen:home", Member("attributes", "screen", "=", "home")),
        ("attr.http.status>=500", Member("attributes", "http.status", ">=", 500.0)),
        ("attr.delta<-1.5 a", All((Member("attributes", "delta", "<", -1.5), A))),
        ("attr.screen:h*", Member("attributes", "screen", LIKE, f"h{ANY}")),
        ("attr.screen:*", IsSet("attributes", "screen")),
        ("exception:*", IsSet("exception")),
        ("exception.type:TypeError", Member("exception", "type", "=", "TypeError")),
        ("untrusted:true", IsSet("untrusted")),
        ("untrusted:false", Not(IsSet("untrusted"))),
        ("time>=2026-11-20", Compares("time", ">=", 1_795_132_800_000_000)),
        ('"level>=x"', Contains("level>=x")),
    ],
)  # fmt: skip
def test_what_is_written_is_asked_for(text: str, asked: Node) -> None:
    assert parse_query_text(text) == asked


def test_times_may_be_told_from_now() -> None:
    node = parse_query_text("time>=-15m")
    assert isinstance(node, Compares) and (node.column, node.sign) == ("time", ">=")
    assert abs(now_us() - 15 * MINUTE - int(node.value)) < MINUTE


@pytest.mark.parametrize(
    ("text", "position", "hint"),
    [
        ("(a", 2, "a bracket ( is not closed"),
        ("a)", 1, "a bracket ) was never opened"),
        ('"a', 0, 'a quotation mark " is not closed'),
        ("a AND", 5, "something is missing at the end"),
        ("a AND OR b", 6, "'OR b' is not expected here"),
        ("usr_id:7", 0, "usr_id is no field; did you mean user_id?"),
        ("a levl:error", 2, "levl is no field; did you mean level?"),
        ("\\a a:b:c", 3, "a field within a field"),
        ("12:30", 0, '12 is no field; for the text write "12:30"'),
        ("level:eror", 6, "'eror' is no level; did you mean error?"),
        ("level>=warnin", 7, "did you mean warning?"),
        ("level>=info level>=x", 19, "'x' is no level"),
        ("seq<-x a", 4, "seq is a whole number, not '-x'"),
        ("time:soon", 5, "time is RFC 3339, a Unix time or like -15m"),
        ("attr.n>=x", 8, ">= is for numbers, and 'x' is none"),
        ("attr:x", 0, "write attr.name:value"),
        ("untrusted:maybe", 0, "untrusted is true or false"),
        ("message>=a", 9, "the message has no order"),
        ("a~2", 0, "'a~2' is not understood"),
        ("/re/", 0, "is not understood"),
        ("http://x/y", 5, "is not understood"),
        ("x" * (MAX_LENGTH + 1), MAX_LENGTH, "longer than"),
        (" ".join("a" * (MAX_PARTS + 1)), None, "more than 100 parts"),
        ("(" * 1000 + "a" + ")" * 1000, None, "more than 100 parts"),
    ],
)
def test_what_is_none_is_told_with_its_place(text: str, position: int | None, hint: str) -> None:
    with pytest.raises(BadQuery) as wrong:
        parse_query_text(text)
    assert hint in wrong.value.detail
    assert re.search("[\u4e00-\u9fff]", in_chinese(wrong.value.said))
    if position is not None:
        assert wrong.value.members == {"position": position}


@given(st.text(max_size=60) | st.text('ab:*"()-+<>= \\levANDOR.支', max_size=40))
def test_any_text_is_understood_or_refused_with_a_place_in_it(text: str) -> None:
    try:
        parse_query_text(text)
    except BadQuery as wrong:
        assert 0 <= wrong.members["position"] <= len(text)
        assert wrong.detail
