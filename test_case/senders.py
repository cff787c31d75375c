"""Clients that report without pause, as devices do: what was not acknowledged is sent again."""

import random
import threading
import time
from collections import Counter
from types import TracebackType

import requests
from started import PATIENCE, Server, wait_until

RETRY_SECONDS = 0.03


class Sender(threading.Thread):
    """One client. Three of four of its batches have an id and are sent until acknowledged."""

    def __init__(self, server: Server, name: str, stop: threading.Event, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.server = server
        self.stop = stop
        self.chance = random.Random(f"{seed}-{name}")
        self.http = requests.Session()
        self.acknowledged: list[str] = []
        self.unsure: list[str] = []  # sent once, without an id, and never answered
        self.retries = 0
        self.unexpected: list[str] = []

    def run(self) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            batch = f"{self.name}-{number}"
            messages = [f"{batch}-{n}" for n in range(self.chance.randint(1, 8))]
            if self.chance.random() < 0.25:
                self._report_once(messages)
            else:
                self._report_until_acknowledged(batch, messages)
        self.http.close()

    def _report_once(self, messages: list[str]) -> None:
        status = self._post({"logs": [{"message": message} for message in messages]})
        if status == 202:
            self.acknowledged += messages
        elif status is None:
            self.unsure += messages

    def _report_until_acknowledged(self, batch: str, messages: list[str]) -> None:
        body = {"batch_id": batch, "logs": [{"message": message} for message in messages]}
        deadline = time.monotonic() + PATIENCE
        while self._post(body) != 202:
            self.retries += 1
            if time.monotonic() > deadline:
                self.unexpected.append(f"{batch} was not acknowledged in {PATIENCE} s")
                self.unsure += messages
                return
            time.sleep(RETRY_SECONDS)
        self.acknowledged += messages

    def _post(self, body: object) -> int | None:
        """The status; None when there was no answer."""
        headers = {"X-Redlog-Key": self.server.key}
        url = f"{self.server.url}/api/v1/logs"
        try:
            answer = self.http.post(url, json=body, headers=headers, timeout=10)
        except requests.RequestException:
            self.http.close()
            return None
        if answer.status_code not in (202, 503):
            self.unexpected.append(f"{answer.status_code} {answer.text}")
        return answer.status_code


class Senders:
    """Several clients at once, for the time of a `with`."""

    def __init__(self, server: Server, count: int = 4, seed: int = 0) -> None:
        self.server = server
        self._stop = threading.Event()
        self._threads = [Sender(server, f"s{n}", self._stop, seed) for n in range(count)]

    def __enter__(self) -> "Senders":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.finish()

    def finish(self) -> None:
        """Let them get their last batches acknowledged, and go home."""
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE)

    def wait_for(self, records: int) -> None:
        """Wait until as many more records are acknowledged."""
        wanted = len(self.acknowledged) + records
        wait_until(lambda: len(self.acknowledged) >= wanted, f"{records} acknowledgements")

    @property
    def acknowledged(self) -> list[str]:
        """The messages of all acknowledged records."""
        return [message for thread in self._threads for message in thread.acknowledged]

    @property
    def retries(self) -> int:
        """How often a batch was sent again."""
        return sum(thread.retries for thread in self._threads)

    def check(self) -> None:
        """What the server has now is what these clients were told, no less and no more."""
        assert not any(thread.is_alive() for thread in self._threads)
        assert [text for thread in self._threads for text in thread.unexpected] == []
        self.server.wait_drained()
        found = Counter(record["message"] for record in self.server.walk())
        acknowledged = self.acknowledged
        unsure = {message for thread in self._threads for message in thread.unsure}
        assert set(acknowledged) - set(found) == set(), "acknowledged, and lost"
        assert {message for message, times in found.items() if times > 1} == set(), "stored twice"
        assert set(found) - set(acknowledged) - unsure == set(), "never sent"
        totals = wait_until(lambda: self._totals(len(found)), "the counters to be told", 10)
        others = sum(n for outcome, n in totals.items() if outcome not in ("received", "stored"))
        assert totals["received"] == totals["stored"] + others
        assert set(totals) <= {"received", "stored", "duplicate"}

    def _totals(self, stored: int) -> dict[str, int]:
        totals = self.server.totals()
        return totals if totals.get("stored") == stored else {}
