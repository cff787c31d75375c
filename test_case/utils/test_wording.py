"""What clients are told is there in Chinese: the English in the code is compared with the file."""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from string import Formatter
from typing import Annotated, Any, Literal

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct
from started import ROOT

import exceptions.accounts
from exceptions import Problem
from utils.wording import in_chinese, retold, say

FILE = ROOT / "resource" / "problems.zh.yaml"
CHINESE = yaml.safe_load(FILE.read_text("utf-8"))
# Other protocols refuse in their own forms, which programs read.
MODULES = [
    path
    for folder in ("utils", "database", "service", "controller")
    for path in (ROOT / folder).rglob("*.py")
    if "adapter" not in path.parts
]


def problems() -> list[type[Problem]]:
    found = [Problem]
    for each in found:
        found += each.__subclasses__()
    assert exceptions.accounts.WeakPassword in found
    return found


# What tells, and which of its arguments.
TELLING = {"say": 0, "wrong": 1, "BadRule": 0, "_take": 4}
TELLING |= dict.fromkeys((each.__name__ for each in problems()), 0)


class Module:
    """What a module tells: the templates of `say`, and the details of problems that need none."""

    def __init__(self, source: str) -> None:
        self.tree = ast.parse(source)
        self.given: dict[str, list[ast.expr]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self.given.setdefault(ast.unparse(target), []).append(node.value)

    def told(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and name_of(node.func) in TELLING:
                at = TELLING[name_of(node.func)]
                for argument in node.args[at : at + 1]:
                    yield from self._texts(argument)

    def _texts(self, told: ast.expr) -> Iterator[str]:
        assert not isinstance(told, ast.JoinedStr), f"`say` this: {ast.unparse(told)}"
        if isinstance(told, ast.Constant) and isinstance(told.value, str):
            yield told.value
        elif isinstance(told, ast.IfExp):
            yield from (text for each in (told.body, told.orelse) for text in self._texts(each))
        elif isinstance(told, ast.Name | ast.Attribute):
            for value in self.given.get(ast.unparse(told), []):
                yield from self._texts(value)


def name_of(called: ast.expr) -> str:
    return called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")


@cache
def told_in_the_code() -> set[str]:
    titles = {each.title for each in problems()}
    return titles.union(*(Module(path.read_text("utf-8")).told() for path in MODULES))


class Strict(Struct, forbid_unknown_fields=True):
    must: int


# What msgspec says: our template, and what makes it say so.
THEIRS: list[tuple[str, Any, bytes]] = [
    ("Expected {a}, got {b}", int, b'"x"'),
    ("Expected {a} >= {b}", Annotated[int, Meta(ge=1)], b"0"),
    ("Expected {a} <= {b}", Annotated[int, Meta(le=-1)], b"0"),
    ("Expected {a} of length >= {b}", Annotated[str, Meta(min_length=1)], b'""'),
    ("Expected {a} of length <= {b}", Annotated[list[int], Meta(max_length=1)], b"[1, 2]"),
    ("Expected {a} matching regex {b}", Annotated[str, Meta(pattern="^{[0-9]+}$")], b'"x"'),
    ("Object missing required field {a}", Strict, b"{}"),
    ("Object contains unknown field {a}", Strict, b'{"must": 1, "{b}": 2}'),
    ("Invalid enum value {a}", Literal["a", "b"], b'"{b}"'),
    ("JSON is malformed: invalid character (byte {a})", int, b"x"),
    ("Input data was truncated", int, b""),
]


def test_all_that_is_told_has_chinese() -> None:
    assert len(told_in_the_code()) > 180
    assert sorted(told_in_the_code() - CHINESE.keys()) == []


def test_the_file_holds_nothing_that_nobody_says() -> None:
    theirs = {template for template, _, _ in THEIRS}
    assert sorted(CHINESE.keys() - told_in_the_code() - theirs) == []
    lines = FILE.read_text("utf-8").splitlines()
    assert len([line for line in lines if line.startswith('"')]) == len(CHINESE)  # none twice


def blanks(template: str) -> Counter[tuple[str | None, ...]]:
    return Counter(part[1:] for part in Formatter().parse(template) if part[1] is not None)


@pytest.mark.parametrize(("english", "chinese"), CHINESE.items())
def test_the_chinese_has_the_same_blanks_and_is_chinese(english: str, chinese: str) -> None:
    assert blanks(english) == blanks(chinese)
    assert not chinese.isascii()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ('NotFound("a")', ["a"]),
        ('say("{a}", a=say("b"))', ["{a}", "b"]),
        ('A = "a"\nBadToken(A)', ["a"]),
        ('raise self.wrong(item, "a")', ["a"]),
        ('self.a = "a" if b else None\nBusy(self.a, 1)', ["a"]),
        ("Problem(str(error))", []),
    ],
)
def test_what_is_told_is_found(source: str, told: list[str]) -> None:
    assert list(Module(source).told()) == told


@pytest.mark.parametrize("source", ['NotFound(f"no {x}")', 'd = f"no {x}"\nNotFound(d)'])
def test_what_could_not_be_translated_is_found(source: str) -> None:
    with pytest.raises(AssertionError, match="`say` this"):
        list(Module(source).told())


def test_values_stay_as_they_are() -> None:
    hint = say("; did you mean {word}?", word="{name}")
    said = say("{name} is no field{hint}", name="Not found", hint=hint)
    assert said == "Not found is no field; did you mean {name}?"
    assert in_chinese(said) == "没有字段 Not found；您是否想输入 {name}？"
    assert in_chinese("Not found") == "未找到"


@pytest.mark.parametrize("text", ["no words of ours", say("not {what}", what="ours"), ""])
def test_what_nobody_translated_stays_english(text: str) -> None:
    assert in_chinese(text) == text


def complaint(kind: Any, body: bytes) -> str:
    with pytest.raises(msgspec.MsgspecError) as caught:
        msgspec.json.decode(body, type=kind)
    return str(caught.value)


@pytest.mark.parametrize(("template", "kind", "body"), THEIRS)
def test_what_the_decoder_says_is_told_too(template: str, kind: Any, body: bytes) -> None:
    message = complaint(kind, body)
    said = retold(message)
    assert said == message
    assert said.template == template
    assert in_chinese(said) == CHINESE[template].format(**said.values)


@given(st.text("`'{}ab1- ", max_size=26))
def test_whatever_a_library_says_can_be_told(message: str) -> None:
    said = retold(message)
    assert said == message
    assert said.template.format(**said.values) == message
    assert in_chinese(said) == message


@pytest.mark.parametrize("part", ["{", "`1`", "'"])
def test_however_much_it_quotes_it_can_be_told(part: str) -> None:
    assert in_chinese(retold(40 * part)) == 40 * part
