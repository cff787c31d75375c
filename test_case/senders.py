"""Clients that report without pause, as devices do: what was not acknowledged is sent again."""

import random
import threading
import time
from collections import Counter
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Any

import requests
from started import PATIENCE, Server, wait_until

RETRY_SECONDS = 0.03
BAD = {"message": "refused", "level": "nonsense"}
REFUSED = "rejected:invalid_level"


class Sender(threading.Thread):
    """One client of an app. It sends three of four batches with an id, until acknowledged.

    In as many of its batches as `bad` says some records are refused.
    """

    def __init__(
        self,
        server: Server,
        app: dict[str, Any],
        name: str,
        stop: threading.Event,
        seed: int,
        bad: float,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.server = server
        self.app = app
        self.stop = stop
        self.bad = bad
        self.chance = random.Random(f"{seed}-{name}")
        self.http = requests.Session()
        self.acknowledged: list[str] = []
        self.unsure: list[str] = []  # sent once, without an id, and never answered
        self.refused = 0  # records, of acknowledged batches
        self.retries = 0
        self.unexpected: list[str] = []

    def run(self) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            batch = f"{self.name}-{number}"
            messages = [f"{batch}-{n}" for n in range(self.chance.randint(1, 8))]
            body: dict[str, Any] = {"logs": [{"message": message} for message in messages]}
            bad = self.chance.randint(1, 3) if self.chance.random() < self.bad else 0
            for _ in range(bad):
                body["logs"].insert(self.chance.randint(0, len(messages)), BAD)
            if self.chance.random() < 0.25:
                self._report_once(body, messages, bad)
            else:
                self._report_until_acknowledged({"batch_id": batch, **body}, messages, bad)
        self.http.close()

    def _report_once(self, body: dict[str, Any], messages: list[str], bad: int) -> None:
        status = self._post(body, bad)
        if status == 202:
            self._acknowledge(messages, bad)
        elif status is None:
            self.unsure += messages

    def _report_until_acknowledged(
        self, body: dict[str, Any], messages: list[str], bad: int
    ) -> None:
        deadline = time.monotonic() + PATIENCE
        while self._post(body, bad) != 202:
            self.retries += 1
            if time.monotonic() > deadline:
                name = body["batch_id"]
                self.unexpected.append(f"{name} was not acknowledged in {PATIENCE} s")
                self.unsure += messages
                return
            time.sleep(RETRY_SECONDS)
        self._acknowledge(messages, bad)

    def _acknowledge(self, messages: list[str], bad: int) -> None:
        self.acknowledged += messages
        self.refused += bad

    def _post(self, body: dict[str, Any], bad: int) -> int | None:
        """The status; None when there was no answer."""
        headers = {"X-Redlog-Key": str(self.app["ingest_key"])}
        url = f"{self.server.url}/api/v1/logs"
        try:
            answer = self.http.post(url, json=body, headers=headers, timeout=10)
        except requests.RequestException:
            self.http.close()
            return None
        if answer.status_code not in (202, 503):
            self.unexpected.append(f"{answer.status_code} {answer.text}")
        elif answer.status_code == 202 and not self._is_receipt(answer.json(), body, bad):
            self.unexpected.append(f"no receipt of {len(body['logs'])}: {answer.text}")
        return answer.status_code

    @staticmethod
    def _is_receipt(receipt: dict[str, Any], body: dict[str, Any], bad: int) -> bool:
        told = (receipt["accepted"], len(receipt["rejected"]), receipt["shed"])
        return told == (len(body["logs"]) - bad, bad, 0)


class Senders:
    """Several clients at once, for the time of a `with`; the apps (the server's own) share them."""

    def __init__(
        self,
        server: Server,
        count: int = 4,
        seed: int = 0,
        apps: Sequence[dict[str, Any]] = (),
        bad: float = 0.0,
    ) -> None:
        self.server = server
        self.apps = apps or [server.app]
        self._stop = threading.Event()
        self._threads = [
            Sender(server, self.apps[n % len(self.apps)], f"s{n}", self._stop, seed, bad)
            for n in range(count)
        ]

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

    def check(self, spoiled: Collection[str] = ()) -> set[str]:
        """What the server has now is what these clients were told, no less and no more.

        The messages in `spoiled` may be missing: the test itself has damaged them. Gives those of
        all records that are found.
        """
        assert not any(thread.is_alive() for thread in self._threads)
        assert [text for thread in self._threads for text in thread.unexpected] == []
        self.server.wait_drained()
        return {message for app in self.apps for message in self._check_app(app, set(spoiled))}

    def _check_app(self, app: dict[str, Any], spoiled: set[str]) -> set[str]:
        threads = [thread for thread in self._threads if thread.app is app]
        found = Counter(record["message"] for record in self.server.walk(app=app["id"]))
        acknowledged = {message for thread in threads for message in thread.acknowledged}
        unsure = {message for thread in threads for message in thread.unsure}
        assert acknowledged - set(found) - spoiled == set(), "acknowledged, and lost"
        assert {message for message, times in found.items() if times > 1} == set(), "stored twice"
        assert set(found) - acknowledged - unsure == set(), "never sent"
        totals = wait_until(lambda: self._totals(app, len(found)), "the counters to be told", 10)
        others = sum(n for outcome, n in totals.items() if outcome not in ("received", "stored"))
        assert totals["received"] == totals["stored"] + others
        assert set(totals) <= {"received", "stored", "duplicate", REFUSED}
        if not spoiled:
            assert totals.get(REFUSED, 0) >= sum(thread.refused for thread in threads)
        return set(found)

    def _totals(self, app: dict[str, Any], stored: int) -> dict[str, int]:
        totals = self.server.totals(app["name"])
        return totals if totals.get("stored") == stored else {}
