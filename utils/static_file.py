"""Files as replies: compressed once, and not sent again to a browser that has them."""

import gzip
from hashlib import sha256
from typing import NamedTuple

from flask import Response, request


class Packed(NamedTuple):
    """A file as it is, as gzip, and its hash."""

    plain: bytes
    gzip: bytes
    etag: str


def pack(content: bytes) -> Packed:
    """What is sent of a file, made once."""
    return Packed(content, gzip.compress(content, 9, mtime=0), sha256(content).hexdigest()[:32])


def file_reply(packed: Packed, content_type: str, headers: dict[str, str]) -> Response:
    """The reply to the request at hand: the file, or 304 when the browser has it."""
    is_packed = request.accept_encodings["gzip"] > 0
    response = Response(packed.gzip if is_packed else packed.plain, headers=headers)
    response.content_type = content_type
    response.vary.add("Accept-Encoding")
    if is_packed:
        response.content_encoding = "gzip"
    response.set_etag(packed.etag + "-gzip" * is_packed)
    response.make_conditional(request)
    return response
