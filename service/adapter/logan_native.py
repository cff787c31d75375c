"""A file of Logan on Android and iOS: what a device wrote in a day.

    0x01, the length (int32, the high byte first), the block, 0x00; and so on

A block is gzip encrypted by AES-128-CBC, with a key and an initialization vector that the app has
for all; its text is a line of JSON for each log:
`{"c": text, "f": type, "l": ms, "n": thread, "i": its number, "m": whether it is the main one}`.
A device that dies leaves a block whose end is missing: its whole lines count. What else stands
between blocks is passed over, as Logan's own server does.
"""

import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from exceptions import TooLarge, UnreadableBody
from service.adapter.fields import MAX_SHARED_BYTES, lines_of, read_object, record_of, share
from service.adapter.lift import time_of
from service.adapter.values import present
from service.adapter.wire import Bad, Record, Sent
from utils.body import GZIP, GZIP_MAGIC

START, HEAD, AES_BYTES = b"\1", 5, 16
MAX_FALSE_STARTS = 1000  # bytes that look like a block's first one: each is tried
PIECE = 64  # what is lost before a damaged byte; deflate grows at most 1032-fold
_PLATFORMS = {"1": "android", "2": "ios"}
_HEADERS = ("appid", "unionid", "buildversion", "filedate")
_NAMES = ("app_id", "union_id", "build_version", "file_date")
_Decrypt = Callable[[bytes], bytes]


def records_of(sent: Sent) -> list[Record | Bad]:
    """A record for each log of a file. Raises UnreadableBody and TooLarge."""
    lines, damaged = _lines(sent)
    headers = sent.headers
    texts = {
        "platform": _PLATFORMS.get(headers.get("platform", ""), headers.get("platform")),
        "device_id": headers.get("deviceid"),
        "release": headers.get("appversion"),
    }
    pairs = zip(_NAMES, _HEADERS, strict=True)
    more = present(**{name: headers.get(header) for name, header in pairs})
    share(MAX_SHARED_BYTES, [texts, more], len(lines))

    def record(log: dict[str, Any]) -> Record | Bad:
        if log.get("c") is None:
            return Bad("missing_message", "c is required")
        own = present(type=log.get("f"), thread=log.get("n"), thread_id=log.get("i"))
        made = record_of(log["c"], texts, {**more, **own} | {"main_thread": log.get("m") is True})
        return made | present(time=time_of(log.get("l")))

    bad = Bad("damaged_block", "it is no gzip by the app's logan_key and logan_iv, or torn")
    return [read_object(line, record) for line in lines] + [bad] * damaged


def _lines(sent: Sent) -> tuple[list[bytes], int]:
    """The whole lines of all blocks, and of how many blocks there is none."""
    text, damaged = BytesIO(), 0
    blocks, strange = _blocks(sent, _decryptor(sent))
    for block in blocks:
        found = _inflated(block, sent.max_bytes - text.tell())
        text.write(found)
        damaged += not found
    lines = lines_of(sent._replace(body=text.getvalue()))
    if not lines:
        why = "its key or vector is not the app's logan_key or logan_iv, or it is no file of Logan"
        raise UnreadableBody(why if strange or not blocks else "no block of it can be read")
    return lines, damaged


def _decryptor(sent: Sent) -> _Decrypt:
    """Decrypts a block, or what there is of its beginning."""
    settings = sent.settings
    if not (settings.logan_key and settings.logan_iv):
        raise UnreadableBody("the app has no logan_key and logan_iv")
    cipher = Cipher(AES(_bytes_of(settings.logan_key)), CBC(_bytes_of(settings.logan_iv)))
    return lambda data: cipher.decryptor().update(data[: len(data) // AES_BYTES * AES_BYTES])


def _bytes_of(text: str) -> bytes:
    return bytes.fromhex(text) if len(text) == 2 * AES_BYTES else text.encode()


def _blocks(sent: Sent, decrypt: _Decrypt) -> tuple[list[bytes], int]:
    """What the blocks hold, decrypted, and how many things looked like one and were none."""
    body, at, strange = sent.body, 0, 0
    blocks: list[bytes] = []
    while (at := body.find(START, at)) >= 0 and strange <= MAX_FALSE_STARTS:
        data = at + HEAD
        length = int.from_bytes(body[at + 1 : data], "big", signed=True)
        is_block = length > 0 and decrypt(body[data : data + AES_BYTES]).startswith(GZIP_MAGIC)
        if is_block:
            blocks.append(decrypt(body[data : data + length]))
        if len(blocks) > sent.max_records:
            raise TooLarge(f"more than {sent.max_records} blocks in one report")
        strange += not is_block
        at = data + length if is_block else at + 1
    return blocks, strange


def _inflated(block: bytes, room: int) -> bytes:
    """What a block holds, of one that is torn or damaged the whole lines. Raises TooLarge."""
    stream, text = zlib.decompressobj(GZIP), BytesIO()
    try:
        for at in range(0, len(block), PIECE):
            text.write(stream.decompress(block[at : at + PIECE]))
            if text.tell() > room:
                raise TooLarge("the file, inflated, is over what a report may hold")
            if stream.eof:
                return text.getvalue() + b"\n"
    except zlib.error:
        pass
    return text.getvalue()[: text.getvalue().rfind(b"\n") + 1]
