"""Replies at the pace of their reader, over real sockets."""

import socket
from collections.abc import Iterator

import pytest

from utils import paced
from utils.paced import BLOCK_BYTES, PacedReply

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A server's end and its reader's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(5)
        yield ours, theirs


@pytest.mark.parametrize("sizes", [[], [0], [5], [BLOCK_BYTES], [3 * BLOCK_BYTES + 1, 0, 7]])
def test_the_blocks_are_the_reply(pair: Pair, sizes: list[int]) -> None:
    parts = [bytes([number]) * size for number, size in enumerate(sizes)]
    blocks = list(PacedReply(pair[0].fileno(), parts))
    assert b"".join(blocks) == b"".join(parts)
    assert all(len(block) <= BLOCK_BYTES for block in blocks)
    assert len(blocks) >= len(parts)  # the head goes with the first, even when it is empty


def test_a_reader_who_takes_nothing_is_hung_up_on(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paced, "WAIT_SECONDS", 0.05)
    ours, theirs = pair
    ours.setblocking(False)  # a write without room would raise
    sent = 0
    for block in PacedReply(ours.fileno(), [b"x" * 2**24]):
        ours.sendall(block)
        sent += len(block)
    assert 0 < sent < 2**24
    assert sum(map(len, iter(lambda: theirs.recv(2**20), b""))) == sent  # and then the end


def test_the_reply_inside_is_closed(pair: Pair) -> None:
    closed = []

    class Parts(list[bytes]):
        def close(self) -> None:
            closed.append(True)

    PacedReply(pair[0].fileno(), Parts()).close()
    PacedReply(pair[0].fileno(), []).close()  # needs none
    assert closed == [True]
