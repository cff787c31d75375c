"""An app's own rules of scrubbing: fields by their paths, patterns run by RE2."""

import re
from typing import Any

import re2

from utils.app_settings import ScrubRule
from utils.record import FIELDS
from utils.wording import say

# A pattern that RE2 can't run by its table (DFA) costs up to 5 ns a byte and instruction.
MAX_PROGRAM = 500
PATTERN_BYTES = 4 * 2**20
TYPED = frozenset(("time", "level", "seq"))  # they hold no text, and mean nothing but themselves


class BadRule(ValueError):
    """A rule that can't be kept; the message says which, and why."""


class OwnRule:
    """A rule of the app's own, made ready. Raises BadRule."""

    def __init__(self, rule: ScrubRule) -> None:
        self.replacement = rule.replacement
        self._find = _compiled(rule.pattern) if rule.pattern else None
        if not rule.fields and self._find is None:
            raise BadRule("a rule names fields, a pattern or both")
        paths = "|".join(_path_pattern(field) for field in rule.fields)
        # What stands below a field belongs to it; a rule without a pattern takes it whole.
        below = r"(?:\..*)?" if self._find else ""
        self._path = re.compile(f"(?:{paths}){below}", re.DOTALL) if paths else None
        self.hints = [_field_hint(field) for field in rule.fields] or [None]

    @property
    def is_everywhere(self) -> bool:
        """Whether it masks all texts, keys among them."""
        return self._path is None

    def takes_whole(self, path: str) -> bool:
        """Whether the value at this path is to be replaced, whatever it is."""
        return self._find is None and self._covers(path)

    def mask(self, text: bytes, path: str | None) -> bytes:
        """A text without what matches the pattern, if this path is one of the rule's.

        A key has no path: only a rule for all texts masks it.
        """
        if self._find is None or not self._covers(path) or self._find.search(text) is None:
            return text
        replacement = self.replacement.encode()
        masked: bytes = self._find.sub(lambda match: match[0] and replacement, text)
        return masked

    def _covers(self, path: str | None) -> bool:
        if self._path is None or path is None:
            return self._path is None
        return self._path.fullmatch(path) is not None


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem, options.log_errors = PATTERN_BYTES, False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if error.args else "not understood"
        raise BadRule(
            say("pattern {pattern!r}: {reason}", pattern=pattern, reason=reason)
        ) from None
    if compiled.programsize > MAX_PROGRAM:
        raise BadRule(say("pattern {pattern!r} is too large: repeat less", pattern=pattern))
    if compiled.search(b"") is not None:
        raise BadRule(say("pattern {pattern!r} matches the empty text", pattern=pattern))
    return compiled


def _path_pattern(field: str) -> str:
    root, _, rest = field.partition(".")
    if root not in FIELDS - TYPED or (root in ("attributes", "exception")) != bool(rest):
        name = "field {field!r}: name a text of the record, attributes.… or exception.…"
        raise BadRule(say(name, field=field))
    return r"\.".join("[^.]+" if part == "*" else re.escape(part) for part in field.split("."))


def _field_hint(field: str) -> str | None:
    """What stands in raw JSON wherever the field does; None when that can't be said."""
    named = [part for part in field.split(".")[1:] or [field] if not re.fullmatch(r"\*|\d+", part)]
    if not named or not re.fullmatch(r"[\w \-]+", named[-1], re.ASCII):
        return None
    return re.escape(named[-1]) + r'["\.]'
