"""Bodies as clients really send them: whole, chunked, compressed, torn, lying and hostile."""

import gzip
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import brotli
import msgspec
import pytest
import zstandard
from gunicorn.config import Config
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.serving import DechunkedInput

from exceptions import (
    BadRequestBody,
    Problem,
    TooLarge,
    UnreadableBody,
    UnsupportedEncoding,
)
from utils.body import (
    MAX_FRAMES,
    MAX_JSON_BYTES,
    checked,
    inflate,
    inflate_guessing,
    read_body,
    read_json,
)

MIB = 2**20
TEXT = b'[{"message": "the disk is full", "level": "error"}, {"message": "\xe4\xb8\xad"}]' * 9


def bare_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def streamed_zstd(data: bytes) -> bytes:
    """A frame that does not say how much it holds, with a checksum."""
    packer = zstandard.ZstdCompressor(write_checksum=True, write_content_size=False).compressobj()
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "zlib as gzip": ("gzip", zlib.compress),
    "deflate": ("deflate", zlib.compress),
    "bare deflate": ("deflate", bare_deflate),
    "gzip as deflate": ("deflate", gzip.compress),
    "zstd": ("zstd", zstandard.compress),
    "streamed zstd": ("zstd", streamed_zstd),
    "br": ("br", lambda data: brotli.compress(data, quality=5)),
}
every_packer = pytest.mark.parametrize(("encoding", "pack"), PACKERS.values(), ids=PACKERS)


# Reading.


class Stream:
    """A wsgi.input that gives at most `step` bytes a read, and fails with `error` at its end."""

    def __init__(self, data: bytes, step: int = MIB, error: Exception | None = None) -> None:
        self.data, self.step, self.error = BytesIO(data), step, error
        self.given = 0

    def read(self, size: int) -> bytes:
        assert 0 < size <= MIB
        piece = self.data.read(min(size, self.step))
        if not piece and self.error:
            raise self.error
        self.given += len(piece)
        return piece


def environ_of(stream: Any, length: str | None = None, **more: Any) -> dict[str, Any]:
    if length is not None:
        more["CONTENT_LENGTH"] = length
    return {"wsgi.input": stream, **more}


def chunked_environ(stream: Any, **more: Any) -> dict[str, Any]:
    return {"wsgi.input": stream, "HTTP_TRANSFER_ENCODING": "chunked", **more}


@pytest.mark.parametrize("step", [1, 7, MIB])
def test_a_body_with_a_length_is_read_to_it_and_no_further(step):
    stream = Stream(TEXT + b"the next request", step)
    assert read_body(environ_of(stream, str(len(TEXT))), 10_000) == TEXT
    assert stream.given == len(TEXT)


def test_a_body_longer_than_one_read_is_whole():
    body = bytes(range(256)) * 10_000
    assert read_body(environ_of(Stream(body), str(len(body))), 3 * MIB) == body
    assert read_body(chunked_environ(Stream(body)), 3 * MIB) == body


def test_a_body_of_just_the_limit_passes_and_one_more_byte_does_not():
    assert read_body(environ_of(BytesIO(b"12345"), "5"), 5) == b"12345"
    assert read_body(chunked_environ(BytesIO(b"12345")), 5) == b"12345"
    for environ in (environ_of(BytesIO(b"123456"), "6"), chunked_environ(BytesIO(b"123456"))):
        with pytest.raises(TooLarge):
            read_body(environ, 5)


@pytest.mark.parametrize("length", ["11", "1" * 18])
def test_a_length_over_the_limit_is_refused_before_anything_is_read(length):
    stream = Stream(b"x" * 100)
    with pytest.raises(TooLarge):
        read_body(environ_of(stream, length), 10)
    assert stream.given == 0


@pytest.mark.parametrize(
    "length", ["-1", "+5", "5.0", "five", " 5", "1_0", "٥", "²", "5\n", "9" * 5000]
)
def test_a_length_that_is_no_number_is_unreadable(length):
    with pytest.raises(UnreadableBody):
        read_body(environ_of(Stream(b"x" * 100), length), 1000)


def test_fewer_bytes_than_the_length_says_are_unreadable():
    with pytest.raises(UnreadableBody, match="ended early: 3 of 5"):
        read_body(environ_of(BytesIO(b"123"), "5"), 10)


@pytest.mark.parametrize("length", [None, "", "0"])
def test_no_body_is_empty_and_never_waits_for_the_socket(length):
    stream = Stream(b"", error=AssertionError("read"))
    assert read_body(environ_of(stream, length), 10) == b""


