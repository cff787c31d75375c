"""Events on a connection that nobody waits for."""

import json
import socket
from collections.abc import Iterator

import pytest

from utils import event_stream
from utils.event_stream import EventStream, HandedOver, can_hand_over, event, handing_over

Pair = tuple[EventStream, socket.socket]


@pytest.fixture(params=[True, False], ids=["chunked", "plain"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A stream and its reader's end."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    with ours, theirs:
        yield EventStream(ours, request.param), theirs


def read_all(reader: socket.socket) -> bytes:
    text = b""
    while piece := reader.recv(1 << 16):
        text += piece
    return text


def unchunked(text: bytes) -> bytes:
    """The data of a whole chunked body (RFC 9112, section 7.1)."""
    data = b""
    while True:
        size, _, text = text.partition(b"\r\n")
        length = int(size, 16)
        data += text[:length]
        assert text[length : length + 2] == b"\r\n"
        text = text[length + 2 :]
        if length == 0:
            assert text == b""
            return data


def test_events_arrive_as_they_were_written(pair: Pair) -> None:
    stream, reader = pair
    stream.write(b"a" * 20)
    stream.write(b"b")
    assert stream.is_waiting
    stream.flush()
    assert not stream.is_waiting
    stream.end(b"c")
    text = read_all(reader)
    if stream._is_chunked:
        text = unchunked(text)
    assert text == b"a" * 20 + b"bc"


def test_a_slow_reader_gets_all_piece_by_piece(pair: Pair) -> None:
    stream, reader = pair
    sent = 0
    while not stream.is_full:
        stream.write(b"x" * 1000)
        sent += 1000
        stream.flush()
    assert sent > event_stream.MOST_WAITING
    taken_at = stream.taken_at
    stream.flush()
    assert stream.taken_at == taken_at  # nothing was taken
    text = b""
    while stream.is_waiting:
        text += reader.recv(4096)
        stream.flush()
    assert stream.taken_at > taken_at
    while len(text) < sent:
        text += reader.recv(4096)
    stream.end(b"")
    text += read_all(reader)
    assert (unchunked(text) if stream._is_chunked else text) == b"x" * sent


def test_a_reader_who_is_gone_is_noticed(pair: Pair) -> None:
    stream, reader = pair
    assert not stream.is_gone()
    reader.send(b"something")
    assert not stream.is_gone()
    reader.close()
    assert stream.is_gone()
    stream.write(b"x")
    with pytest.raises(OSError):
        stream.flush()
    stream.end(b"")
    assert stream.fileno() == -1


@pytest.mark.parametrize("text", ["a", "a\r\nb\nc\rd", "\u2028\x85 支付"])
def test_an_event_is_one_line_of_data(text: str) -> None:
    data = json.dumps({"m": text}, indent=1, ensure_ascii=False).replace("\n", "\r\n").encode()
    made = event(data, "gap", "5").decode()
    assert made.endswith("\n\n") and made.count("\n") == 4 and "\r" not in made
    name, last, line = made.split("\n")[:3]
    assert (name, last) == ("event: gap", "id: 5")
    assert json.loads(line.removeprefix("data: ")) == {"m": text}
    assert not event(b"{}", last_id="1").startswith(b"event")


def test_only_our_threads_hand_over() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        environ = {"gunicorn.socket": ours, "wsgi.multithread": True}
        assert can_hand_over(environ)
        assert not can_hand_over(environ | {"wsgi.multithread": False})
        assert not can_hand_over({"wsgi.multithread": True})
        assert not can_hand_over(environ | {"gunicorn.socket": object()})  # TLS, or gevent's


def test_who_takes_a_stream_has_its_connection() -> None:
    ours, theirs = socket.socketpair()
    taken: list[EventStream] = []
    environ = {"gunicorn.socket": ours, "SERVER_PROTOCOL": "HTTP/1.0"}
    reply = handing_over(environ, b"first", taken.append)
    assert next(reply) == b"first" and taken == []
    with pytest.raises(HandedOver) as raised:
        next(reply)
    assert isinstance(raised.value, OSError) and ours.fileno() == -1
    taken[0].end(b"last")
    assert theirs.recv(10) == b"last" and theirs.recv(10) == b""
    theirs.close()
