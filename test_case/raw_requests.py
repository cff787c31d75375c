"""Malformed and smuggled HTTP, and how the parsers of the two worker classes take it."""

import re
import socket
from contextlib import suppress
from typing import NamedTuple

MESSAGE = b'{"message": "m"}'  # 16 bytes
CHUNKED = b"10\r\n" + MESSAGE + b"\r\n0\r\n\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"  # a reply of 404 would show that it arrived
STRANGER = b"POST /api/v1/logs HTTP/1.1\r\nHost: x\r\n"
TE = b"Transfer-Encoding: chunked\r\n"


class Case(NamedTuple):
    """What is sent, and the statuses of the replies; KEY stands for an ingest key."""

    name: str
    request: bytes
    gthread: tuple[int, ...]
    meinheld: tuple[int, ...]


def report(headers: bytes, body: bytes = MESSAGE) -> bytes:
    """A report with these header lines."""
    return STRANGER + b"X-Redlog-Key: KEY\r\n" + headers + b"\r\n" + body


def get(headers: bytes = b"") -> bytes:
    """A request without a body, with these header lines."""
    return GET + headers + b"\r\n"


def same(name: str, request: bytes, *statuses: int) -> Case:
    """Both classes answer alike."""
    return Case(name, request, statuses, statuses)


def lax(name: str, request: bytes, accepted: int) -> Case:
    """gunicorn's parser refuses it, meinheld's does not."""
    return Case(name, request, (400,), (accepted,))


LENGTHS = (b"+16", b"-16", b"1_6", b"0x10", b"", b"9" * 30, b"16.0", b"18446744073709551632")
SIZES = (b"-10", b"+10", b"0x10", b" 10", b"1_0", b"", b"zz", b"f" * 17, b"10000000000000010")
CODINGS = (b"identity", b"gzip", b"chunked, identity", b"chunked, chunked", b"\x0bchunked")

