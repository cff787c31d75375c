"""A process that reads and decodes the journal for the one that stores it, one step ahead.

Decoding and making rows take as long as storing them, and both want the interpreter: in two
processes they run at the same time. What is prepared goes through a pipe in small parts, which
are still in the processor's caches when they are stored.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from itertools import chain, groupby
from multiprocessing.connection import Connection, Pipe

import msgspec

from database.day_append import Prepared
from database.segments import Chunk
from utils.clock import MINUTE
from utils.log import log

PIPE_BYTES = 1 << 20
PART_VALUES = 5_000  # in one message, about: some hundred records
Work = Iterator[tuple[Chunk, Iterator[Prepared]]]
Places = tuple[dict[str, int], list[str]]  # positions by segment, segments that are finished

_encode = msgspec.msgpack.Encoder().encode
_decode_places = msgspec.msgpack.Decoder(Places).decode
_decode_part = msgspec.msgpack.Decoder(list[Prepared]).decode
_decode_chunk = msgspec.msgpack.Decoder(tuple[str, int, bool, bool] | None).decode


class DecodeAhead:
    """The process, forked here: `prepare` runs in it, and what it yields comes out of `work`."""

    def __init__(self, prepare: Callable[[dict[str, int], set[str]], Work]) -> None:
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
    request: Connection, answer: Connection, prepare: Callable[[dict[str, int], set[str]], Work]
) -> None:
    """In the process: answer until the other end is gone."""
    code = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)  # the parent's ends of pipes must end with the parent
        os.dup2(nothing, 1)
        while True:
            positions, finished = _decode_places(request.recv_bytes())
            for chunk, prepared in prepare(positions, set(finished)):
                answer.send_bytes(
                    _encode((chunk.segment, chunk.end, chunk.finished, chunk.readable))
                )
                _send_parts(answer, prepared)
            answer.send_bytes(_encode(None))
    except (EOFError, ConnectionError):
        code = 0
    except Exception:
        log.exception("decoding failed")
    finally:
        os._exit(code)


def _send_parts(answer: Connection, prepared: Iterator[Prepared]) -> None:
    part: list[Prepared] = []
    size = 0
    for joined in _joined(prepared):
        part.append(joined)
        size += len(joined.values)
        if size >= PART_VALUES:
            answer.send_bytes(_encode(part))
            part, size = [], 0
    if part:
        answer.send_bytes(_encode(part))
    answer.send_bytes(_encode([]))


def _joined(prepared: Iterator[Prepared]) -> Iterator[Prepared]:
    """Neighbours of a kind as one frame, up to a part: taking a frame costs more than a record."""
    for _, alike in groupby(prepared, _kind):
        run: list[Prepared] = []
        size = 0
        for one in alike:
            run.append(one)
            size += len(one.values)
            if size >= PART_VALUES:
                yield _as_one(run)
                run, size = [], 0
        if run:
            yield _as_one(run)


def _kind(prepared: Prepared) -> tuple[int, ...]:
    """What frames have in common that are stored and counted alike; a frame's own place if they
    may have been stored before, or hold more than rows.
    """
    frame = prepared.frame
    if frame.key or prepared.rejected or not prepared.values:
        return (frame.start,)
    return frame.app_id, frame.received_at // MINUTE


def _as_one(run: list[Prepared]) -> Prepared:
    first, last = run[0], run[-1]
    frame = last.frame._replace(
        start=first.frame.start, records=sum(one.frame.records for one in run), payload=b""
    )
    values = first.values if first is last else list(chain.from_iterable(one.values for one in run))
    times = min(one.times[0] for one in run), max(one.times[1] for one in run)
    return Prepared(frame, values, dict(first.rejected), times)
