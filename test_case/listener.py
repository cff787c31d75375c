"""A reader of a live tail, as a browser's EventSource is one."""

import json
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple

import requests
from started import PATIENCE, Server, wait_until

PATH = "/api/v1/logs/tail"


class Event(NamedTuple):
    """An event with data; `at` is the time (`time.time`) at which it came."""

    name: str
    id: str
    data: dict[str, Any]
    at: float


class Listener:
    """Listens in a thread until the end of the stream; `last_id` is from where to go on.

    At the server's port, or at another one behind which it is.
    """

    def __init__(
        self, server: Server, *, token: str = "", last_id: str = "", session: Any = requests,
        port: int = 0, **filters: Any,
    ) -> None:  # fmt: skip
        headers = {} if token == "none" else {"Authorization": f"Bearer {token or server.token}"}
        headers |= {"Last-Event-ID": last_id} if last_id else {}
        url = f"http://127.0.0.1:{port or server.port}{PATH}"
        self.answer: requests.Response = session.get(
            url, params=filters, headers=headers, stream=True, timeout=60
        )
        self.events: list[Event] = []
        self.last_id = ""
        self.comments = 0
        self.retry = 0
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def messages(self) -> list[str]:
        """Of the records that came."""
        return [event.data["message"] for event in self.events if event.name == "message"]

    def wait_for(self, *messages: str) -> None:
        """Wait for just these messages, in the order in which they were stored: their ids'."""
        wait_until(lambda: len(self.messages) >= len(messages), f"{messages}")
        assert sorted(self.messages) == sorted(messages)
        ids = [tuple(map(int, event.data["id"].split("-"))) for event in self.events]
        assert ids == sorted(set(ids))

    def _listen(self) -> None:
        text = b""
        try:
            for piece in self.answer.raw.stream(65536):
                *blocks, text = (text + piece).split(b"\n\n")
                for block in blocks:
                    self._hear(block.decode())
        except Exception:  # however it was cut off
            pass
        self.ended.set()

    def _hear(self, block: str) -> None:
        name, data = "message", ""
        for line in block.split("\n"):
            field, _, value = line.partition(": ")
            if field == "":
                self.comments += 1
            elif field == "event":
                name = value
            elif field == "id":
                self.last_id = value
            elif field == "retry":
                self.retry = int(value)
            elif field == "data":
                data += value
        if data:
            self.events.append(Event(name, self.last_id, json.loads(data), time.time()))

    def close(self) -> None:
        """Go away."""
        connection = self.answer.raw.connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):  # the server was first
                connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self.answer.close()

    def __enter__(self) -> "Listener":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Returning(threading.Thread):
    """A reader who comes back with the last id whenever the stream ends, for a `with`."""

    def __init__(self, server: Server, last_id: str = "", **filters: Any) -> None:
        super().__init__(daemon=True)
        self.server = server
        self.filters = filters
        self.last_id = last_id
        self.returns = -1
        self.events: list[Event] = []
        self._over = threading.Event()
        self._current: Listener | None = None

    @property
    def is_here(self) -> bool:
        """Whether there is a stream now."""
        return self._current is not None

    @property
    def messages(self) -> list[str]:
        """Of the records that came so far."""
        here = self._current
        now = here.messages if here is not None else []
        return [event.data["message"] for event in self.events] + now

    def run(self) -> None:
        while not self._over.is_set():
            try:
                listener = Listener(self.server, last_id=self.last_id, **self.filters)
            except requests.RequestException:
                time.sleep(0.1)
                continue
            if listener.status == 200:
                self.returns += 1
                self._current = listener
                while not (listener.ended.wait(0.1) or self._over.is_set()):
                    continue
            listener.close()
            self.last_id, self._current = listener.last_id or self.last_id, None
            self.events += listener.events

    def __enter__(self) -> "Returning":
        self.start()
        wait_until(lambda: self.is_here, "the stream")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self.join(PATIENCE)
