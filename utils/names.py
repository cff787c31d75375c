"""Names of people: how they are written, and when two of them are the same."""

import unicodedata

MAX_NAME = 64
SIGNS = " ._@+-"  # beside letters, marks and digits of any script


def normal(text: str) -> str:
    """Text as it is kept and hashed: in NFC, so that two ways to type it are one."""
    return unicodedata.normalize("NFC", text)


def folded(name: str) -> str:
    """What is equal for names that look alike: without case, full-width letters as narrow ones
    (Unicode's NFKC_Casefold).
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def is_name(name: str) -> bool:
    """Whether an account may be called so: 1 to 64 letters, digits and `SIGNS`, no blank at an end
    or beside another.
    """
    letters = all(unicodedata.category(sign)[0] in "LMN" or sign in SIGNS for sign in name)
    return letters and 0 < len(name) <= MAX_NAME >= len(folded(name)) and name == _tidy(name)


def _tidy(name: str) -> str:
    return normal(" ".join(name.split()))
