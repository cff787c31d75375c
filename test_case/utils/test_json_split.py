"""Cutting JSON apart without decoding it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.json_split import NotClosed, split_array, split_object

texts = st.text() | st.text(alphabet='"\\[]{},: \n')
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=12,
)
ways_to_write = st.sampled_from(
    (
        {},
        {"ensure_ascii": False},
        {"indent": 2},
        {"separators": (",", ":")},
        {"separators": (" ,\n", "\t: ")},
    )
)


def written(value: Any, way: dict[str, Any]) -> bytes:
    return json.dumps(value, **way).encode()


@given(st.lists(values), ways_to_write)
def test_an_array_gives_back_its_elements(elements: list[Any], way: dict[str, Any]) -> None:
    cut = list(split_array(b" " + written(elements, way) + b"\r\n"))
    assert [json.loads(element) for element in cut] == elements
    assert all(element == element.strip() for element in cut)


@given(st.dictionaries(texts, values), ways_to_write)
def test_an_object_gives_back_its_members(members: dict[str, Any], way: dict[str, Any]) -> None:
    cut = list(split_object(b"\n" + written(members, way) + b" "))
    assert [(json.loads(key), json.loads(value)) for key, value in cut] == list(members.items())


@given(st.lists(values), ways_to_write, st.data())
def test_an_array_cut_short_is_not_closed(
    elements: list[Any], way: dict[str, Any], data: st.DataObject
) -> None:
    text = written(elements, way)
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(NotClosed):
        list(split_array(text[:cut]))


@given(st.dictionaries(texts, values), ways_to_write, st.data())
def test_an_object_cut_short_is_not_closed(
    members: dict[str, Any], way: dict[str, Any], data: st.DataObject
) -> None:
    text = written(members, way)
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(NotClosed):
        list(split_object(text[:cut]))


def test_what_stands_before_a_cut_is_still_given() -> None:
    elements = split_array(b'[{"a": 1}, 2, {"b"')
    assert [next(elements), next(elements)] == [b'{"a": 1}', b"2"]
    with pytest.raises(NotClosed, match="too early"):
        next(elements)


@pytest.mark.parametrize("text", [b"", b" ", b"5", b'"[1]"', b"null", b"{}", b"]"])
def test_what_is_no_array(text: bytes) -> None:
    with pytest.raises(NotClosed):
        list(split_array(text))


@pytest.mark.parametrize("text", [b"", b"[]", b'"{}"', b"}"])
def test_what_is_no_object(text: bytes) -> None:
    with pytest.raises(NotClosed):
        list(split_object(text))


@pytest.mark.parametrize("text", [b"[1] 2", b"[1][2]", b"[1]]", b"[]\n[]"])
def test_something_behind_the_end(text: bytes) -> None:
    with pytest.raises(NotClosed, match="follows"):
        list(split_array(text))


@pytest.mark.parametrize("text", [b"[1}", b'[{"a": 1}}', b"[[1]}"])
def test_another_bracket_does_not_close_an_array(text: bytes) -> None:
    with pytest.raises(NotClosed, match="another bracket"):
        list(split_array(text))


@pytest.mark.parametrize("text", [b'["a]', b'[{"a": "b]}', b'["\\"]', b'[1, "'])
def test_a_bracket_in_a_string_that_is_not_closed_closes_nothing(text: bytes) -> None:
    with pytest.raises(NotClosed, match="string"):
        list(split_array(text))


def test_a_long_string_that_is_not_closed_is_read_once() -> None:
    with pytest.raises(NotClosed, match="string"):
        list(split_array(b'["' + b'\\"' * 1_000_000))


def test_bad_members_are_cut_out_as_they_are() -> None:
    text = b'[1, NaN, {"a": tru}, "\xff", [1,,2], "\\ud800" x]'
    cut = [b"1", b"NaN", b'{"a": tru}', b'"\xff"', b"[1,,2]", b'"\\ud800" x']
    assert list(split_array(text)) == cut


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (b"[]", []),
        (b"[ ]", []),
        (b"[1,]", [b"1"]),
        (b"[,1]", [b"", b"1"]),
        (b'["a": 1, b:2]', [b'"a": 1', b"b:2"]),
        (b"[1,,2]", [b"1", b"", b"2"]),
        (b'["a,]", "\\"]"]', [b'"a,]"', b'"\\"]"']),
    ],
)
def test_commas_brackets_and_quotes(text: bytes, cut: list[bytes]) -> None:
    assert list(split_array(text)) == cut


def test_the_last_of_equal_keys_comes_last() -> None:
    assert list(split_object(b'{"a": 1, "a": {"a": 2}}')) == [(b'"a"', b"1"), (b'"a"', b'{"a": 2}')]


def test_depth_is_no_recursion() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert list(split_array(b"[1, " + deep + b", 2]")) == [b"1", deep, b"2"]
    object_ = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    assert list(split_object(object_)) == [(b'"a"', object_[5:-1])]
    with pytest.raises(NotClosed):
        list(split_array(deep[:-1]))


@given(st.binary() | st.text(alphabet='[]{},:" \\a1').map(str.encode))
def test_anything_is_cut_or_not_closed(text: bytes) -> None:
    for split in (split_array, split_object):
        try:
            assert isinstance(list(split(text)), list)
        except NotClosed as error:
            assert str(error)
