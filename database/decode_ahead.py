"""A process that reads and decodes the journal for the one that stores it, one step ahead.

Decoding and making rows take as long as storing them, and both want the interpreter: in two
processes they run at the same time. What is prepared goes through a pipe in small parts, which
are still in the processor's caches when they are stored.
"""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from queue import Queue
from typing import TYPE_CHECKING

import msgspec

from database.day_append import Prepared
from database.preparing import PART_RECORDS
from database.segments import Chunk
from utils.log import log

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

PIPE_BYTES = 1 << 20
PARTS_AHEAD = 64  # about a transaction: made while the one before is committed
Work = Iterator[tuple[Chunk, Iterator[Prepared]]]
Places = tuple[dict[str, int], list[str]]  # positions by segment, segments that are finished

_encode = msgspec.msgpack.Encoder().encode
_decode_places = msgspec.msgpack.Decoder(Places).decode
_decode_part = msgspec.msgpack.Decoder(list[Prepared]).decode
_decode_chunk = msgspec.msgpack.Decoder(tuple[str, int, bool, bool] | None).decode


class DecodeAhead:
    """The process, forked here: `prepare` runs in it, and what it yields comes out of `work`."""

    def __init__(self, prepare: Callable[[dict[str, int], set[str]], Work]) -> None:
        from multiprocessing.connection import Pipe  # for processes that never drain it is large

        request, self._request = Pipe(duplex=False)
        self._answer, answer = Pipe(duplex=False)
        if hasattr(fcntl, "F_SETPIPE_SZ"):  # so that neither waits for the other's time slice
            fcntl.fcntl(answer.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._pid = os.fork()
        if self._pid == 0:
            self._request.close()
            self._answer.close()
            _serve(request, answer, prepare)
        request.close()
        answer.close()

    def work(self, positions: dict[str, int], finished: set[str]) -> Work:
        """All that is not stored yet, as `prepare` yields it. Take every iterator to its end."""
        self._request.send_bytes(_encode((positions, list(finished))))
        while (head := _decode_chunk(self._answer.recv_bytes())) is not None:
            segment, end, is_finished, readable = head
            yield Chunk(segment, [], end, is_finished, readable), self._parts()

    def end(self) -> None:
        """Let it go."""
        self._request.close()
        self._answer.close()
        os.waitpid(self._pid, 0)

    def _parts(self) -> Iterator[Prepared]:
        while part := _decode_part(self._answer.recv_bytes()):
            yield from part


def _serve(
    request: "Connection", answer: "Connection", prepare: Callable[[dict[str, int], set[str]], Work]
) -> None:
    """In the process: answer until the other end is gone."""
    code = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)  # the parent's ends of pipes must end with the parent
        os.dup2(nothing, 1)
        waiting: Queue[bytes] = Queue(PARTS_AHEAD)
        threading.Thread(target=_send, args=(answer, waiting), daemon=True).start()
        while True:
            positions, finished = _decode_places(request.recv_bytes())
            for chunk, prepared in prepare(positions, set(finished)):
                waiting.put(_encode((chunk.segment, chunk.end, chunk.finished, chunk.readable)))
                _put_parts(waiting, prepared)
            waiting.put(_encode(None))
    except EOFError:
        code = 0
    except Exception:
        log.exception("decoding failed")
    finally:
        os._exit(code)


def _send(answer: "Connection", waiting: Queue[bytes]) -> None:
    """In a thread of it: the other end may be busy with a transaction for long."""
    try:
        while True:
            answer.send_bytes(waiting.get())
    except OSError:  # it is gone
        os._exit(0)


def _put_parts(waiting: Queue[bytes], prepared: Iterator[Prepared]) -> None:
    part: list[Prepared] = []
    size = 0
    for one in prepared:
        part.append(one)
        size += one.records
        if size >= PART_RECORDS:
            waiting.put(_encode(part))
            part, size = [], 0
    if part:
        waiting.put(_encode(part))
    waiting.put(_encode([]))
