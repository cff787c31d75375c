"""Levels in all the forms that clients send."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.level import INFO, NAMES, SEVERITIES, level_name, severity_of, spellings

spelled = st.sampled_from(sorted(SEVERITIES)).flatmap(
    lambda name: st.tuples(
        st.just(name),
        st.tuples(*(st.sampled_from((letter, letter.upper())) for letter in name)).map("".join),
    )
)


def test_the_six_names_stand_at_the_lowest_of_their_four_numbers() -> None:
    assert NAMES == ["trace", "debug", "info", "warning", "error", "fatal"]
    assert [SEVERITIES[name] for name in NAMES] == [1, 5, 9, 13, 17, 21]
    assert SEVERITIES["info"] == INFO


@pytest.mark.parametrize("severity", range(1, 25))
def test_each_number_is_itself_and_has_a_name(severity: int) -> None:
    assert severity_of(severity) == severity_of(str(severity)) == severity
    assert severity_of(float(severity)) == severity
    assert level_name(severity) == NAMES[(severity - 1) // 4]


@given(spelled, st.sampled_from(("", " ", "\t ")))
def test_case_and_spaces_do_not_matter(pair: tuple[str, str], space: str) -> None:
    name, spelling = pair
    assert severity_of(space + spelling + space) == SEVERITIES[name]


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("warn", "warning"),
        ("critical", "fatal"),
        ("panic", "fatal"),
        ("err", "error"),
        ("verbose", "trace"),
        ("notice", "info"),
        ("V", "trace"),
        ("D", "debug"),
        ("I", "info"),
        ("W", "warning"),
        ("E", "error"),
        ("F", "fatal"),
    ],
)
def test_what_other_loggers_call_it(alias: str, name: str) -> None:
    assert level_name(severity_of(alias) or 0) == name


def test_no_level_is_info() -> None:
    assert severity_of(None) == INFO


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        " ",
        "loud",
        "warning!",
        "-1",
        "0",
        "25",
        "9.0",
        "9" * 5000,
        0,
        25,
        -3,
        9.5,
        10**400,
        float("nan"),
        float("inf"),
        True,
        False,
        [],
        {},
        b"info",
    ],
)
def test_what_is_no_level(wrong: Any) -> None:
    assert severity_of(wrong) is None


def test_the_spellings_that_are_read_fastest_are_all_known() -> None:
    found = list(spellings())
    assert len(found) == len(set(found))
    assert {"warn", "WARN", "Warn", "error", "ERROR", "Error"} <= set(found)
    assert all(severity_of(spelling) == SEVERITIES[spelling.lower()] for spelling in found)
