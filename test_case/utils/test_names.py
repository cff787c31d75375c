"""Names of accounts."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.names import MAX_NAME, folded, is_name, normal


@pytest.mark.parametrize(
    "name", ["a", "Ada Lovelace", "张三", "ada@example.org", "Адá", "o.o-o_o+o", "x" * 64, "हिन्दी"]
)
def test_people_may_be_called_so(name: str) -> None:
    assert is_name(normal(name))


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        " a",
        "a ",
        "a  b",
        "a\tb",
        "a\nb",
        "a\0",
        "x" * 65,
        "ﷺ" * 8,
        "a\u200bb",
        "a\u202eb",
        "<b>",
        "a/b",
        'a"',
        "\ud800",
        "😀",
        "a\u00a0b",
    ],
)
def test_nobody_is_called_so(name: str) -> None:
    assert not is_name(name)


@given(st.text())
def test_a_name_and_its_key_fit_into_the_table(text: str) -> None:
    name = normal(text)
    if is_name(name):
        assert max(len(name), len(folded(name))) <= MAX_NAME
        assert folded(folded(name)) == folded(name)
        assert unicodedata.is_normalized("NFC", name)
        assert is_name(normal(unicodedata.normalize("NFD", name)))


def test_what_looks_alike_is_equal() -> None:
    for names in (("Ada", "ADA", "ａｄａ"), ("é", "e\u0301", "É"), ("ß", "SS")):
        assert len({folded(name) for name in names}) == 1
