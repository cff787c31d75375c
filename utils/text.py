"""Case-insensitive substring search in any language."""


def contains_folded(text: str, needle: str) -> bool:
    """Whether `text` contains `needle`, which is case-folded already (Unicode, full folding)."""
    return needle in text.casefold()


def folds_like_ascii(needle: str) -> bool:
    """Whether SQL's LIKE, which folds A–Z only, finds all that a case-folding search would.

    True for Latin letters without accents and for scripts without case, Chinese among them. (But
    for the few other signs that fold to Latin letters: to LIKE, ß is not ss.)
    """
    return all(
        letter.isascii() or letter.casefold() == letter == letter.upper() for letter in needle
    )


def like_pattern(needle: str) -> str:
    """The needle as a LIKE pattern with `\\` as its escape."""
    escaped = needle.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