CASES = [
    same("a plain report", report(b"Content-Length: 16\r\n"), 202),
    same("a chunked report", report(TE, CHUNKED), 202),
    same("nothing", b""),
    # Where does the body end?
    same(
        "both lengths, the chunks end first",
        report(b"Content-Length: %d\r\n" % (5 + len(SMUGGLED)) + TE, b"0\r\n\r\n" + SMUGGLED),
        400,
    ),
    same(
        "both lengths, the content ends first",
        report(b"Content-Length: 4\r\n" + TE, b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)),
        400,
    ),
    same("two lengths", report(b"Content-Length: 16\r\nContent-Length: 0\r\n"), 400),
    same(
        "two lengths, the shorter first",
        report(b"Content-Length: 0\r\nContent-Length: 16\r\n"),
        400,
    ),
    same("the length twice", report(b"Content-Length: 16\r\nContent-Length: 16\r\n"), 400),
    same("a list of lengths", report(b"Content-Length: 16, 16\r\n"), 400),
    *(
        same(f"length {text!r}", report(b"Content-Length: %b\r\n" % text, MESSAGE + SMUGGLED), 400)
        for text in LENGTHS
    ),
    Case("a space inside the length", report(b"Content-Length: 1 6\r\n"), (400,), (400,)),
    *(
        same(f"transfer coding {text!r}", report(b"Transfer-Encoding: %b\r\n" % text, CHUNKED), 400)
        for text in CODINGS
    ),
    Case("an unknown transfer coding", report(b"Transfer-Encoding: xchunked\r\n"), (501,), (400,)),
    lax("two transfer codings", report(TE + b"Transfer-Encoding: identity\r\n", CHUNKED), 202),
    lax("chunks in HTTP/1.0", report(TE, CHUNKED).replace(b"/1.1", b"/1.0"), 202),
    same("a space before the colon", report(b"Content-Length : 16\r\n"), 400),
    same(
        "a space before the colon of the coding",
        report(b"Transfer-Encoding : chunked\r\n", CHUNKED),
        400,
    ),
    *(
        same(f"chunk size {text!r}", report(TE, text + b"\r\n" + MESSAGE + b"\r\n0\r\n\r\n"), 400)
        for text in SIZES
    ),
    lax("a space after the chunk size", report(TE, CHUNKED.replace(b"10\r", b"10 \r")), 202),
    same("a chunk extension", report(TE, CHUNKED.replace(b"10\r", b"10;a=b\r")), 202),
    same("an endless chunk extension", report(TE, b"10;" + b"a" * 100_000), 400),
    lax(
        "a line feed in a chunk extension", report(TE, CHUNKED.replace(b"10\r", b"10;a\nb\r")), 202
    ),
    same("chunks with bare line feeds", report(TE, CHUNKED.replace(b"\r\n", b"\n")), 400),
    same("a chunk longer than its size", report(TE, b"10\r\n" + MESSAGE + b"XX0\r\n\r\n"), 400),
    same("trailers", report(TE, CHUNKED[:-2] + b"Content-Length: 5\r\n\r\n"), 400),
    Case("a torn chunk", report(TE, CHUNKED[:9]), (400,), (503,)),
    Case("a torn body", report(b"Content-Length: 16\r\n", MESSAGE[:5]), (400,), (503,)),
    # The head.
    lax("a folded header", get(b"X-A: a\r\n b\r\n"), 200),
    same("a folded length", report(b"Content-Length:\r\n 16\r\n"), 400),
    same("a fold at the start", b"GET /healthz HTTP/1.1\r\n X-A: a\r\nHost: x\r\n\r\n", 400),
    lax("bare line feeds", get().replace(b"\r\n", b"\n"), 200),
    lax("a bare line feed between headers", get(b"X-A: a\nX-B: b\r\n"), 200),
    same("a bare carriage return", get(b"X-A: a\rX-B: b\r\n"), 400),
    lax("a NUL in a header", get(b"X-A: a\0b\r\n"), 200),
    same("a NUL in a name", get(b"X-\0A: a\r\n"), 400),
    same("a NUL in the target", get().replace(b"healthz", b"healthz\0"), 400),
    lax("a line without a colon", get(b"nothing\r\n"), 200),
    same("an empty name", get(b": b\r\n"), 400),
    same("a name that is no token", get(b"(a): b\r\n"), 400),
    same("a name of 8 bits", get("ä: b\r\n".encode()), 400),
    lax("two hosts", get(b"Host: y\r\n"), 200),
    Case("a long header", get(b"X-A: " + b"a" * 9000 + b"\r\n"), (431,), (400,)),
    Case("many headers", get(b"X-A: a\r\n" * 200), (431,), (400,)),
    Case("a long target", get().replace(b"z HTTP", b"z?" + b"a" * 9000 + b" HTTP"), (414,), (400,)),
    same("a long method", b"A" * 5000 + get(), 400),
    # The request line.
    Case("the absolute form", get().replace(b" /", b" http://other.example/"), (200,), (404,)),
    same("the authority form", get().replace(b"/healthz", b"other.example:80"), 400),
    Case("CONNECT", b"CONNECT other.example:80 HTTP/1.1\r\nHost: x\r\n\r\n", (404,), (400,)),
    same("the asterisk form", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    same("a target without a slash", get().replace(b"/healthz", b"healthz"), 400),
    lax("HTTP/0.9", b"GET /healthz\n\n", 200),
    lax("HTTP/2.0", get().replace(b"/1.1", b"/2.0"), 200),
    same("HTTP/11", get().replace(b"/1.1", b"/11"), 400),
    same("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    Case("an upgrade to HTTP/2", get(b"Connection: Upgrade\r\nUpgrade: h2c\r\n"), (200,), (400,)),
    same("a line of the PROXY protocol", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + get(), 400),
    same("a method in lower case", get().replace(b"GET", b"get"), 400),
    Case("an unknown method", get().replace(b"GET", b"FROB"), (405,), (400,)),
    lax("two spaces in the request line", get().replace(b"T /", b"T  /"), 200),
    same("tabs in the request line", get().replace(b" ", b"\t"), 400),
    lax("empty lines before the request", b"\r\n\r\n" + get(), 200),
    same("no HTTP at all", bytes(range(256)) * 8, 400),
    # What follows on the connection.
    same("three requests at once", get() * 3, 200, 200, 200),
    same(
        "a body that nobody reads", get(b"Content-Length: %d\r\n" % len(SMUGGLED)) + SMUGGLED, 200
    ),
    same(
        "a request after a refused body",
        STRANGER + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED + get(),
        401,
        200,
    ),
    same(
        "a request after a refused body in chunks",
        STRANGER + TE + b"\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED) + get(),
        401,
        200,
    ),
    same("a request after a malformed one", get(b"(a): b\r\n") + SMUGGLED, 400),
    same("a request after a bad chunk", report(TE, b"zz\r\n\r\n" + SMUGGLED), 400),
    same(
        "a request in a body that is too large",
        report(b"Content-Length: 99999999\r\n", SMUGGLED),
        413,
    ),
    same(
        "a body that waits for a word",
        report(b"Content-Length: 16\r\nExpect: 100-continue\r\n"),
        100,
        202,
    ),
    same("a body that waits for another word", report(b"Content-Length: 16\r\nExpect: x\r\n"), 417),
]
LAX = [case for case in CASES if case.gthread == (400,) and case.meinheld[0] < 300]


def statuses_of(port: int, request: bytes) -> tuple[int, ...]:
    """Send this and nothing more; the statuses of all replies, until the server hangs up."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        with suppress(OSError):  # refused before all of it was read: the reply is there
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            while piece := connection.recv(65_536):
                received += piece
    return tuple(int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received))
