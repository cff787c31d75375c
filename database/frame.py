"""A frame: one accepted report as it lies in a journal segment.

    segment = b"REDLOG" u16 version   frame*
    frame   = magic  u32 crc32  u32 payload bytes  u32 app id  i64 received at (µs)
              u32 records  u8 form  u8 flags  u16 key bytes   key  payload

Numbers are little-endian; the crc covers everything behind it. The magic begins with 0xFF, which
no UTF-8 text holds, so a payload can't be made to look like a frame.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

VERSION = 1
SEGMENT_HEADER = struct.pack("<6sH", b"REDLOG", VERSION)
MAGIC = b"\xffRLF"
_HEADER = struct.Struct("<4sIIIqIBBH")
_BEHIND_CRC = struct.Struct("<IIqIBBH")
HEADER_BYTES = _HEADER.size
UNTRUSTED = 1  # a flag: from a place that the app does not know


class Frame(NamedTuple):
    """One report: `records` good records of an app, and where its bytes lie in the segment.

    `form` is a `utils.record.Form`, unless a later version wrote the frame.
    """

    app_id: int
    received_at: int
    records: int
    form: int
    key: str
    payload: bytes
    start: int = 0
    end: int = 0
    flags: int = 0


class Damage(NamedTuple):
    """Bytes that are no frame, from `start` to `end` in the segment."""

    start: int
    end: int


def pack(
    app_id: int,
    received_at: int,
    records: int,
    form: int,
    key: bytes,
    payload: bytes,
    flags: int = 0,
) -> tuple[bytes, bytes]:
    """A frame as (header with key, payload), for one writev. The key has at most 65,535 bytes."""
    rest = _BEHIND_CRC.pack(len(payload), app_id, received_at, records, form, flags, len(key)) + key
    crc = zlib.crc32(payload, zlib.crc32(rest))
    return MAGIC + crc.to_bytes(4, "little") + rest, payload


def unpack(data: bytes, at: int, base: int = 0) -> Frame | None:
    """The frame that begins at `at`; None when there is no whole, sound one.

    `base` is where the data begins in the segment.
    """
    if len(data) - at < HEADER_BYTES or not data.startswith(MAGIC, at):
        return None
    _, crc, size, app_id, received_at, records, form, flags, key_size = _HEADER.unpack_from(
        data, at
    )
    body = at + HEADER_BYTES + key_size
    end = body + size
    if end > len(data) or zlib.crc32(memoryview(data)[at + 8 : end]) != crc:
        return None
    key = data[body - key_size : body].decode("utf-8", "replace")
    payload = data[body:end]
    return Frame(app_id, received_at, records, form, key, payload, base + at, base + end, flags)


def claimed_end(data: bytes, at: int) -> int:
    """Where the frame at `at` says that it ends; past the data if not even its header is there."""
    if len(data) - at < HEADER_BYTES:
        return at + HEADER_BYTES
    header = _HEADER.unpack_from(data, at)
    return int(at + HEADER_BYTES + header[8] + header[2])


def scan(data: bytes, final: bool, base: int = 0) -> Iterator[Frame | Damage]:
    """The frames in `data`, in order, and the damage between them.

    `base` is where the data begins in the segment.

    The tail that is no whole frame is left to the next reading, unless the segment is `final`:
    then it is damage, or, if it only is too short, a frame torn by a crash that was never
    acknowledged, and passed over in silence.
    """
    at = 0
    while at < len(data):
        frame = unpack(data, at, base)
        if frame is None:
            following = _next_frame(data, at + 1, base)
            if following is None:
                if final and not _is_torn(data, at):
                    yield Damage(base + at, base + len(data))
                return
            yield Damage(base + at, following.start)
            frame = following
        yield frame
        at = frame.end - base


def _next_frame(data: bytes, start: int, base: int) -> Frame | None:
    at = data.find(MAGIC, start)
    while at >= 0:
        frame = unpack(data, at, base)
        if frame is not None:
            return frame
        at = data.find(MAGIC, at + 1)
    return None


def _is_torn(data: bytes, at: int) -> bool:
    """Whether the rest is the beginning of a frame, or blocks that a power loss left as zeros."""
    begins = data.startswith(MAGIC, at) or MAGIC.startswith(data[at : at + len(MAGIC)])
    return (begins and claimed_end(data, at) > len(data)) or not any(data[at:])
