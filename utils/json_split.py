"""Cut a JSON array or object into its members without decoding them.

A decoder gives up on the whole text at the first bad member; cut first, and each stands alone.
Nothing recurses, so depth can't hurt.
"""

import re
from collections.abc import Iterator

_TOKEN = re.compile(rb'"(?:[^"\\]*(?:\\.[^"\\]*)*")?|[\[\]{},:]', re.DOTALL)
_CLOSING = {b"[": ord("]"), b"{": ord("}")}


class NotClosed(ValueError):
    """The text is no single array or object: it ends too early, or something follows it."""


def split_array(text: bytes) -> Iterator[bytes]:
    """The elements of a JSON array, as written. Raises NotClosed after what could be cut."""
    for _, element in _members(text.strip(), b"["):
        yield element


def split_object(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The members of a JSON object as (quoted key, value), as written. Raises NotClosed."""
    yield from _members(text.strip(), b"{")


def _members(text: bytes, opening: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not text.startswith(opening):
        raise NotClosed("not what was looked for")
    depth, start, key = 0, 1, b""
    for token in _TOKEN.finditer(text):
        mark = text[token.start()]
        if mark in b"[{":
            depth += 1
        elif mark in b"]}":
            depth -= 1
        elif depth == 1 and mark in b":" and opening == b"{":
            key, start = text[start : token.start()].strip(), token.end()
            continue
        elif token.end() - token.start() == 1 and mark in b'"':
            raise NotClosed("a string is not closed")
        elif depth != 1 or mark not in b",":
            continue
        if depth == 0 or (depth == 1 and mark in b","):
            member = text[start : token.start()].strip()
            if member or key or depth == 1:
                yield key, member
            key, start = b"", token.end()
        if depth == 0:
            if mark != _CLOSING[opening]:
                raise NotClosed("it ends with another bracket")
            if token.end() != len(text):
                raise NotClosed("something follows the end")
            return
    raise NotClosed("it ends too early")