def test_without_a_length_only_a_stream_that_ends_is_read():
    assert read_body({"wsgi.input": BytesIO(TEXT)}, 1000) == b""
    assert read_body(environ_of(BytesIO(TEXT), **{"wsgi.input_terminated": True}), 1000) == TEXT
    assert read_body(environ_of(BytesIO(TEXT), HTTP_TRANSFER_ENCODING="Chunked"), 1000) == TEXT


def test_chunked_wins_over_a_length():
    assert read_body(chunked_environ(BytesIO(TEXT), CONTENT_LENGTH="3"), 1000) == TEXT


@pytest.mark.parametrize("step", [1, 4096])
def test_an_endless_chunked_body_is_read_to_the_limit_and_one_byte(step):
    stream = Stream(b"x" * 100_000, step)
    with pytest.raises(TooLarge):
        read_body(chunked_environ(stream), 5000)
    assert stream.given == 5001


@pytest.mark.parametrize("error", [ConnectionResetError(), TimeoutError(), ValueError("closed")])
def test_a_client_that_goes_away_is_unreadable(error):
    for environ in (
        environ_of(Stream(b"1", error=error), "5"),
        chunked_environ(Stream(b"1", 1, error)),
    ):
        with pytest.raises(UnreadableBody, match=type(error).__name__):
            read_body(environ, 10)


def test_a_fault_of_ours_is_not_blamed_on_the_client():
    with pytest.raises(KeyError):
        read_body(chunked_environ(Stream(b"1", error=KeyError("ours"))), 10)


def test_a_compressed_body_is_inflated_whether_chunked_or_not():
    packed = gzip.compress(TEXT)
    for environ in (
        environ_of(BytesIO(packed), str(len(packed))),
        chunked_environ(Stream(packed, 3)),
    ):
        assert read_body({**environ, "HTTP_CONTENT_ENCODING": "gzip"}, 10_000) == TEXT


def test_the_limit_holds_for_the_body_as_sent_and_as_inflated():
    small = gzip.compress(b"x" * 1001)
    environ = environ_of(BytesIO(small), str(len(small)), HTTP_CONTENT_ENCODING="gzip")
    with pytest.raises(TooLarge):
        read_body(environ, 1000)
    with pytest.raises(TooLarge):
        inflate(gzip.compress(b""), "gzip", 10)


# Reading from real servers.

HEAD = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
GOOD = b"5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"
BROKEN = {
    "no CRLF after a chunk": b"5\r\nhelloXX6\r\n world\r\n0\r\n\r\n",
    "a size that is none": b"5\r\nhello\r\nzz\r\n",
    "a negative size": b"-5\r\nhello\r\n0\r\n\r\n",
    "an end within a chunk": b"5\r\nhel",
    "an end between chunks": b"5\r\nhello\r\n",
    "an end within the trailers": b"5\r\nhello\r\n0\r\nX-Sum: ",
    "a bad extension": b"5;=\r\nhello\r\n0\r\n\r\n",
    "a bad trailer": b"5\r\nhello\r\n0\r\nbad trailer\r\n\r\n",
    "an endless size": b"0" * 10_000,
    "endless trailers": b"0\r\n" + b"X: y\r\n" * 100_000,
}


def gunicorn_body(sent: bytes) -> Any:
    return Request(Config(), IterUnreader([HEAD + sent]), ("127.0.0.1", 1)).body


def test_chunks_through_gunicorn_are_put_together():
    assert read_body(chunked_environ(gunicorn_body(GOOD)), 11) == b"hello world"
    with pytest.raises(TooLarge):
        read_body(chunked_environ(gunicorn_body(GOOD)), 10)


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
def test_chunks_that_gunicorn_refuses_are_unreadable(sent):
    with pytest.raises(UnreadableBody):
        read_body(chunked_environ(gunicorn_body(sent)), MIB)


def test_a_body_shorter_than_its_length_is_unreadable_through_gunicorn():
    sent = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhello"
    body = Request(Config(), IterUnreader([sent]), ("127.0.0.1", 1)).body
    with pytest.raises(UnreadableBody, match="5 of 9"):
        read_body(environ_of(body, "9"), 100)


def test_chunks_through_the_debug_server():
    plain = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    assert read_body(chunked_environ(DechunkedInput(BytesIO(plain))), 11) == b"hello world"
    with pytest.raises(UnreadableBody):
        read_body(chunked_environ(DechunkedInput(BytesIO(b"zz\r\nhello"))), 11)


# Inflating.


