"""Snappy in its block format, whose size is known before anything is inflated."""

import cramjam

from exceptions import TooLarge, UnreadableBody


def unsnap(body: bytes, limit: int) -> bytes:
    """The body inflated. Raises UnreadableBody, and TooLarge at more than `limit` bytes."""
    try:
        if cramjam.snappy.decompress_raw_len(body) > limit:
            raise TooLarge(f"the body is over {limit} bytes")
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError:
        raise UnreadableBody("the body is no snappy block") from None
