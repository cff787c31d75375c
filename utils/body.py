"""Request bodies: read whole from the WSGI stream and inflated, both under a hard cap; small ones
of JSON checked against their type.

Never through Flask: Werkzeug cuts a chunked body silently at its limit, and the rest is lost.
"""

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any, TypeVar

import msgspec

from exceptions import BadRequestBody, TooLarge, UnreadableBody, UnsupportedEncoding
from utils.wording import retold, say

MAX_JSON_BYTES = 2**16
T = TypeVar("T")
ACCEPTED = "gzip, deflate, zstd, br"
MAX_LINKS, MAX_FRAMES, READ_BYTES = 4, 10_000, 2**20
GZIP_MAGIC, ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
GZIP, ZLIB, RAW = 31, 15, -15  # the formats around a deflate stream, as zlib's `wbits`
ZSTD_WINDOW = 2**23  # all that a client may ask for (RFC 9659)
# What one step inflates to is bounded by what it is fed: deflate grows at most 1032-fold, zstd to
# 128 KiB from 4 bytes: 2 and 4 MiB. Brotli has no such bound, but takes a limit.
DEFLATE_STEP, ZSTD_STEP, BROTLI_PIECE = 2**11, 2**7, 2**20
Pieces = tuple[Iterator[bytes], type[Exception]]  # and what they raise when the data is corrupt


def read_body(environ: Mapping[str, Any], limit: int) -> bytes:
    """The whole request body, inflated; as sent and as inflated it has at most `limit` bytes.

    Raises TooLarge, UnreadableBody (a length that lies, a broken chunk, a torn stream, a client
    that went away) and UnsupportedEncoding.
    """
    return inflate_sent(environ, read_sent(environ, limit), limit)


def inflate_sent(environ: Mapping[str, Any], sent: bytes, limit: int) -> bytes:
    """A body as it was sent, inflated as its headers say; see `inflate`."""
    encodings = environ.get("HTTP_CONTENT_ENCODING")
    return inflate(sent, encodings, limit) if encodings else sent


def inflate(data: bytes, encodings: str, limit: int) -> bytes:
    """Undo a Content-Encoding (RFC 9110, section 8.4), last link first; `limit` caps every layer.

    Raises UnsupportedEncoding, UnreadableBody (torn, corrupt, more than four links) and TooLarge,
    which comes before much more than `limit` bytes are inflated.
    """
    links = _links(encodings)
    if len(data) > limit:
        raise TooLarge(say("the body is over {limit} bytes", limit=limit))
    lying = links == ["gzip", "deflate"]  # pygelf and graypy name both and send one zlib stream
    for link in reversed(links):
        if not (lying and link == "gzip") or data.startswith(GZIP_MAGIC):
            data = _undo(link, data, limit)
    return data


def inflate_guessing(data: bytes, encodings: str, limit: int) -> bytes:
    """As `inflate`, for clients of other protocols: what the bytes show counts more than what is
    said of them. Encodings that we do not know are left to whoever reads the body.

    Raises UnreadableBody and TooLarge.
    """
    names = [name.strip(" \t") for name in encodings.lower().split(",")]
    links = [name for name in names if name in DECODERS][-MAX_LINKS:]
    if not links and data.startswith(GZIP_MAGIC):
        links = ["gzip"]
    for link in reversed(links):
        if _could_be(link, data):
            data = _undo(link, data, limit)
    if len(data) > limit:
        raise TooLarge(say("the body is over {limit} bytes", limit=limit))
    return data


def _could_be(link: str, data: bytes) -> bool:
    """Whether bytes may be what a Content-Encoding says: only Brotli's can't be told."""
    if link == "deflate":
        return data[:1] not in (b"{", b"[")  # a bare stream begins so for no text and no protobuf
    if link == "zstd":
        return data.startswith(ZSTD_MAGIC)
    return link == "br" or data.startswith(GZIP_MAGIC) or _is_zlib(data)


def read_json(environ: Mapping[str, Any], shape: type[T]) -> T:
    """A request body of at most 64 KiB of JSON, as a value of this type.

    Raises BadRequestBody, which names the field that is wrong, and what `read_body` raises.
    """
    body = read_body(environ, MAX_JSON_BYTES)
    try:
        body.decode()
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _complaint(error) from None


def checked(value: Any, shape: type[T]) -> T:
    """What JSON was read into, as a value of this type. Raises BadRequestBody."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise _complaint(error) from None


def _complaint(error: Exception) -> BadRequestBody:
    """msgspec's "Expected `int` - at `$.limits.x`" in our words."""
    what, _, place = str(error).partition(" - at ")
    named = re.search("field `(.*)`", what)  # one that is missing or unknown
    steps = [place.strip("`").removeprefix("$").lstrip("."), named[1] if named else ""]
    field = ".".join(step for step in steps if step)
    detail = retold(what)
    if field:
        detail = say("{field}: {what}", field=field, what=detail)
    return BadRequestBody(detail, field=field or None)


