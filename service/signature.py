"""Signed reports: who holds an app's secret proves it, and no report is good twice.

    X-Redlog-Signature: t=<Unix seconds>,v1=<hex HMAC-SHA256(secret, t + "." + body)>

`body` is the bytes as sent, before anything is inflated. Several `v1` may stand there, while a
client changes its secret. docs/signing.md has vectors and code for other languages.
"""

import hashlib
import hmac
import re
import time
from typing import NamedTuple

from sqlalchemy import Engine

from database.redis_link import RedisLink
from database.used_signatures import UsedSignatures
from exceptions import BadSignature, ReplayedSignature
from utils.app_settings import Source
from utils.wording import say

TOLERANCE_SECONDS = 300
MOST_SIGNATURES = 5
_FORM = re.compile(
    rf"t=([1-9][0-9]{{0,11}})((?:,v1=[0-9a-fA-F]{{64}}){{1,{MOST_SIGNATURES}}})", re.ASCII
)


class Signature(NamedTuple):
    """A signature that is good: its own value, and until when it would be (Unix seconds)."""

    value: str
    until: int


class Signatures:
    """What a report's signature is held against: the app's secret, and those that were used."""

    def __init__(self, engine: Engine, redis: RedisLink) -> None:
        self._used = UsedSignatures(engine, redis)

    def check(self, source: Source, header: str | None, sent: bytes) -> None:
        """Let a report through whose signature is good, or that needs none and has none.

        Raises BadSignature, ReplayedSignature, and NotAccepting when that can't be told.
        """
        if header is None and not source.settings.require_signature:
            return
        signature = check_signature(header, source.secret, sent, time.time())
        if not self._used.take(signature.value, signature.until):
            raise ReplayedSignature("sign each attempt anew: t and v1 are good once")

    def check_body(self, source: Source, header: str, sent: bytes) -> None:
        """Let a report through that another protocol signs (hex HMAC-SHA1), whenever it did so.

        Raises BadSignature.
        """
        right = hmac.new(source.secret.encode(), sent, hashlib.sha1).hexdigest()
        if not hmac.compare_digest(right.encode(), header.strip().lower().encode()):
            raise BadSignature("wrong: this is not the signature of the body by the app's secret")


def check_signature(header: str | None, secret: str, body: bytes, now: float) -> Signature:
    """The signature of a report's bytes. Raises BadSignature: missing, unreadable, old, wrong."""
    if not header:
        raise BadSignature("missing: this app demands the header X-Redlog-Signature")
    parts = _FORM.fullmatch(header)
    if parts is None:
        raise BadSignature("unreadable: the form is t=<Unix seconds>,v1=<64 hexadecimal digits>")
    at = int(parts[1])
    if abs(now - at) > TOLERANCE_SECONDS:
        raise BadSignature(
            say("too old or too new: t is {off:.0f} s off our clock", off=abs(now - at))
        )
    right = sign(secret, parts[1], body)
    given = parts[2].lower().split(",v1=")[1:]
    matches = [hmac.compare_digest(right, one) for one in given]  # all of them, whichever is right
    if not any(matches):
        raise BadSignature("wrong: no v1 is the signature of these bytes by the app's secret")
    return Signature(right, at + TOLERANCE_SECONDS)


def sign(secret: str, at: str, body: bytes) -> str:
    """The signature of a body at a time (Unix seconds), in hexadecimal digits."""
    return hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
