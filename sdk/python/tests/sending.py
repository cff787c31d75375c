"""Handlers before a server of the tests, and what of theirs it has stored."""

from typing import Any

from started import Server, wait_until

from redlog_client import RedlogHandler

QUICK: dict[str, Any] = {"flush_seconds": 0.02, "exit_seconds": 5.0}


def handler_at(url: str, server: Server, session: str, **options: Any) -> RedlogHandler:
    context = {"user_id": session, **options.pop("context", {})}
    return RedlogHandler(url, server.key, context=context, **{**QUICK, **options})


def stored(server: Server, session: str, records: int) -> list[dict[str, Any]]:
    """This many records of a test, no more, by their numbers."""
    query = {"user_id": session, "order": "oldest"}
    wait_until(lambda: len(server.walk(**query)) >= records, f"{records} records")
    server.wait_drained()
    found = server.walk(**query)
    assert len(found) == records
    return sorted(found, key=lambda record: int(record.get("seq", -1)))