def read_sent(environ: Mapping[str, Any], limit: int) -> bytes:
    """The body as sent, at most `limit` bytes; see `read_body` for what it raises.

    A length counts unless the body is chunked (RFC 9112, section 6.3).
    """
    stream, length = environ["wsgi.input"], environ.get("CONTENT_LENGTH")
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    if not length or chunked:
        ends = chunked or environ.get("wsgi.input_terminated")
        body = _read_up_to(stream, limit + 1) if ends else b""
        size = len(body)
    elif re.fullmatch("[0-9]{1,18}", length):
        size = int(length)
        body = _read_up_to(stream, size) if size <= limit else b""
    else:
        raise UnreadableBody("Content-Length is not a number")
    if size > limit:
        raise TooLarge(say("the body is over {limit} bytes", limit=limit))
    if len(body) < size:
        early = "the body ended early: {came} of {size} bytes came"
        raise UnreadableBody(say(early, came=len(body), size=size))
    return body


def _read_up_to(stream: Any, size: int) -> bytes:
    """The next `size` bytes, fewer at the end; what the client broke becomes UnreadableBody."""
    pieces = []
    try:
        while size > 0 and (piece := stream.read(min(size, READ_BYTES))):
            pieces.append(piece)
            size -= len(piece)
    except Exception as error:  # gunicorn's own (a bad chunk) have no base in common but this
        theirs = type(error).__module__.startswith("gunicorn.http")
        if not theirs and not isinstance(error, (OSError, ValueError)):
            raise
        detail = say("the body broke off: {error}", error=type(error).__name__)
        raise UnreadableBody(detail) from error
    return b"".join(pieces)


def _links(encodings: str) -> list[str]:
    """The encodings in the order they were applied, without empty elements and `identity`."""
    names = [name.strip(" \t") for name in encodings.lower().split(",")]
    links = [name for name in names if name not in ("", "identity")]
    if len(links) > MAX_LINKS:
        raise UnreadableBody(say("a Content-Encoding of more than {most} links", most=MAX_LINKS))
    if unknown := [link for link in links if link not in DECODERS]:
        those = "Content-Encoding {link!r}; accepted are {accepted}"
        detail = say(those, link=unknown[0][:40], accepted=ACCEPTED)
        raise UnsupportedEncoding(detail, headers={"Accept-Encoding": ACCEPTED})
    return links


def _undo(link: str, data: bytes, limit: int) -> bytes:
    """One layer taken off. Raises TooLarge at the piece that takes it over `limit` bytes."""
    pieces, corrupt = DECODERS[link](data)
    whole = BytesIO()
    try:
        for piece in pieces:
            if whole.tell() + len(piece) > limit:
                raise TooLarge(say("the body is over {limit} bytes", limit=limit))
            whole.write(piece)
    except corrupt as error:
        detail = say("the {link} body is corrupt: {error}", link=link, error=error)
        raise UnreadableBody(detail) from error
    return whole.getvalue()


def _frames(data: bytes, new: Callable[[], Any], step: int, most: int) -> Iterator[bytes]:
    """What up to `most` frames, one after the other, hold; `new` inflates one, fed by `step`."""
    at = 0
    for _ in range(most):
        frame = new()
        while not frame.eof:
            if at >= len(data):
                raise UnreadableBody("the compressed body ended early")
            yield frame.decompress(data[at : at + step])
            at += step
        at = min(at, len(data)) - len(frame.unused_data)
        if at == len(data):
            return
    raise UnreadableBody("more follows the end of the compressed body")


def _gzip(data: bytes, otherwise: int = ZLIB) -> Pieces:
    """gzip of one or more members (RFC 1952), or a zlib stream (RFC 1950) under its name."""
    wbits, most = (GZIP, MAX_FRAMES) if data.startswith(GZIP_MAGIC) else (otherwise, 1)
    return _frames(data, lambda: zlib.decompressobj(wbits), DEFLATE_STEP, most), zlib.error


def _deflate(data: bytes) -> Pieces:
    """A zlib stream, gzip, or the bare deflate stream (RFC 1951) that some clients send."""
    return _gzip(data, ZLIB if _is_zlib(data) else RAW)


def _is_zlib(data: bytes) -> bool:
    """Whether data begins as a zlib stream does: no encoder begins a bare one with such bits, a
    stored block that is padded with other than 0.
    """
    return len(data) > 1 and data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0


def _zstd(data: bytes) -> Pieces:
    """zstd of one or more frames (RFC 8878)."""
    import zstandard  # only here: start-up and memory

    new = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj
    return _frames(data, new, ZSTD_STEP, MAX_FRAMES), zstandard.ZstdError


def _br(data: bytes) -> Pieces:
    """One Brotli stream (RFC 7932)."""
    import brotli  # only here: start-up and memory

    stream = brotli.Decompressor()

    def pieces(rest: bytes) -> Iterator[bytes]:
        while not stream.is_finished():
            yield (piece := stream.process(rest, output_buffer_limit=BROTLI_PIECE))
            if not piece and not stream.is_finished():
                raise UnreadableBody("the compressed body ended early")
            rest = b""  # the stream keeps what it has not used

    return pieces(data), brotli.error


DECODERS = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate, "zstd": _zstd, "br": _br}