@every_packer
@given(data=st.binary(max_size=5000))
def test_what_is_packed_comes_back(encoding, pack, data):
    assert inflate(pack(data), encoding, 20_000) == data


@every_packer
@pytest.mark.parametrize("size", [0, 1, 4096, 2**17 - 1, 2**17, 2**17 + 1, 2 * MIB, 5 * MIB + 1])
def test_sizes_at_the_edges_of_the_decoders_buffers_come_back(encoding, pack, size):
    for data in (bytes(size), (b"%d " * (size // 20 + 1) % tuple(range(size // 20 + 1)))[:size]):
        assert inflate(pack(data), encoding, 6 * MIB) == data


@every_packer
def test_the_inflated_size_may_be_the_limit_but_no_more(encoding, pack):
    packed = pack(b"x" * 5000)
    assert len(inflate(packed, encoding, 5000)) == 5000
    with pytest.raises(TooLarge):
        inflate(packed, encoding, 4999)


@every_packer
def test_a_stream_torn_anywhere_is_unreadable(encoding, pack):
    packed = pack(TEXT)
    for cut in range(len(packed)):
        with pytest.raises(UnreadableBody):
            inflate(packed[:cut], encoding, 10_000)


@every_packer
def test_a_long_stream_torn_after_any_step_is_unreadable(encoding, pack):
    packed = pack(b"".join(zlib.crc32(b"%d" % n).to_bytes(4, "big") for n in range(5000)))
    assert len(packed) > 4 * 4096
    for cut in (127, 128, 129, 256, 4095, 4096, 4097, 8192, len(packed) - 1):
        with pytest.raises(UnreadableBody):
            inflate(packed[:cut], encoding, MIB)


@every_packer
@pytest.mark.parametrize(
    "garbage", [b"x", b"\0", b"\x03\x00", zlib.compress(b"more"), b"\0" * 5000]
)
def test_garbage_after_the_end_is_unreadable(encoding, pack, garbage):
    with pytest.raises(UnreadableBody):
        inflate(pack(TEXT) + garbage, encoding, 10_000)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "br"])
def test_plain_text_that_calls_itself_compressed_is_unreadable(encoding):
    with pytest.raises(UnreadableBody):
        inflate(TEXT, encoding, 10_000)


@every_packer
@given(at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_flipped_bit_is_unreadable_or_harmless_never_a_crash(encoding, pack, at, bit):
    packed = bytearray(pack(TEXT))
    packed[at % len(packed)] ^= 1 << bit
    with suppress(UnreadableBody, TooLarge):
        inflate(bytes(packed), encoding, 10_000)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "br"])
@given(data=st.binary(max_size=300))
def test_noise_is_answered_with_a_problem_and_nothing_else(encoding, data):
    try:
        inflate(data, encoding, 10_000)
    except Problem as problem:
        assert problem.status in (400, 413)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)]
)
def test_frames_in_a_row_are_one_body(encoding, pack):
    parts = [b"", TEXT, b"x" * 300_000, b"", b"end"]
    packed = b"".join(pack(part) for part in parts)
    assert inflate(packed, encoding, MIB) == b"".join(parts)
    for cut in (1, 5, len(packed) - len(pack(b"end")) + 1):
        with pytest.raises(UnreadableBody):
            inflate(packed[:cut], encoding, MIB)
    with pytest.raises(TooLarge):
        inflate(packed, encoding, 300_000)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)]
)
def test_a_flood_of_empty_frames_is_refused(encoding, pack):
    assert inflate(pack(b"") * MAX_FRAMES, encoding, MIB) == b""
    with pytest.raises(UnreadableBody):
        inflate(pack(b"") * (MAX_FRAMES + 1), encoding, MIB)


def test_a_skippable_zstd_frame_is_skipped():
    skippable = bytes.fromhex("502a4d18 03000000") + b"abc"
    assert inflate(skippable + zstandard.compress(TEXT), "zstd", 10_000) == TEXT


@pytest.mark.parametrize(("window_log", "fits"), [(23, True), (24, False)])
def test_a_zstd_window_over_8_mib_is_refused(window_log, fits):
    parameters = zstandard.ZstdCompressionParameters(window_log=window_log, write_content_size=0)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = packer.compress(TEXT) + packer.flush()
    if fits:
        assert inflate(packed, "zstd", 10_000) == TEXT
    else:
        with pytest.raises(UnreadableBody, match="memory"):
            inflate(packed, "zstd", 10_000)


# Chains and names.


