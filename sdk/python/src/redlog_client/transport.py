"""One attempt to hand a batch over."""

from __future__ import annotations

import gzip
import time
import urllib.request
from datetime import datetime, timezone
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit

MAX_WAIT = 3600.0
SMALL = 1024  # bytes that are not worth being compressed


class Answer(NamedTuple):
    """What became of it: kept; again, but not before `wait` seconds; split; refused."""

    what: str
    why: str = ""
    wait: float = 0.0


class Transport:
    """Posts batches to a server."""

    def __init__(self, url: str, key: str) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ValueError(f"url must begin with http:// or https://, not {url!r}")
        if not (key.isascii() and key.isprintable()):
            raise ValueError(f"key must be the app's ingest key, not {key!r}")
        self._url = url.rstrip("/") + "/api/v1/logs"
        self._headers = {"X-Redlog-Key": key, "Content-Type": "application/json"}
        self._opener = urllib.request.build_opener(_NoRedirect)

    def send(self, body: bytes, timeout: float) -> Answer:
        """Post a batch, with the time at which it is sent. Raises nothing."""
        now = datetime.now(timezone.utc).isoformat().encode()
        body, headers = b'{"sent_at":"' + now + b'",' + body[1:], dict(self._headers)
        if len(body) > SMALL:
            body, headers["Content-Encoding"] = gzip.compress(body, 5), "gzip"
        request = urllib.request.Request(self._url, body, headers, method="POST")
        try:
            with self._opener.open(request, timeout=timeout) as reply:
                reply.read()
                return _answer(reply.status, reply.headers)
        except HTTPError as error:
            with error:
                return _answer(error.code, error.headers)
        except Exception as error:  # the net's own, and whatever a proxy's settings may cause
            return Answer("again", f"{type(error).__name__}: {error}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A report goes where it was meant to go, or nowhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _answer(status: int, headers: Message) -> Answer:
    """Only a 202 is a receipt: another 2xx is another server, such as the page of a hotel's net."""
    if status == 202:
        return Answer("kept")
    if status == 413:
        return Answer("split", "http_413")
    if 400 <= status < 500 and status != 429:
        return Answer("refused", f"http_{status}")
    return Answer("again", f"http_{status}", _seconds(headers.get("Retry-After", "")))


def _seconds(after: str) -> float:
    """Retry-After: seconds, or a date (RFC 9110, section 10.2.3)."""
    try:
        if after.isdigit():
            wait = float(after)
        else:
            wait = parsedate_to_datetime(after).timestamp() - time.time()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(wait, 0.0), MAX_WAIT)
