"""A LogRecord as a record of RedLog, in JSON at once: what it holds may change afterwards."""

from __future__ import annotations

import json
import logging
import time
import traceback
from typing import Any

# What every LogRecord has; what else it has came by `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Members of `extra` that have a field of their own, if they are text.
_FIELDS = (
    *("environment", "release", "platform", "device_id", "session_id"),
    *("user_id", "trace_id", "span_id"),
)
_LEVELS = ((50, "fatal"), (40, "error"), (30, "warning"), (20, "info"), (10, "debug"))
_dumps = json.JSONEncoder(default=str, allow_nan=False, separators=(",", ":")).encode


def encoded(record: logging.LogRecord, seq: int) -> bytes:
    """A LogRecord; what JSON has no form for becomes text. `seq` is its number in the session."""
    made = {
        "message": _message(record),
        "time": int(record.created * 1e6),  # µs
        "level": next((name for floor, name in _LEVELS if record.levelno >= floor), "trace"),
        "logger": record.name[:128],
        "seq": seq,
    }
    if record.exc_info and record.exc_info[1] is not None:
        made["exception"] = _exception(record.exc_info[1])
    elif record.exc_text:
        made["exception"] = {"stacktrace": record.exc_text}
    attributes = _attributes(record)
    for name in _FIELDS:
        if isinstance(attributes.get(name), str) and len(attributes[name]) <= 128:
            made[name] = attributes.pop(name)
    try:
        return _dumps({**made, "attributes": attributes}).encode()
    except Exception:  # a cycle, a key that is no text, NaN
        plain = {str(name): _shown(value) for name, value in attributes.items()}
        return _dumps({**made, "attributes": plain}).encode()


def encoded_note(message: str, attributes: dict[str, Any]) -> bytes:
    """What this library has to say itself; it has no number."""
    made = {"message": message, "time": int(time.time() * 1e6), "level": "warning"}
    return _dumps({**made, "logger": "redlog_client", "attributes": attributes}).encode()


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # arguments that do not fit: the text is worth more than nothing
        return f"{record.msg} % {_shown(record.args)} ({type(error).__name__})"


def _exception(error: BaseException) -> dict[str, str]:
    """With those that caused it, as Python prints them."""
    made = {"type": type(error).__qualname__, "value": _shown(error, str)}
    try:
        lines = traceback.format_exception(type(error), error, error.__traceback__)
    except Exception:  # of its own text
        lines = traceback.format_tb(error.__traceback__)
    return {**made, "stacktrace": "".join(lines)}


def _attributes(record: logging.LogRecord) -> dict[str, Any]:
    extra = {name: value for name, value in vars(record).items() if name not in _OWN}
    if isinstance(extra.get("extra"), dict):  # Loguru's
        extra.update(extra.pop("extra"))
    place = {
        "file": record.pathname,
        "line": record.lineno,
        "function": record.funcName,
        "thread": record.threadName,
        "pid": record.process,
        "stack": record.stack_info,
    }
    return {**{name: value for name, value in place.items() if value}, **extra}


def _shown(value: Any, how: Any = repr) -> str:
    try:
        return str(how(value))
    except Exception:
        return f"<{type(value).__name__}>"
