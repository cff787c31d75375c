"""Numbers that tell of a person: cards, Chinese mobile and identity numbers, addresses.

Each function masks them in the UTF-8 of a text. Every pattern is bounded or can't fail once begun,
so none goes over the text again and again.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

# Hexadecimal ids (UUIDs, trace ids, digests) are no such numbers, though some look like them.
_ID = (
    rb"(?P<id>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
    rb"|(?<![0-9A-Za-z])(?=[0-9]{0,64}[a-fA-F][0-9]{0,64}[a-fA-F])[0-9a-fA-F]{16,128}(?![0-9A-Za-z]))"
)
_NO_DIGIT_BEFORE = rb"(?<![0-9])(?<![0-9]\.)"  # nor are the digits of a fraction
_cn_id = re.compile(
    _ID + rb"|" + _NO_DIGIT_BEFORE + rb"[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])"
    rb"(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?![0-9])"
)
_cn_mobile = re.compile(
    _ID + rb"|" + _NO_DIGIT_BEFORE + rb"\+?(?:(?:00)?86[ -]?)?"
    rb"1[3-9][0-9]([ -]?)[0-9]{4}\2[0-9]{4}(?![0-9])"
)
# Groups of at least four digits; the last may have fewer.
_card = re.compile(
    _ID + rb"|" + _NO_DIGIT_BEFORE + rb"[0-9]{4,}(?:[ -][0-9]{4,})*"
    rb"(?:[ -][0-9]{1,3}(?![0-9]))?"
)
_DOUBLED = bytes.maketrans(b"0123456789", bytes([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]))
_PLAIN = bytes.maketrans(b"0123456789", bytes(range(10)))
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # ISO 7064, MOD 11-2
_CHECK = b"10X98765432"
_v4 = re.compile(rb"(?<![0-9])(?<![0-9]\.)((?:[0-9]{1,3}\.){3})[0-9]{1,3}(?![0-9])(?!\.[0-9])")
_v6 = re.compile(
    rb"(?:(?<![0-9A-Za-z_:.])|(?<=\\[nrt]))"
    rb"(?=[0-9A-Fa-f:]{0,35}:[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{2,40}(?:(?:\.[0-9]{1,3}){3})?"
    rb"(?![0-9A-Za-z_])"
)
_KEPT_BITS = ((1 << 48) - 1) << 80


def mask_cards(text: bytes) -> bytes:
    """Card numbers: 13 to 19 digits, together or in groups, with Luhn's check digit.

    The first digit is 2 to 6, 8 or 9: Unix times in ms, µs and ns begin with 1.
    """
    return _card.sub(_without_cards, text)


def _without_cards(run: re.Match[bytes]) -> bytes:
    """A run of groups without those that are a card's; a window begins and ends with a group."""
    if run["id"]:
        return run[0]
    groups = re.split(rb"([ -])", run[0])  # digits and the signs between them in turn
    start = 0
    while start < len(groups):
        digits, end = b"", start
        while end < len(groups) and len(digits) < 19:
            digits += groups[end]
            end += 2
            if _is_card(digits):
                groups[start : end - 1] = [b"[card]"]
                break
        start += 2
    return b"".join(groups)


def _is_card(digits: bytes) -> bool:
    return 13 <= len(digits) <= 19 and digits[0] in b"2345689" and _luhn(digits)


def _luhn(digits: bytes) -> bool:
    plain, doubled = digits[::-2].translate(_PLAIN), digits[-2::-2].translate(_DOUBLED)
    return (sum(plain) + sum(doubled)) % 10 == 0


def mask_cn_ids(text: bytes) -> bytes:
    """Chinese identity numbers (GB 11643): 17 digits with a date of birth, and a check digit."""
    return _cn_id.sub(_without_cn_id, text)


def _without_cn_id(match: re.Match[bytes]) -> bytes:
    number = match[0]
    if match["id"]:
        return number
    total = sum(weight * (digit - 48) for weight, digit in zip(_WEIGHTS, number[:17], strict=True))
    return b"[id number]" if _CHECK[total % 11] == number.upper()[17] else number


def mask_cn_mobiles(text: bytes) -> bytes:
    """Chinese mobile numbers, also with +86 and in groups of 3, 4 and 4 digits."""
    return _cn_mobile.sub(lambda match: match["id"] or b"[mobile]", text)


def mask_addresses(text: bytes) -> bytes:
    """IP addresses without what tells one household from another: the last 8 or 80 bits are 0."""
    return _v4.sub(_v4_network, _v6.sub(_v6_network, text))


def _v4_network(match: re.Match[bytes]) -> bytes:
    parts = match[0].split(b".")
    return match[1] + b"0" if all(int(part) < 256 for part in parts) else match[0]


def _v6_network(match: re.Match[bytes]) -> bytes:
    written = match[0]
    ends = written[:-1].endswith(b":") or not written.endswith(b":")
    address, rest = (written, b"") if ends else (written[:-1], b":")
    try:
        whole = IPv6Address(address.decode())
    except AddressValueError:
        return written
    if whole.ipv4_mapped:
        kept = IPv4Address(int(whole.ipv4_mapped) & 0xFFFF_FF00)
        return b"::ffff:" + str(kept).encode() + rest
    return str(IPv6Address(int(whole) & _KEPT_BITS)).encode() + rest
