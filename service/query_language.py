"""The query language of `q`: words and "phrases" in the message, `field:value`, `level>=warning`,
`attr.screen:home`, `user_id:*`, `-not`, `AND OR NOT ( )`, and `*` for any text.

The grammar is Lucene's, read by luqum; here its trees become `database.expression`.
"""

import difflib
import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from database.expression import ANY, LIKE, All, Compares, Contains, Either, IsSet, Member, Node, Not
from exceptions import BadQuery
from utils.clock import parse_moment
from utils.level import NAMES, severity_of
from utils.wording import say

TEXTS = ("logger", "environment", "release", "platform", "device_id", "session_id", "user_id",
         "trace_id", "span_id")  # fmt: skip
NUMBERS = ("seq", "skew_ms")
TIMES = ("time", "received_at")
FLAGS = ("truncated", "untrusted")
JSON = {"attr": "attributes", "exception": "exception"}
FIELDS = ("message", "level", *TEXTS, *NUMBERS, *TIMES, *FLAGS, "attr.…", "exception.…")
MAX_LENGTH, MAX_PARTS = 4000, 100
_parsing = threading.Lock()  # the parser keeps its state in itself

# luqum wants `level:>=warning` and `seq:>"-1"`; comparisons as they are written elsewhere get that.
_COMPARISON = re.compile(
    r'"(?:[^"\\]|\\.)*"|\\\W?|(?<![\w.])([a-z_]+(?:\.[\w.-]+)?)([<>]=?)(?![<>=\s])(-[^\s()"]*)?'
)


def parse_query_text(text: str) -> Node:
    """What `q` asks for. Raises BadQuery, with the position (in characters) of what is wrong."""
    if len(text) > MAX_LENGTH:
        raise BadQuery(say("longer than {most} characters", most=MAX_LENGTH), MAX_LENGTH)
    if not text.strip():
        return All()
    query, inserted = _with_colons(text)
    reader = _Reader(inserted)
    return reader.read(_parse(query, reader))


def _with_colons(text: str) -> tuple[str, list[int]]:
    """The text with `field>=value` as `field:>=value`, and where in it signs were put."""
    inserted: list[int] = []

    def put(match: re.Match[str]) -> str:
        name, sign, negative = match.groups()
        if match[0].rstrip() == "\\":  # as in paths: what stands behind it has no other meaning
            inserted.append(match.start() + len(inserted))
            return "\\" + match[0]
        if not name or not (name in FIELDS or name.partition(".")[0] in JSON):
            return match[0]
        inserted.append(match.end(1) + len(inserted))
        if negative is None:
            return f"{name}:{sign}"
        inserted.append(match.end(2) + len(inserted))
        inserted.append(match.end() + len(inserted))
        return f'{name}:{sign}"{negative}"'

    return _COMPARISON.sub(put, text), inserted


def _parse(query: str, reader: "_Reader") -> Any:
    from luqum.exceptions import ParseError  # only here: start-up and memory
    from luqum.parser import parser

    try:
        with _parsing:
            return parser.parse(query)
    except ParseError as error:
        found = re.search(r"at position (\d+)", str(error))
        position = int(found[1]) if found else len(query)
        raise BadQuery(_meant(query, position), reader.place(position)) from None
    except RecursionError:
        raise BadQuery("too deep", 0) from None


def _meant(query: str, position: int) -> str:
    """What is wrong where the grammar ends, as far as it can be guessed."""
    bare = re.sub(r'\\.|"(?:[^"\\]|\\.)*"', "", query)
    if '"' in bare:
        return say('a quotation mark " is not closed')
    if bare.count("(") > bare.count(")"):
        return say("a bracket ( is not closed")
    if bare.count(")") > bare.count("("):
        return say("a bracket ) was never opened")
    if position >= len(query.rstrip()):
        return say("something is missing at the end")
    found = query[position : position + 20]
    return say('{found!r} is not expected here; put text with signs in "…"', found=found)