@pytest.mark.parametrize("encodings", ["", "identity", "Identity", " , ,", "identity, identity"])
def test_no_encoding_leaves_the_body_as_it_is(encodings):
    assert inflate(TEXT, encodings, 10_000) == TEXT
    with pytest.raises(TooLarge):
        inflate(TEXT, encodings, len(TEXT) - 1)


@pytest.mark.parametrize("encodings", ["GZIP", " gzip ", "gzip,", ",gzip", "identity,X-Gzip\t"])
def test_names_are_read_in_any_case_and_spacing(encodings):
    assert inflate(gzip.compress(TEXT), encodings, 10_000) == TEXT


def test_a_chain_is_undone_from_its_end():
    packed = zstandard.compress(brotli.compress(gzip.compress(zlib.compress(TEXT))))
    assert inflate(packed, "deflate, gzip, br, zstd", 10_000) == TEXT
    with pytest.raises(UnreadableBody):
        inflate(packed, "zstd, br, gzip, deflate", 10_000)


def test_a_chain_of_five_links_is_refused():
    packed = TEXT
    for _ in range(4):
        packed = gzip.compress(packed)
    assert inflate(packed, "gzip,gzip,gzip,gzip", 10_000) == TEXT
    with pytest.raises(UnreadableBody):
        inflate(gzip.compress(packed), "gzip,gzip,gzip,gzip,gzip", 10_000)


def test_every_layer_of_a_chain_is_capped():
    inner = gzip.compress(bytes(100_000), compresslevel=0)
    with pytest.raises(TooLarge):
        inflate(zstandard.compress(inner), "gzip, zstd", 50_000)


@pytest.mark.parametrize("encodings", ["compress", "gzip, lzma", "*", "gzip;q=1", "x" * 5000])
def test_an_unknown_encoding_is_answered_with_the_known_ones(encodings):
    with pytest.raises(UnsupportedEncoding) as caught:
        inflate(gzip.compress(TEXT), encodings, 10_000)
    assert caught.value.headers == {"Accept-Encoding": "gzip, deflate, zstd, br"}
    assert len(caught.value.detail) < 200


@pytest.mark.parametrize("encodings", ["gzip,deflate", "gzip, deflate", "GZIP,Deflate"])
@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress, bare_deflate])
def test_one_layer_under_the_name_of_two_as_pygelf_and_graypy_send(encodings, pack):
    assert inflate(pack(TEXT), encodings, 10_000) == TEXT


def test_two_layers_under_the_name_of_two_still_work():
    assert inflate(zlib.compress(gzip.compress(TEXT)), "gzip,deflate", 10_000) == TEXT
    with pytest.raises(UnreadableBody):
        inflate(zlib.compress(gzip.compress(TEXT)[:-1]), "gzip,deflate", 10_000)


@pytest.mark.parametrize("encodings", ["deflate,gzip", "gzip,gzip", "gzip,deflate,deflate"])
def test_only_that_one_chain_may_lie(encodings):
    with pytest.raises(UnreadableBody):
        inflate(zlib.compress(TEXT), encodings, 10_000)


# Bombs: 1 GB of zeros, limit 1 MiB.


def packed_zeros(packer: Any, add: str = "compress", end: str = "flush") -> bytes:
    zeros = bytes(MIB)
    pieces = [getattr(packer, add)(zeros) for _ in range(1000)]
    return b"".join([*pieces, getattr(packer, end)()])


def zstd_rle_bomb() -> bytes:
    """The densest zstd there is: 4 bytes for each 128 KiB, in a window of 8 MiB."""
    block = (1 << 1 | 2**17 << 3).to_bytes(3, "little") + b"\0"
    return bytes.fromhex("28b52ffd 00 68") + block * 8000


BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: packed_zeros(zlib.compressobj(9, wbits=31)),
    "deflate": lambda: packed_zeros(zlib.compressobj(9)),
    "zstd": lambda: packed_zeros(zstandard.ZstdCompressor().compressobj()),
    "zstd, all runs": zstd_rle_bomb,
    "br": lambda: packed_zeros(brotli.Compressor(quality=1, lgwin=24), "process", "finish"),
}


@pytest.fixture(scope="module", params=BOMBS)
def bomb(request) -> Iterator[tuple[str, bytes]]:
    yield request.param.split(",")[0], BOMBS[request.param]()


def test_a_bomb_is_refused_without_being_inflated(bomb):
    encoding, data = bomb
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            inflate(data, encoding, MIB)
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


