"""The built-in rules of scrubbing: what each looks for, and what it leaves instead.

A rule masks the UTF-8 of a decoded text. Its `hint` is a wider pattern that is run over raw JSON,
however that is escaped: where no hint is found, nothing has to be decoded. Hints and all that can
be long are run by RE2; what `re` runs is bounded. So masking takes a time in proportion to the
text, whoever wrote it.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import re2

from service.scrub_numbers import mask_addresses, mask_cards, mask_cn_ids, mask_cn_mobiles

Mask = Callable[[bytes], bytes]
SECRET = "[secret]"


class Rule(NamedTuple):
    """A built-in rule."""

    hint: str
    mask: Mask


def bytes_options() -> Any:
    """RE2's options for patterns over bytes."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return options


def _masking(label: str, *patterns: str) -> Mask:
    """A mask that leaves the label between what a pattern's two groups hold."""
    finds = [re2.compile(pattern.encode(), bytes_options()) for pattern in patterns]

    def mask(text: bytes) -> bytes:
        for find in finds:
            text = find.sub(lambda match: match[1] + label.encode() + match[2], text)
        return text

    return mask


# How raw JSON may write what stands before a secret or between its parts. What no encoder has a
# reason to escape (letters, digits, `@` and the like) is found by ESCAPED.
_U = r"\\u[0-9a-fA-F]{4}"
_BEFORE_DIGITS = rf"(?:^|[^0-9]|{_U})"
_BEFORE_WORD = rf"(?:^|[^0-9A-Za-z_]|\\[bfnrt]|{_U})"
ESCAPED = r"\\u00(?:3[0-9aAdD]|[46][1-9a-fA-F]|[57][0-9aAfF]|2[0dDeE]|40)"

# Names whose values are secret: some wherever they stand in a key, others at its end only.
_WITHIN = (
    r"pass(?:word|wd|phrase|code)|secret|credential|(?:api|access|private)[_.\- ]?key|authorization"
)
_AT_END = r"(?:pwd|token|cookie|cvv2?|cvc2?)s?"
_name = re.compile(rf"(?:{_WITHIN}|{_AT_END}$)", re.IGNORECASE | re.ASCII)

# In texts: `name=value`, `"name": "value"`, also within JSON that was made a text of once more.
_GAP = r"[\\\"'\s]*[:=][>=]?[ \t]*"
_NAMED = rf"(?is)((?:(?:{_WITHIN})[a-z0-9_\-]*|{_AT_END}){_GAP}"
_HEADER = r"(?i)((?:authorization|cookie)s?[\\\"'\s]*[:=][ \t]*\\*[\"']?)"
_passwords = (
    _HEADER + r"[^\s\"'\\][^\r\n\"'\\]*()",
    _NAMED + r'\\+")[^"]*?(\\*"|$)',
    _NAMED + r'")(?:[^"\\]|\\.)*\\?()',
    _NAMED + r"')(?:[^'\\]|\\.)*\\?()",
    _NAMED + r")(?:\[secret\]|(?:[^\s\"'\\&;,]|\\[^\"'\\])[^\s\"&;,]*)()",
    r"(://[^\s/:@\"']*:)[^\s/\"']+(@)",
)
_PAIR = r'"(?i:name|key|header)"\s*:\s*"|\[\s*"'
_passwords_hint = (
    rf"(?i:{_WITHIN}|{_AT_END})[0-9A-Za-z_\-]*(?:{_U}|[\\\"'\s])*[:=]"
    rf'|(?i:{_WITHIN})(?:[^"\\]|\\.)*"\s*:'
    rf"|(?:{_PAIR})[^\"]*(?i:{_WITHIN}|{_AT_END})"
    r"|:(?:\\?/){2}[^\s\"@/]*:[^\s\"@]*@"
)

_KEYS = (
    r"(?:AKIA|ASIA)[0-9A-Z]{16}|LTAI[0-9A-Za-z]{12}|AIza[0-9A-Za-z_\-]{35}"
    r"|gh[opsru]_[0-9A-Za-z]{16}|github_pat_[0-9A-Za-z]{16}|glpat-[0-9A-Za-z_\-]{16}"
    r"|sk-[0-9A-Za-z_\-]{16}|[rs]k_(?:live|test)_[0-9A-Za-z]{10}|xox[abeoprs]-[0-9A-Za-z\-]{10}"
)
_JWT = r"eyJ[0-9A-Za-z_\-]{5,}\.[0-9A-Za-z_\-]+\."
_PEM = r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
_tokens = (
    rf"(^|[^0-9A-Za-z]|\\[nrt])(?:{_KEYS})[0-9A-Za-z_\-]*()",
    rf"(){_JWT}[0-9A-Za-z_.\-]*()",
    rf"(?s)(){_PEM}.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)()",
)

_email = r"()[0-9A-Za-z._%+\-]+(?:@|%40)(?:[0-9A-Za-z\-]+\.)+[A-Za-z][0-9A-Za-z\-]*[0-9A-Za-z]()"

# In the order in which they are run: what holds others first.
RULES = {
    "passwords": Rule(_passwords_hint, _masking(SECRET, *_passwords)),
    "bearer": Rule(
        r"(?i:bearer)(?:\s|\\t)+",
        _masking("[token]", r"((?i:bearer)[ \t]+)[0-9A-Za-z._~+/=\-]+()"),
    ),
    "tokens": Rule(rf"{_KEYS}|{_JWT}|{_PEM}", _masking("[token]", *_tokens)),
    "email": Rule(r'[^\s"](?:@|%40)[^\s"@]*\.[^\s"]', _masking("[email]", _email)),
    "cn_id": Rule(_BEFORE_DIGITS + r"[1-9][0-9]{16}[0-9Xx]", mask_cn_ids),
    "cn_mobile": Rule(
        _BEFORE_DIGITS + r"(?:(?:00)?86[ \-]?)?1[3-9][0-9][ \-]?[0-9]{4}[ \-]?[0-9]{4}(?:[^0-9]|$)",
        mask_cn_mobiles,
    ),
    "cards": Rule(_BEFORE_DIGITS + r"[2-689][0-9]{3}(?:[ \-]?[0-9]){9}", mask_cards),
    "ip": Rule(
        r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]"
        rf"|{_BEFORE_WORD}[0-9a-fA-F:]*::|(?:[0-9a-fA-F]{{1,4}}:){{7}}",
        mask_addresses,
    ),
}


def is_secret_name(name: str) -> bool:
    """Whether a value under this key is secret, whatever it looks like."""
    return _name.search(name) is not None
