"""What finds and masks secrets in a record: an app's rules, made ready once."""

from bisect import bisect
from collections import Counter
from collections.abc import Container, Iterable
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate
from typing import Any

import msgspec
import re2
from msgspec import Raw

from service.replies import Change
from service.scrub_own import TYPED, BadRule, OwnRule
from service.scrub_rules import ESCAPED, RULES, SECRET, Mask, bytes_options, is_secret_name
from utils.app_settings import Scrubbing
from utils.record import FIELDS, MAX_TEXT, TEXT_FIELDS
from utils.wording import say

NAMING = ("name", "key", "header")  # {"name": "password", "value": …}
FEWEST = 10**10  # a number that a built-in rule finds has at least 11 digits
_decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Scrubber:
    """Masks what an app's rules find. Raises BadRule when one can't be kept."""

    def __init__(self, scrubbing: Scrubbing) -> None:
        if unknown := [name for name in scrubbing.builtin if name not in RULES]:
            these = "{name!r} is no built-in rule; these are: {names}"
            raise BadRule(say(these, name=unknown[0], names=", ".join(RULES)))
        chosen = {name: rule for name, rule in RULES.items() if name in scrubbing.builtin}
        self._own = [OwnRule(rule) for rule in scrubbing.rules]
        self._names = "passwords" in chosen
        self._masks: list[Mask] = [rule.mask for rule in chosen.values()]
        self._ip = list(chosen).index("ip") if "ip" in chosen else None
        self._hints = re2.Set.SearchSet(bytes_options())
        for hint in [*(rule.hint for rule in chosen.values()), ESCAPED]:
            self._hints.Add(hint.encode())
        self._hints.Compile()
        self._any_hint = _any_hint([rule.hint for rule in chosen.values()], self._own)
        self._masks_keys = any(rule.is_everywhere for rule in self._own)

    def may_match(self, raw: bytes) -> bool:
        """Whether there could be something to mask in raw JSON: quick, and never wrong with no."""
        return self._any_hint is None or self._any_hint.search(raw) is not None

    def suspects(self, records: list[Raw]) -> Iterable[int]:
        """The places of the records in which there could be something to mask.

        They are looked through as one text, from each hint on to the next record.
        """
        if self._any_hint is None:
            return range(len(records))
        text, places, begin = b"\n".join(records), list[int](), 0
        ends = list(accumulate(len(memoryview(record)) + 1 for record in records))
        while hint := self._any_hint.search(text, begin):
            last = bisect(ends, hint.end() - 1)
            places += range(bisect(ends, hint.start()), last + 1)
            begin = ends[last]
        return places

    def scrub(self, raw: bytes) -> tuple[bytes, list[Change]]:
        """A record or a context without what must not be kept, written anew, and the changes.

        Everything else in it keeps its value: large numbers too. Of keys that stand twice, the
        last counts. Raises msgspec.MsgspecError and RecursionError: it can't be read.
        """
        names = self._names and not {0, len(self._masks)}.isdisjoint(self._hints.Match(raw) or ())
        record = _decode(raw)
        changes: list[Change] = []
        holders: list[tuple[Any, str, bool]] = [(record, "", False)]
        while holders:  # no recursion: depth can't hurt
            holder, path, listed = holders.pop()
            secret = self._secret_keys(holder, listed) if names else ()
            for key, value in self._members(holder, secret):
                where = _below(path, key)
                after = self._value(value, where, key in secret)
                if after is not value:
                    after = after[:MAX_TEXT] if where in TEXT_FIELDS else after
                    holder[key] = after
                    changes.append(Change(where, value, after))
                elif type(value) in (dict, list):
                    holders.append((value, where, type(holder) is list))
            if type(holder) is dict:
                self._rename(holder, path, changes)
        return _encode(record), changes

    def _members(self, holder: Any, secret: Container[Any]) -> list[tuple[Any, Any]]:
        """The members in which there may be something to mask, and those that hold more."""
        members = holder.items() if type(holder) is dict else enumerate(holder)
        if self._own:
            return list(members)
        match = self._hints.Match
        return [
            (key, value)
            for key, value in members
            if (match(value.encode()) if type(value) is str else _is_open(value)) or key in secret
        ]

    def _secret_keys(self, holder: Any, listed: bool) -> Container[Any]:
        """Under which keys a secret stands: by the key itself, or by a name beside it."""
        if type(holder) is list:
            return (1,) if listed and len(holder) == 2 and _is_secret(holder[0]) else ()
        secret = {key for key in holder if _is_secret(key)}
        if "value" in holder and any(_is_secret(holder.get(name)) for name in NAMING):
            secret.add("value")
        return secret

    def _value(self, value: Any, where: str, secret: bool) -> Any:
        """What is to stand at a path: the very same value when nothing is to be masked."""
        if value is None or value is True or value is False or value == "" or where in TYPED:
            return value
        for rule in self._own:
            if rule.takes_whole(where):
                return rule.replacement
        if secret:
            return SECRET
        if type(value) is str:
            return self._text(value, where)
        if type(value) in (int, Decimal):
            text = _digits(value)
            masked = self._text(text, where)
            return value if masked is text else masked
        return value

    def _text(self, text: str, where: str | None) -> str:
        """A text without what must not be kept; of a key, `where` is None."""
        before = masked = text.encode()
        for number in self._hints.Match(before) or ():
            if number < len(self._masks) and not (number == self._ip and where == "release"):
                masked = self._masks[number](masked)  # a release may look like an address
        for rule in self._own:
            masked = rule.mask(masked, where)
        return text if masked == before else masked.decode("utf-8", "replace")

    def _rename(self, holder: dict[str, Any], path: str, changes: list[Change]) -> None:
        """Mask the keys of an object; those that become the same are told apart by a number."""
        if not self._masks_keys and not self._hints.Match("\n".join(holder).encode()):
            return
        members = list(holder.items())
        taken, numbers = set(holder), Counter[str]()
        holder.clear()
        for key, value in members:
            name = masked = key if not path and key in FIELDS else self._text(key, None)
            while name is not key and name in taken:
                numbers[masked] += 1
                name = f"{masked} {numbers[masked]}"
            if name is not key:
                taken.add(name)
                changes.append(Change(_below(path, key), key, name))
            holder[name] = value


