"""Case-insensitive substring search in any language."""

from collections.abc import Iterator
from functools import lru_cache


def contains_folded(text: str, needle: str) -> bool:
    """Whether `text` contains `needle`, which is case-folded already (Unicode, full folding).

    A NUL in the needle, which no stored text has, stands for any text.
    """
    folded, at = text.casefold(), 0
    for piece in needle.split("\0"):
        at = folded.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True


def folds_like_ascii(needle: str) -> bool:
    """Whether SQL's LIKE, which folds A–Z only, finds all that a case-folding search would.

    True for Latin letters without accents and for scripts without case, Chinese among them. (But
    for the few other signs that fold to Latin letters: to LIKE, ß is not ss.)
    """
    return all(
        letter.isascii() or letter.casefold() == letter == letter.upper() for letter in needle
    )


def like_pattern(pattern: str) -> str:
    """A pattern for LIKE with `\\` as its escape, from one in which NUL is any text."""
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("\0", "%")


def glob_pattern(pattern: str) -> str:
    """A pattern for SQLite's GLOB, which minds case, from one in which NUL is any text."""
    escaped = pattern.replace("[", "[[]").replace("?", "[?]").replace("*", "[*]")
    return escaped.replace("\0", "*")


def folded_pattern(folded: str) -> str:
    """A regular expression (PCRE, ICU) that finds what `contains_folded` finds for a needle.

    Letters stand as `\\x{…}` in classes, so nothing in the needle has a meaning of its own. (What a
    single sign such as ﬃ folds to is found as a whole or by letters, not by a part of the sign.)
    """
    return "".join(f"(?:{'|'.join(_spelled(part))})" for part in _parts(folded))


def _parts(folded: str) -> Iterator[str]:
    """Single letters, and runs to which a single sign folds."""
    at = 0
    while at < len(folded):
        sizes = (size for size in (3, 2, 1) if folded[at : at + size] in _signs() or size == 1)
        size = min(next(sizes), len(folded) - at)
        yield folded[at : at + size]
        at += size


def _spelled(part: str) -> list[str]:
    """All ways to write what folds to `part`, of at most three letters."""
    if not part:
        return [""]
    ways = []
    for size in range(1, len(part) + 1):
        signs = _signs().get(part[:size], ()) + ((part[0],) if size == 1 else ())
        if signs:
            letters = "".join(f"\\x{{{ord(sign):x}}}" for sign in signs)
            ways += [f"[{letters}]{rest}" for rest in _spelled(part[size:])]
    return ways


@lru_cache(maxsize=1)
def _signs() -> dict[str, tuple[str, ...]]:
    """What each text is folded from, beside itself; no letter beyond U+1FFFF has a case."""
    found: dict[str, tuple[str, ...]] = {}
    for sign in map(chr, range(0x20000)):
        folded = sign.casefold()
        if folded != sign:
            found[folded] = (*found.get(folded, ()), sign)
    return found