class _Reader:
    """Turns luqum's trees into ours."""

    def __init__(self, inserted: list[int]) -> None:
        self.inserted = inserted
        self.parts = 0

    def place(self, position: int) -> int:
        """Where something stands in the text as it was given."""
        return position - sum(at < position for at in self.inserted)

    def wrong(self, item: Any, detail: str) -> BadQuery:
        """What is to be raised for a part of the query."""
        return BadQuery(detail, self.place(item.pos or 0))

    def read(self, item: Any, field: Any = None) -> Node:
        """One item of the tree; `field` is the SearchField around it."""
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise self.wrong(item, say("more than {most} parts", most=MAX_PARTS))
        kind = type(item).__name__
        if kind in ("AndOperation", "UnknownOperation"):
            return All(tuple(self.read(part, field) for part in item.children))
        if kind == "OrOperation":
            return Either(tuple(self.read(part, field) for part in item.children))
        if kind in ("Not", "Prohibit"):
            return Not(self.read(item.a, field))
        if kind in ("Group", "FieldGroup", "Plus"):
            return self.read(item.children[0], field)
        if kind == "SearchField":
            if field is not None or type(item.expr).__name__ == "SearchField":
                detail = say('a field within a field; write {name}:"…"', name=item.name)
                raise self.wrong(item, detail)
            return self.read(item.expr, item)
        return self.leaf(kind, item, field)

    def leaf(self, kind: str, item: Any, field: Any) -> Node:
        """A single value, with the way it is compared."""
        if kind == "Range":
            low, high = ">" + "=" * item.include_low, "<" + "=" * item.include_high
            given = [(v, sign) for v, sign in ((item.low, low), (item.high, high)) if str(v) != "*"]
            return All(tuple(self.compared(value, field, sign) for value, sign in given))
        if kind in ("From", "To"):
            return self.compared(item.a, field, item.op + "=" * item.include)
        if kind in ("Word", "Phrase"):
            return self.compared(item, field, "=")
        found = str(item).strip()
        raise self.wrong(item, say('{found!r} is not understood; put it in "…"', found=found))

    def compared(self, item: Any, field: Any, sign: str) -> Node:
        """A word or phrase against a field, without one against the message."""
        value, is_set = _value_of(item)
        name = field.name if field is not None else "message"
        if name == "message":
            if sign != "=":
                raise self.wrong(item, "the message has no order; write message:word")
            return All() if is_set else Contains(value.strip(ANY))
        base, _, path = name.partition(".")
        if base in JSON and path:
            if is_set:
                return IsSet(JSON[base], path)
            return self.member(item, JSON[base], path, sign, value)
        if name == "exception" and is_set:
            return IsSet(name)
        if name == "level":
            return All() if is_set else self.level(item, sign, value)
        if name in TEXTS and not is_set:
            return Compares(name, LIKE if ANY in value and sign == "=" else sign, value)
        if name in (*TEXTS, *NUMBERS, *FLAGS) and is_set:
            return IsSet(name)
        if name in FLAGS and value in ("true", "false"):
            return IsSet(name) if value == "true" else Not(IsSet(name))
        if name in NUMBERS or name in TIMES:
            return Compares(name, sign, self.number(item, name, value))
        raise self.wrong(field, _unknown(name, value))

    def level(self, item: Any, sign: str, text: str) -> Node:
        """A name stands for its four severities, a number for itself."""
        severity = severity_of(text)
        if severity is None:
            detail = say("{text!r} is no level{hint}", text=text, hint=_close(text, NAMES))
            raise self.wrong(item, detail)
        last = severity if text.isdecimal() else severity + 3
        if sign == "=":
            above = Compares("severity", ">=", severity)
            return All((above, Compares("severity", "<=", last)))
        return Compares("severity", sign, severity if sign in ("<", ">=") else last)

    def member(self, item: Any, column: str, path: str, sign: str, value: str) -> Node:
        """A member of a JSON column; what has an order are numbers."""
        if sign == "=":
            return Member(column, path, LIKE if ANY in value else "=", value)
        try:
            return Member(column, path, sign, float(value))
        except ValueError:
            detail = say("{sign} is for numbers, and {value!r} is none", sign=sign, value=value)
            raise self.wrong(item, detail) from None

    def number(self, item: Any, name: str, text: str) -> int:
        """A whole number, or a time in µs."""
        number = parse_moment(text) if name in TIMES else None
        if name in NUMBERS and re.fullmatch(r"-?[0-9]{1,18}", text):
            number = int(text)
        if number is None:
            moment, whole = say("RFC 3339, a Unix time or like -15m"), say("a whole number")
            what = moment if name in TIMES else whole
            detail = say("{name} is {what}, not {text!r}", name=name, what=what, text=text)
            raise self.wrong(item, detail)
        return number


def _value_of(item: Any) -> tuple[str, bool]:
    """The text that a word or phrase stands for, ANY for `*`; and whether it is `*` alone."""
    if type(item).__name__ == "Phrase":
        return re.sub(r'\\(["\\])', r"\1", item.value[1:-1]), False
    return "".join(_unescaped(item.value)), item.value == "*"


def _unescaped(word: str) -> Iterator[str]:
    for part in re.findall(r"\\.|.", word, re.DOTALL):
        yield ANY if part == "*" else part[-1]


def _unknown(name: str, value: str) -> str:
    if name in FLAGS:
        return say("{name} is true or false", name=name)
    if name in JSON:
        return say("write {name}.name:value", name=name)
    phrase = say('; for the text write "{name}:{value}"', name=name, value=value)
    return say("{name} is no field{hint}", name=name, hint=_close(name, FIELDS) or phrase)


def _close(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word.lower(), known, 1)
    return say("; did you mean {word}?", word=close[0]) if close else ""