MEASURE = """
import sys
from pathlib import Path
import brotli
import msgspec, zstandard
from exceptions import TooLarge
from utils.body import inflate

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

data = sys.stdin.buffer.read()
before = peak()
try:
    inflate(data, sys.argv[1], 2**20)
except TooLarge:
    print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_a_bomb_costs_the_process_little_memory_in_c_either(bomb):
    encoding, data = bomb
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", MEASURE, encoding]
    grown = subprocess.run(command, input=data, cwd=root, capture_output=True, check=True).stdout
    assert (
        int(grown) < (24 if encoding == "br" else 12) * 1024
    )  # in KiB; br keeps a window of 16 MiB


# Start-up.


def test_zstd_and_brotli_are_imported_only_when_used():
    code = "import sys, utils.body; print('zstandard' in sys.modules, 'brotli' in sys.modules)"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=True)
    assert done.stdout.split() == [b"False", b"False"]


# Small bodies of JSON.


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in one."""

    number: int = 0


class Form(msgspec.Struct, forbid_unknown_fields=True):
    """What is wanted."""

    name: str
    inner: Inner = Inner()
    names: list[str] = []


def json_environ(body: bytes) -> dict[str, Any]:
    return {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}


def test_a_small_body_is_read_as_what_is_wanted() -> None:
    body = '{"name": "商店", "inner": {"number": 3}}'.encode()
    assert read_json(json_environ(body), Form) == Form("商店", Inner(3))
    assert checked({"name": "a"}, Form) == Form("a")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{}", "name"),
        ('{"name": 1}', "name"),
        ('{"name": "a", "other": 1}', "other"),
        ('{"name": "a", "inner": {"number": "1"}}', "inner.number"),
        ('{"name": "a", "inner": {"other": 1}}', "inner.other"),
        ('{"name": "a", "names": ["a", 1]}', "names[1]"),
        ("[]", None),
        ("", None),
        ("{", None),
        ('{"name": "a"} x', None),
        ('{"name": "\\ud800"}', None),
        ('{"name": "a", "\xff": 1}', None),
        ("[" * 30_000, None),
    ],
)
def test_a_small_body_of_another_form_is_refused_by_the_field(body: str, field: str | None) -> None:
    with pytest.raises(BadRequestBody) as refused:
        read_json(json_environ(body.encode("latin-1")), Form)
    assert refused.value.members.get("field") == field
    assert refused.value.detail.startswith(field or "")


def test_a_small_body_is_small() -> None:
    body = b'{"name": "%s"}' % (b"a" * MAX_JSON_BYTES)
    with pytest.raises(TooLarge):
        read_json(json_environ(body), Form)


# What is said of bodies in protocols of others, and is not so.


GUESSED = b'{"short_message": "m"}'
BARE = zlib.compress(GUESSED)[2:-4]
GZIPPED = gzip.compress(GUESSED, mtime=0)  # it is part of tests' names, which must stay


@pytest.mark.parametrize(
    ("encodings", "data"),
    [
        ("", GUESSED),
        ("", GZIPPED),
        ("identity", GZIPPED),
        ("snappy, gzip", GZIPPED),
        ("gzip", zlib.compress(GUESSED)),
        ("gzip", GUESSED),
        ("x-gzip", GZIPPED),
        ("deflate", BARE),
        ("deflate", GUESSED),
        ("deflate", GZIPPED),
        ("gzip,deflate", zlib.compress(GUESSED)),
        ("gzip, deflate", GZIPPED),
        ("gzip, deflate", zlib.compress(GZIPPED)),
        ("zstd", zstandard.compress(GUESSED)),
        ("zstd", GUESSED),
        ("br", brotli.compress(GUESSED)),
        ("UTF-8", GUESSED),
        ("gzip, gzip, gzip, gzip, gzip", GUESSED),
    ],
)
def test_what_bytes_are_counts_more_than_what_is_said_of_them(encodings, data):
    assert inflate_guessing(data, encodings, 1000) == GUESSED


@pytest.mark.parametrize("encodings", ["", "gzip", "deflate", "gzip, deflate"])
def test_the_limit_holds_for_what_is_guessed_too(encodings):
    with pytest.raises(TooLarge):
        inflate_guessing(gzip.compress(bytes(1001)), encodings, 1000)
    with pytest.raises(TooLarge):
        inflate_guessing(b"{" * 1001, encodings, 1000)
    assert len(inflate_guessing(gzip.compress(bytes(1000)), encodings, 1000)) == 1000


@pytest.mark.parametrize("encodings", ["", "gzip", "deflate", "zstd", "br"])
@given(data=st.binary())
def test_guessing_ends_with_bytes_or_a_problem(encodings, data):
    with suppress(UnreadableBody, TooLarge):
        assert len(inflate_guessing(data, encodings, 1000)) <= 1000
