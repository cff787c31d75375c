"""The state of the server, for admins: whether it is well, and the figures behind that."""

import shutil
from typing import Literal

from msgspec import Struct
from sqlalchemy import Engine

from database.engine import HEAD, revision, server_version
from database.erasures import known_nodes, node_name
from database.journal import Journal
from database.log_store import LogStore
from database.progress import read_progress
from database.redis_link import RedisLink
from service.health import reasons
from utils.clock import format_time
from utils.settings import Settings


class JournalState(Struct):
    """This node's journal; above `soft_bytes` records are shed, above `max_bytes` refused."""

    sync: str
    backlog_bytes: int
    soft_bytes: int
    max_bytes: int


class WriterState(Struct):
    """This node's writer; `silent_seconds` since its last sign of life, -1: there was none."""

    enabled: bool
    silent_seconds: int
    bytes_per_second: int
    quarantined: int
    error: str | None


class DiskState(Struct):
    """The disk of this node's data directory; below `min_free_bytes` reports are refused."""

    free_bytes: int
    min_free_bytes: int
    total_bytes: int


class DatabaseState(Struct):
    """The database; with another `schema` than `wanted_schema` it must be migrated."""

    kind: str
    version: str
    schema: str | None
    wanted_schema: str


class RedisState(Struct):
    """Redis; `complaint` tells since when and why it does not answer."""

    configured: bool
    complaint: str | None


class PartitionState(Struct):
    """A day's partition; its size is noted every few seconds."""

    day: str
    kind: str
    records: int
    bytes: int
    schema_version: int
    drop_requested: bool


class NodeState(Struct):
    """A node with a writer, and when it was seen, to the minute."""

    name: str
    is_this: bool
    seen_at: str


class ServerState(Struct):
    """The state of the node that answers, and what all nodes share."""

    status: Literal["ok", "degraded", "failing"]
    reasons: list[str]
    role: str
    workers: int
    worker_class: str
    journal: JournalState
    writer: WriterState
    disk: DiskState
    database: DatabaseState
    redis: RedisState
    nodes: list[NodeState]
    partitions: list[PartitionState]


def state_of_server(
    settings: Settings, engine: Engine, journal: Journal, log_store: LogStore, redis: RedisLink
) -> ServerState:
    """All of it. Raises SQLAlchemyError when the database is away."""
    checks, failing = reasons(settings, engine, is_running=True)
    degraded = [redis.complaint] if redis.complaint else []
    names = ("backlog_bytes", "free_bytes", "writer_silent_seconds", "quarantined")
    backlog, free, silent, quarantined = (int(checks[name]) for name in names)
    progress = read_progress(settings.data_path / "journal")
    wanted, server, writer = settings.journal, settings.server, settings.writer
    rate = round(progress.bytes_per_second)
    total = shutil.disk_usage(settings.data_path).total
    database = engine.dialect.name, server_version(engine), revision(engine), HEAD
    return ServerState(
        "failing" if failing else "degraded" if degraded else "ok",
        failing + degraded,
        server.role,
        server.workers,
        server.worker_class,
        JournalState(wanted.sync, backlog, journal.soft_bytes, wanted.max_bytes),
        WriterState(writer.enabled, silent, rate, quarantined, progress.error),
        DiskState(free, wanted.min_free_bytes, total),
        DatabaseState(*database),
        RedisState(redis.is_configured, redis.complaint),
        _nodes(settings, engine),
        _partitions(log_store),
    )


def _nodes(settings: Settings, engine: Engine) -> list[NodeState]:
    own = node_name(engine, settings.data_path)
    seen = known_nodes(engine)
    return [NodeState(name, name == own, format_time(seen_at)) for name, seen_at in seen]


def _partitions(log_store: LogStore) -> list[PartitionState]:
    return [
        PartitionState(
            each.name,
            each.kind,
            each.records,
            each.bytes,
            each.schema_version,
            bool(each.drop_requested),
        )
        for each in log_store.catalogue.partitions()
    ]
