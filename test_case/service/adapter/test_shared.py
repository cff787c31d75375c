"""What a report says once of all its records, where it would stand in each of them."""

import json
from typing import Any

import pytest
from recorded.sentry import envelope

from exceptions import TooLarge
from service.adapter import bugsnag, faro, jsnlog, sentry
from service.adapter.wire import Sent

LONG = "x" * 100_000
MANY: list[Any] = [{"m": "m", "message": "m", "startedAt": "2026-11-20T09:00:00Z"}] * 1000
SESSIONS = envelope(
    {}, ({"type": "sessions"}, {"attrs": {"release": "1", "note": LONG}, "aggregates": MANY})
)


@pytest.mark.parametrize(
    ("module", "path", "body"),
    [
        (faro, "/collect", {"meta": {"view": {"name": LONG}}, "logs": MANY}),
        (bugsnag, "/sessions", {"device": {"note": LONG}, "sessions": MANY}),
        (jsnlog, "/jsnlog.logger", {"r": LONG, "lg": MANY}),
        (sentry, "/api/1/envelope/", SESSIONS),
    ],
    ids=["faro", "bugsnag", "jsnlog", "sentry"],
)
def test_a_large_part_in_common_of_many_records_is_refused(
    module: Any, path: str, body: Any
) -> None:
    written = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(TooLarge):
        module.read(Sent(written, path))
