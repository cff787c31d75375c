"""What operators do to tokens and partitions; `manage.py` is its only caller."""

import os
import re
import time
from pathlib import Path

from database.api_tokens import id_of
from database.log_store import LogStore
from database.passes import Passes
from database.segments import list_segments
from exceptions import StartError
from utils.files import try_lock
from utils.tokens import Tokens

POLL_SECONDS = 0.1


def revoke_token(tokens: Tokens, passes: Passes, token_id: str | None, token: str | None) -> str:
    """Refuse a token from now on, named by its id or by itself; its id."""
    until = None
    if token_id is None:
        access = tokens.read(token or "")
        token_id = access.id if access else id_of(token or "")
        until = access.until if access else None
        if token_id is None:
            raise StartError("that is no token of this server, or it has expired")
    if not re.fullmatch("[0-9a-f]{16}", token_id):
        raise StartError("that is no token's id: sixteen digits 0-9a-f")
    if not passes.api_tokens.revoke(token_id):
        passes.revoked.revoke(token_id, until)  # one that was signed: only its id is known here
    return token_id


def drop_partition(log_store: LogStore, journal: Path, day: str, patience: float) -> None:
    """Have a day dropped: by the server's writer, or here when no server runs."""
    if not log_store.catalogue.request_drop(day):
        raise StartError(f"there is no partition {day}")
    journal.mkdir(exist_ok=True)
    deadline = time.monotonic() + patience
    while any(day == p.name and p.drop_requested for p in log_store.catalogue.partitions()):
        lock = try_lock(journal / "writer.lock")
        if lock is not None:  # no server runs: this process is the writer
            log_store.drop(day, {path.stem for path in list_segments(journal)})
            os.close(lock)
        elif time.monotonic() > deadline:
            raise StartError(f"the server did not drop {day} yet; it will, when its writer can")
        time.sleep(POLL_SECONDS)