def _any_hint(hints: list[str], own: list[OwnRule]) -> Any:
    """What stands in raw JSON wherever a rule matches; None when that can't be said."""
    wanted = [*hints, ESCAPED, *(hint for rule in own for hint in rule.hints)]
    known = [hint for hint in wanted if hint is not None]
    if len(known) < len(wanted):
        return None
    try:
        return re2.compile("|".join(known).encode(), bytes_options())
    except re2.error:
        raise BadRule("the rules name too many fields") from None


def _is_open(value: Any) -> bool:
    """Whether there may be something to mask in a value that is no text."""
    kind = type(value)
    return kind in (dict, list, Decimal) or (kind is int and abs(value) >= FEWEST)


def _below(path: str, key: Any) -> str:
    """The path of a member, as it is stored: unknown fields stand in `attributes`."""
    if path:
        return f"{path}.{key}"
    return str(key) if key in FIELDS else f"attributes.{key}"


def _is_secret(name: Any) -> bool:
    return type(name) is str and (
        _is_secret_word(name) if len(name) <= MAX_TEXT else is_secret_name(name)
    )


_is_secret_word = lru_cache(maxsize=4096)(is_secret_name)


def _digits(number: int | Decimal) -> str:
    """A number as a text; one without a fraction without its point."""
    if type(number) is Decimal and number.adjusted() < 20 and number == int(number):
        return str(int(number))
    return str(number)


@lru_cache(maxsize=100)
def _scrubber(scrubbing: bytes) -> Scrubber:
    return Scrubber(msgspec.json.decode(scrubbing, type=Scrubbing))


def scrubber_of(scrubbing: Scrubbing) -> Scrubber:
    """The scrubber of an app's rules, made once for each set of them. Raises BadRule."""
    return _scrubber(msgspec.json.encode(scrubbing))
