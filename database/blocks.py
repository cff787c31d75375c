"""An index of blocks of records: what finds a user, a session or a rare text among millions.

A block is up to ROWS consecutive ids of a partition. Its parts take a few bytes for each record.
For each of FIELDS: sorted numbers of four bytes, which are 18 bits of the value's CRC-32 and the
record's 14 bits within the block, in BUCKETS by other bits of the CRC. And all messages,
case-folded and compressed. A query looks at all records that are named, so that a wrong one costs
a look and no more.

Blocks are made apart from the drain, each in a transaction of its own behind that of its records,
and never change but for a text in which a record was erased. That is overwritten in place, like the
record (`database.day_erase`): in a day file nothing of them ever moves. On MySQL, which purges by
itself, they lie in the order in which they are asked for.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

import zstandard

SCHEMA_SINCE = 4  # the version of partitions whose index is as it is here
ROWS = 1 << 14
FIELDS = ("user_id", "session_id", "device_id", "trace_id")
BUCKETS = 1 << 7
TEXT = len(FIELDS) * BUCKETS  # the kind of the part that holds the messages
MAX_TEXT_BYTES = 1 << 24  # of a block's messages; one with more is searched record by record
STALE, MADE, NONE = 0, 1, 2  # what is with a block's text: to be made anew, there, too large
END = "\0"  # of a message; in no stored text
_END = END.encode()
_LEVEL = 1
_HASH = 0xFFFF_C000
_OFFSET = 0x3FFF


class Block(NamedTuple):
    """A block: its ids from `first` to `last`, between which times its records lie, its text."""

    number: int
    first: int
    last: int
    low: int
    high: int
    text: int


class Part(NamedTuple):
    """A part of a block."""

    id: int
    data: bytes


class Order(NamedTuple):
    """How parts lie: a part's id is its block's number and its kind, each times one of these."""

    by_block: int
    by_kind: int


BY_BLOCK = Order(8 * BUCKETS, 1)  # as they are made, so that nothing ever moves
BY_KIND = Order(1, 1 << 32)  # as they are asked for: those of one value lie side by side


def part_id(order: Order, block: int, kind: int) -> int:
    """The id of a part."""
    return block * order.by_block + kind * order.by_kind


def kind_of(field: int, value: str) -> int:
    """The kind of the parts that name a value's records."""
    return field * BUCKETS + (crc32(value.encode()) & BUCKETS - 1)


# Making.


def value_parts(
    order: Order, block: int, field: int, offsets: Iterable[int], values: Iterable[str]
) -> list[Part]:
    """The parts of one field; `offsets` of the records within the block, "" is no value."""
    hashes = map(crc32, map(str.encode, values))
    entries = [
        (crc & BUCKETS - 1) << 32 | crc & _HASH | offset
        for crc, offset in zip(hashes, offsets, strict=True)
        if crc  # that of ""
    ]
    entries.sort()
    ends = [bisect_left(entries, bucket << 32) for bucket in range(BUCKETS + 1)]
    low = array("I", [entry & 0xFFFF_FFFF for entry in entries])
    return [
        Part(part_id(order, block, field * BUCKETS + bucket), low[start:end].tobytes())
        for bucket, (start, end) in enumerate(pairwise(ends))
        if start < end
    ]


def text_of(offsets: list[int], messages: list[str]) -> bytes:
    """What the part with the messages holds."""
    texts = [""] * (max(offsets, default=0) + 1)
    for offset, message in zip(offsets, messages, strict=True):
        texts[offset] = message
    folded = END.join(texts).casefold().encode()
    return zstandard.ZstdCompressor(level=_LEVEL).compress(folded)


# Looking up.


def is_indexed(value: str) -> bool:
    """Whether a value's records are named; all but a few values' are."""
    return crc32(value.encode()) != 0


def ids_of_value(first: int, data: bytes, value: str) -> list[int]:
    """The ids of the records that may have a value, in the block that begins with `first`."""
    entries = memoryview(data).cast("I")
    low = crc32(value.encode()) & _HASH
    start, end = bisect_left(entries, low), bisect_left(entries, low + _OFFSET + 1)
    return [first + (entry & _OFFSET) for entry in entries[start:end]]


def ids_of_text(first: int, data: bytes, needle: bytes, most: int) -> list[int]:
    """The ids of the records whose folded message contains a text, in the block that begins with
    `first`; of many, about `most`.
    """
    text = zstandard.ZstdDecompressor().decompress(data)
    number, begun = first, 0
    found: list[int] = []
    while len(found) <= most and (at := text.find(needle, begun)) >= 0:
        number += text.count(_END, begun, at)
        found.append(number)
        begun = text.find(_END, at) + 1
        if not begun:
            break
        number += 1
    return found
