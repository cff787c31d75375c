"""How the node fares: whether it can accept and store, and why not."""

import os
import time
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from database.engine import HEAD, revision
from database.log_store import LogStore
from database.mysql_check import check
from database.mysql_errors import explain
from database.progress import read_progress
from database.redis_link import RedisAway
from database.segments import backlog
from exceptions import StartError
from utils.files import free_bytes
from utils.settings import Settings
from utils.startup import running_pid

WRITER_SILENCE_SECONDS = 30


def reasons(
    settings: Settings, engine: Engine, is_running: bool, thorough: bool = False
) -> tuple[dict[str, str | int], list[str]]:
    """What was looked at, and a sentence for each thing that is wrong.

    A server that is not running has no writer to miss. `thorough` tries out what the database
    allows.
    """
    journal = settings.data_path / "journal"
    progress = read_progress(journal)
    waiting, free = _backlog(journal), _free(settings.data_path)
    silent = round(time.time() - progress.at) if progress.at else -1
    failing = []
    if is_running and settings.writer.enabled and not 0 <= silent < WRITER_SILENCE_SECONDS:
        failing.append("writer: no sign of life")
    if progress.error:
        failing.append(f"writer: {progress.error}")
    if waiting > settings.journal.max_bytes:
        failing.append(
            f"journal: {waiting} bytes wait to be stored, and {settings.journal.max_bytes} may"
        )
    if free < settings.journal.min_free_bytes:
        failing.append(
            f"disk: {free} bytes are free, and {settings.journal.min_free_bytes} must be"
        )
    failing += (_lacks(engine) if thorough else []) or _database(engine)
    checks: dict[str, str | int] = {
        "writer_silent_seconds": silent,
        "backlog_bytes": waiting,
        "free_bytes": free,
        "quarantined": progress.quarantined,
    }
    return checks, failing


def examine(settings: Settings, engine: Engine) -> tuple[dict[str, str | int], list[str]]:
    """As `reasons`, and more thoroughly, for the operator: also Redis, and what runs."""
    from database.redis_check import check_redis  # the server itself needs it only with a URL

    pid = running_pid(settings.data_path / "redlog.pid")
    checks, failing = reasons(settings, engine, pid is not None, thorough=True)
    try:
        checks["redis"] = check_redis(settings.redis.url)
    except (RedisAway, StartError) as error:
        failing.append(str(error))
    profile = os.environ.get("REDLOG_PROFILE", "default")
    server = f"running (pid {pid})" if pid else "not running"
    return {"settings": f"good (profile {profile})", "server": server, **checks}, failing


def gauges(settings: Settings, log_store: LogStore) -> dict[str, tuple[str, float]]:
    """The node's measures for Prometheus: name, help and value."""
    journal = settings.data_path / "journal"
    progress = read_progress(journal)
    partitions = log_store.catalogue.partitions()
    return {
        "redlog_journal_backlog_bytes": (
            "Journal bytes that wait to be stored.",
            _backlog(journal),
        ),
        "redlog_writer_bytes_per_second": (
            "Journal bytes stored a second.",
            progress.bytes_per_second,
        ),
        "redlog_writer_last_seen_seconds": ("When the writer was last heard of.", progress.at),
        "redlog_quarantined": ("Things in quarantine.", progress.quarantined),
        "redlog_disk_free_bytes": ("Free disk.", _free(settings.data_path)),
        "redlog_partitions": ("Day partitions.", len(partitions)),
        "redlog_partition_bytes": ("Bytes in day partitions.", sum(p.bytes for p in partitions)),
    }


def _backlog(journal: Path) -> int:
    return backlog(journal) if journal.is_dir() else 0


def _free(folder: Path) -> int:
    return free_bytes(folder)


def _lacks(engine: Engine) -> list[str]:
    try:
        check(engine)
    except StartError as error:
        return [str(error)]
    return []


def _database(engine: Engine) -> list[str]:
    try:
        found = revision(engine)
    except SQLAlchemyError as error:
        return [f"database: {explain(error)}; reports with known keys are accepted all the same"]
    if found is None:
        return ["database: there is none yet; start the server, or run manage.py migrate"]
    return [] if found == HEAD else [f"database: its schema is {found}, this version's is {HEAD}"]
