"""Python's logging.handlers.HTTPHandler: the members of a LogRecord as a form or as a query."""

from ast import literal_eval
from typing import Any
from urllib.parse import parse_qsl

from exceptions import Problem, UnreadableBody
from service.adapter.lift import fill, level_of, time_of
from service.adapter.wire import Reply, Sent, Translated, text_refusal
from service.batch import Batch
from service.ingest import demand_good

MAX_MEMBERS, MAX_ARGS = 1000, 2**14
_OWN = ("msg", "args", "levelno", "levelname", "created", "name", "exc_text", "exc_info", "key")
_NONE = ("None", "")


def read(sent: Sent) -> Translated | Reply:
    """A record."""
    if sent.method == "HEAD":
        return Reply(200)
    members = dict(sent.query) if sent.method == "GET" else _form(sent.body)
    if "msg" not in members:
        raise UnreadableBody("this is no LogRecord: it has no msg")
    return Translated([_record(members)])


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """200 and nothing more; the handler does not look at it."""
    demand_good(kept)
    return Reply(200)


def refuse(sent: Sent, problem: Problem) -> Reply:
    """A line of text."""
    return text_refusal(problem)


def _form(body: bytes) -> dict[str, str]:
    text = body.decode("utf-8", "replace")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_MEMBERS))
    except ValueError as error:
        raise UnreadableBody(f"the body is no form: {error}") from None


def _record(members: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"message": _message(members)}
    level = level_of(members.get("levelname")) or _level_of_number(members.get("levelno"))
    traceback = members.get("exc_text", "None")
    for name, value in (
        ("level", level),
        ("time", time_of(members.get("created"))),
        ("logger", members.get("name")),
        ("exception", None if traceback in _NONE else {"stacktrace": traceback}),
    ):
        if value:
            found[name] = value
    rest = {name: v for name, v in members.items() if name not in _OWN and v not in _NONE}
    return fill(found, rest)


def _message(members: dict[str, str]) -> str:
    """`msg % args`; arguments that can't be read again, as Python wrote them, follow the text."""
    text, written = members.get("msg", ""), members.get("args", "()")
    if written in ("()", "None", "") or len(written) > MAX_ARGS:
        return text
    try:
        args = literal_eval(written)
        _demand_short(text)
        return str(text % args)
    except (ValueError, TypeError, LookupError, SyntaxError, MemoryError, ArithmeticError):
        return f"{text} {written}"


def _demand_short(text: str) -> None:
    """Raises ValueError for a width or precision that would make a text of gigabytes."""
    digits = 0
    for letter in text:
        digits = digits + 1 if letter.isdigit() else 0
        if digits > 3 or letter == "*":
            raise ValueError("a width is too large")


def _level_of_number(number: str | None) -> Any:
    return level_of(int(number)) if number and number.isdecimal() and len(number) < 4 else None
