"""A query's parameters: each of them, and what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database.expression import All, Compares, Contains, Either, Member, Node, Not
from database.log_query import LogFilter
from exceptions import BadParameter, BadQuery, Forbidden, NotFound, Problem
from service.parameters import (
    DEFAULT_LIMIT,
    HISTOGRAM_OPTIONS,
    LIST_OPTIONS,
    MAX_LIMIT,
    TEXT_FILTERS,
    Query,
    parse_query,
)
from utils.clock import LAST, MINUTE, SECOND, format_time, now_us
from utils.level import NAMES, SEVERITIES

OWN, ALL = (2, 5), (1, 2, 5)
EVERY_OPTION = LIST_OPTIONS | HISTOGRAM_OPTIONS
NOON = 1_795_176_000 * SECOND  # 2026-11-20T12:00:00Z


def parse(
    *parameters: tuple[str, str],
    options: frozenset[str] = EVERY_OPTION,
    apps: tuple[int, ...] = ALL,
) -> Query:
    return parse_query(list(parameters), options, apps, ALL)


def wanted(*parameters: tuple[str, str]) -> LogFilter:
    return parse(*parameters).wanted


def conditions(*parameters: tuple[str, str]) -> tuple[Node, ...]:
    """What is asked of a record beside its app and time."""
    where = wanted(*parameters).where
    assert isinstance(where, All)
    return where.parts


def between(low: int, high: int) -> Node:
    return All((Compares("severity", ">=", low), Compares("severity", "<=", high)))


def refused(name: str, value: str) -> None:
    """It is a bad parameter, and the answer names it."""
    with pytest.raises(BadParameter) as caught:
        parse((name, value))
    assert caught.value.status == 400 and name in caught.value.detail
    assert len(caught.value.detail) < 200


def test_without_parameters_all_records_of_the_reader_are_wanted() -> None:
    query = parse(apps=OWN)
    assert query == Query(LogFilter(OWN))
    assert (query.limit, query.newest_first, query.cursor) == (DEFAULT_LIMIT, True, None)


# Filters.


@pytest.mark.parametrize("name", sorted(TEXT_FILTERS))
@pytest.mark.parametrize("value", ["x", "", " 中文 ", "a,b", "%"])
def test_a_text_field_is_taken_as_it_is(name: str, value: str) -> None:
    assert wanted((name, value)) == LogFilter(ALL, where=All((Compares(name, "=", value),)))


def test_text_fields_go_together_in_one_order() -> None:
    fields = (("device_id", "d"), ("user_id", "u"), ("q", "x"), ("min_level", "info"))
    assert wanted(*fields).where == wanted(*reversed(fields)).where
    assert len(conditions(*fields)) == 4


@pytest.mark.parametrize("path", ["k", "a.b", "中", 'quote"', "attr.k", "$", "a.", ".", " "])
def test_an_attribute_by_its_path(path: str) -> None:
    assert conditions((f"attr.{path}", "5")) == (Member("attributes", path, "=", "5"),)


def test_q_is_of_the_query_language() -> None:
    assert conditions(("q", '"Disk 已满" -x')) == (
        All((Contains("Disk 已满"), Not(Contains("x")))),
    )
    assert wanted(("q", "")) == wanted(("q", "*")) == LogFilter(ALL)
    with pytest.raises(BadQuery):
        parse(("q", "(x"))


def test_nul_is_sought_as_it_is_stored() -> None:
    assert conditions(("q", "a\0"), ("user_id", "\0"), ("attr.k\0", "\0")) == (
        Compares("user_id", "=", "\ufffd"),
        Contains("a\ufffd"),
        Member("attributes", "k\ufffd", "=", "\ufffd"),
    )


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-11-20T12:00:00Z", NOON),
        ("2026-11-20T20:00:00+08:00", NOON),
        ("2026-11-20", NOON - 12 * 3600 * SECOND),
        ("1795176000", NOON),
        ("1795176000.5", NOON + SECOND // 2),
        ("1795176000000", NOON),
        ("0", 0),
        ("-1", 0),
        ("0001-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59.999999Z", LAST),
    ],
)
def test_a_moment_in_any_form(name: str, value: str, moment: int) -> None:
    expected = LogFilter(ALL, **{"start" if name == "from" else "end": moment})
    assert wanted((name, value)) == expected


def test_a_moment_told_from_now() -> None:
    found = wanted(("from", "-1.5h"), ("to", "now"))
    assert found.start is not None and found.end is not None
    assert abs(found.end - found.start - 90 * MINUTE) < SECOND
    assert abs(found.end - now_us()) < MINUTE


@given(st.integers(0, LAST), st.integers(0, LAST))
def test_a_range_of_time(start: int, end: int) -> None:
    found = wanted(("from", format_time(start)), ("to", format_time(end)))
    assert (found.start, found.end) == (start, end)


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize(
    "value",
    ["", "then", "-5y", "2026-13-01", "10:00", "nan", "1e400.", "9" * 19 + "0" * 9, "9" * 5000],
)
def test_what_is_no_moment_is_refused(name: str, value: str) -> None:
    refused(name, value)


@pytest.mark.parametrize("name", NAMES)
def test_a_level_is_its_four_severities(name: str) -> None:
    low = SEVERITIES[name]
    for spelling in (name, name.upper(), f" {name} "):
        assert conditions(("level", spelling)) == (between(low, low + 3),)
        assert conditions(("min_level", spelling)) == (Compares("severity", ">=", low),)


def test_aliases_and_numbers_are_levels_too() -> None:
    assert conditions(("level", "warn")) == (between(13, 16),)
    assert conditions(("level", "15")) == (between(15, 15),)
    assert conditions(("min_level", "15")) == (Compares("severity", ">=", 15),)
    several = Either((between(17, 20), between(9, 9), between(21, 24)))
    assert conditions(("level", "error, 9,FATAL")) == (several,)


@pytest.mark.parametrize("name", ["level", "min_level"])
@pytest.mark.parametrize("value", ["", "loud", "0", "25", "-1", "1.5", "error;", "9" * 5000])
def test_what_is_no_level_is_refused(name: str, value: str) -> None:
    refused(name, value)


@pytest.mark.parametrize("value", ["error,", ",", "error,loud", "error,,info"])
def test_each_of_several_levels_must_be_one(value: str) -> None:
    refused("level", value)


def test_level_and_min_level_exclude_each_other() -> None:
    for pair in ([("level", "info"), ("min_level", "info")]), [("min_level", "9"), ("level", "9")]:
        with pytest.raises(BadParameter, match="exclude"):
            parse(*pair)


# Apps.


def test_an_app_narrows_what_the_reader_may_see() -> None:
    assert parse(("app", "5"), apps=OWN).wanted.apps == (5,)
    assert parse(("app", "1"), apps=ALL).wanted.apps == (1,)


def test_an_app_of_others_is_forbidden_whether_it_exists_or_not() -> None:
    for app in ("1", "9"):
        with pytest.raises(Forbidden):
            parse(("app", app), apps=OWN)


def test_who_may_see_all_is_told_that_there_is_no_such_app() -> None:
    with pytest.raises(NotFound, match="9"):
        parse(("app", "9"))


@pytest.mark.parametrize(
    "value", ["", "shop", "0", "-1", "1.0", "+1", " 1", "1_0", "٢", "99999999999", "9" * 5000]
)
def test_what_is_no_app_is_refused(value: str) -> None:
    refused("app", value)


# Options.


@pytest.mark.parametrize("value", ["1", "100", str(MAX_LIMIT), "007"])
def test_a_limit(value: str) -> None:
    assert parse(("limit", value)).limit == int(value)


@pytest.mark.parametrize(
    "value",
    ["", "0", "-1", "1001", "1.5", "ten", "+5", " 5", "٥", "000000001000000", "9" * 5000],
)
def test_a_limit_out_of_range_is_refused(value: str) -> None:
    refused("limit", value)


@pytest.mark.parametrize(
    ("value", "newest_first"), [("newest", True), ("desc", True), ("oldest", False), ("asc", False)]
)
def test_an_order(value: str, newest_first: bool) -> None:
    assert parse(("order", value)).newest_first is newest_first


@pytest.mark.parametrize("value", ["", "Newest", "random", "true"])
def test_another_order_is_refused(value: str) -> None:
    refused("order", value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("60", 60),
        ("90s", 90),
        ("5m", 300),
        ("1h", 3600),
        ("2d", 172_800),
        ("1000000d", 86_400 * 10**6),
    ],
)
def test_an_interval(value: str, seconds: int) -> None:
    assert parse(("interval", value)).interval == seconds
    assert seconds * SECOND < 2**63


@pytest.mark.parametrize(
    "value", ["", "0", "0m", "m", "5mm", "5 m", "5M", "-5m", "1.5h", "5w", "1000001", "9" * 5000]
)
def test_what_is_no_interval_is_refused(value: str) -> None:
    refused("interval", value)


def test_counts_are_by_level() -> None:
    assert parse(("by", "level")).by == "level"
    refused("by", "user_id")


def test_a_cursor_is_read_later() -> None:
    assert parse(("cursor", "anything")).cursor == "anything"


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        (HISTOGRAM_OPTIONS, "limit", "5"),
        (HISTOGRAM_OPTIONS, "cursor", "x"),
        (HISTOGRAM_OPTIONS, "order", "newest"),
        (LIST_OPTIONS, "interval", "5m"),
        (LIST_OPTIONS, "by", "level"),
    ],
)
def test_a_route_knows_its_own_options_only(options: frozenset[str], name: str, value: str) -> None:
    with pytest.raises(BadParameter, match=f"{name} is unknown"):
        parse((name, value), options=options)


@pytest.mark.parametrize(
    "name",
    ["", "Q", "levels", "span_id", "seq", "attr", "attr.", "attributes", "apps", "key", "中"],
)
def test_an_unknown_parameter_is_refused_by_name(name: str) -> None:
    with pytest.raises(BadParameter) as caught:
        parse((name, "1"))
    assert caught.value.detail == f"{name} is unknown"


@pytest.mark.parametrize("name", ["q", "app", "limit", "user_id", "attr.k", "from"])
def test_a_parameter_given_twice_is_refused(name: str) -> None:
    for second in ("1", "2"):
        with pytest.raises(BadParameter, match=f"{name} is given twice"):
            parse((name, "1"), (name, second))


# What a cursor belongs to.


def test_all_but_cursor_and_limit_makes_the_query() -> None:
    filters = [("q", "x"), ("app", "1"), ("order", "oldest"), ("attr.k", "v")]
    query = parse(*filters, ("cursor", "c"), ("limit", "5"))
    assert query.asked == tuple(sorted(filters))
    assert parse(*reversed(filters), ("limit", "6")).asked == query.asked
    assert parse(*filters[1:]).asked != query.asked


names = st.sampled_from(sorted({*TEXT_FILTERS, *EVERY_OPTION, "from", "to", "level", "q", "app"}))


@given(st.lists(st.tuples(names | st.text(), st.text()), max_size=4))
def test_any_parameters_are_read_or_refused(parameters: list[tuple[str, str]]) -> None:
    try:
        query: Any = parse(*parameters)
    except Problem as problem:
        assert problem.status in (400, 404) and problem.detail
    else:
        assert len(query.asked) <= len(parameters)
