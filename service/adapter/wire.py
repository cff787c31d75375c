"""What an adapter is told of a request, and what it makes of it."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from exceptions import Problem
from utils.app_settings import DEFAULTS, AppSettings
from utils.record import dumps

JSON, TEXT = "application/json", "text/plain; charset=utf-8"


class Sent(NamedTuple):
    """A request, as far as its protocol looks at it.

    `body` is inflated. `path` is without a key; `parts` are what its rule names. Names of
    `headers` are in lower case. `received_at` is in µs since 1970, `address` the client's,
    `max_records` and `max_bytes` (inflated) more than which are refused: nothing is made of more.
    `settings` are those of the app that reports.
    """

    body: bytes
    path: str = "/"
    parts: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    received_at: int = 0
    address: str | None = None
    method: str = "POST"
    max_records: int = 50_000
    max_bytes: int = 10 * 2**20
    settings: AppSettings = DEFAULTS

    @property
    def media(self) -> str:
        """The declared content type, without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Bad(NamedTuple):
    """Stands in the place of a record that can't be made: a stable reason, a detail for people."""

    reason: str
    detail: str


Record = dict[str, Any]


class File(NamedTuple):
    """A file that came with a record; `about` is what stands of it among the record's attributes:
    `filename`, `content_type`, `bytes` and, once it is kept, `id`.
    """

    record: Record
    about: dict[str, Any]
    content: bytes


class Translated(NamedTuple):
    """Native records (`utils.record`), in the order of what came.

    `batch_key` names the batch (see `key_of_body` where the protocol has no name for it);
    `sent_at` is the device's clock as it sent them; `lost` is what it says that it lost, by reason;
    `note` is what the adapter's own `reply` wants to know; `files` came with the records.
    """

    records: Sequence[Record | Bad]
    batch_key: str = ""
    sent_at: Any = None
    lost: Mapping[str, int] = {}
    note: Any = None
    files: Sequence[File] = ()


class Reply(NamedTuple):
    """An answer as the protocol's clients expect it."""

    status: int
    body: bytes = b""
    media: str = ""
    headers: Mapping[str, str] = {}


def json_reply(status: int, value: Any, **headers: str) -> Reply:
    """An answer in JSON; `_` stands for `-` in the names of headers."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, dumps(value), JSON, named)


def text_refusal(problem: Problem) -> Reply:
    """A refusal as one line of text, for protocols that have no form for it."""
    return Reply(problem.status, f"{problem.code}: {_told(problem)}\n".encode(), TEXT)


def _told(problem: Problem) -> str:
    return problem.detail or problem.title


def key_of_body(protocol: str, body: bytes) -> str:
    """A batch key for a protocol that has none: the same body sent again has the same.

    Only for bodies in which each record has a time of its own: two that are alike without it may
    well be two.
    """
    return f"{protocol}:{blake2b(body, digest_size=16).hexdigest()}"


def key_of_dated(protocol: str, body: bytes, records: Sequence[Record | Bad]) -> str:
    """The same where each of these records has a time, else none."""
    is_dated = all(isinstance(record, Bad) or "time" in record for record in records)
    return key_of_body(protocol, body) if records and is_dated else ""
