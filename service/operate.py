"""What operators do to tokens and partitions; `manage.py` is its only caller."""

import os
import re
import time
from pathlib import Path

from database.apps import Apps
from database.log_store import LogStore
from database.revoked import RevokedTokens
from database.segments import list_segments
from exceptions import StartError
from utils.files import try_lock
from utils.principal import Scope
from utils.tokens import Tokens

POLL_SECONDS = 0.1


def create_token(
    tokens: Tokens, apps: Apps, scope: Scope, app_ids: tuple[int, ...], days: int
) -> dict[str, str]:
    """Make a token that reads these apps, or all of them if none is named; with its id."""
    for app_id in app_ids:
        if app_id not in apps.ids():
            raise StartError(f"there is no app {app_id}")
    token = tokens.issue(scope, list(app_ids) or None, days * 86_400)
    access = tokens.read(token)
    return {"token": token, "id": access.id if access else ""}


def revoke_token(
    tokens: Tokens, revoked: RevokedTokens, token_id: str | None, token: str | None
) -> str:
    """Refuse a token from now on, named by its id or by itself; its id."""
    if token_id is not None:
        if not re.fullmatch("[0-9a-f]{16}", token_id):
            raise StartError("that is no token's id: sixteen digits 0-9a-f")
        revoked.revoke(token_id, None)
        return token_id
    access = tokens.read(token or "")
    if access is None:
        raise StartError("that is no token of this server, or it has expired")
    revoked.revoke(access.id, access.until)
    return access.id


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
