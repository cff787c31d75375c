"""The private key by which reports of Logan's web clients are read."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from exceptions import BadRequestBody
from utils.wording import say

if TYPE_CHECKING:  # for start-up and memory it is imported by who needs it
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

MAX_BITS = 4096  # a larger key takes tens of milliseconds for each record


@lru_cache(64)
def private_key_of(pem: str) -> RSAPrivateKey:
    """An RSA key of PEM, without a password. Raises ValueError when it is none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), None)
    except (TypeError, UnsupportedAlgorithm):  # encrypted; of a kind that is not known
        key = None
    if not isinstance(key, RSAPrivateKey) or key.key_size > MAX_BITS:
        raise ValueError("no RSA key")
    return key


def check_private_key(pem: str) -> None:
    """Raises BadRequestBody, which does not repeat the key."""
    try:
        private_key_of(pem)
    except ValueError:
        field = "logan_private_key"
        must = "must be an RSA private key of at most {most} bits, as PEM without a password"
        detail = say("{field}: {what}", field=field, what=say(must, most=MAX_BITS))
        raise BadRequestBody(detail, field=field) from None
